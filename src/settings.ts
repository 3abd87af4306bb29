import { normaliseDatabaseUrl } from './database-url.ts'
import {
  LOG_LEVELS,
  parseAddresses,
  parseAuthModes,
  parseBoolean,
  parseConsoleUrl,
  parseCount,
  parseHost,
  parseIssuerUrl,
  parseKey,
  parseLogLevel,
  parseMasterKeys,
  parseName,
  parseOrigin,
  parsePath,
  parsePort,
  parsePrefix,
  parsePublicUrl,
  parseUrl,
  readSecretFile,
} from './setting-values.ts'

/** One setting: an environment variable. */
export interface Setting {
  readonly name: `USHER_${string}`
  /**
   * Replaces an absent or empty variable; parsed in the same way. `{USHER_DATA_DIR}` stands for the value of that
   * setting. A setting without a default may be null.
   */
  readonly byDefault?: string
  /** What applies if there is no value, in words. */
  readonly ifAbsent?: string
  /** True if the value must never be shown. */
  readonly isSecret?: true
  /** The explanation of the setting in docs/operating.md, in Markdown. */
  readonly doc: string
  /** @throws {Error} with a message that follows the name of the setting, one line for each problem */
  parse(text: string): unknown
}

/** Every setting. The checks, `usher config` and the table in docs/operating.md are made from this list. */
export const SETTINGS = {
  host: {
    name: 'USHER_HOST',
    byDefault: '127.0.0.1',
    doc: 'Address to listen on',
    parse: parseHost,
  },
  port: {
    name: 'USHER_PORT',
    byDefault: '8080',
    doc: 'Port to listen on. `0` takes a free port, which the log names',
    parse: parsePort,
  },
  dataDir: {
    name: 'USHER_DATA_DIR',
    byDefault: './data',
    doc: 'Folder of the SQLite file and of the master key',
    parse: parsePath,
  },
  databaseUrl: {
    name: 'USHER_DATABASE_URL',
    byDefault: 'sqlite:{USHER_DATA_DIR}/usher.db',
    doc: '`sqlite:<path>`, or `postgres://user:password@host:port/database`',
    parse: normaliseDatabaseUrl,
  },
  databaseAllowDataLoss: {
    name: 'USHER_DATABASE_ALLOW_DATA_LOSS',
    byDefault: 'false',
    doc: '`true` accepts a PostgreSQL server whose own settings can lose commits',
    parse: parseBoolean,
  },
  publicUrl: {
    name: 'USHER_PUBLIC_URL',
    ifAbsent: 'the address that Usher listens on',
    doc: 'URL at which clients reach Usher. Tokens (`iss`, `aud`), discovery documents and `logo_uri` contain it',
    parse: parsePublicUrl,
  },
  trustedProxies: {
    name: 'USHER_TRUSTED_PROXIES',
    ifAbsent: 'none: the peer of the connection is the caller',
    doc: 'Addresses or CIDR ranges of your reverse proxies, separated by commas. Only their `X-Forwarded-For` counts ([behind a proxy](#behind-a-reverse-proxy))',
    parse: parseAddresses,
  },
  metricsPort: {
    name: 'USHER_METRICS_PORT',
    ifAbsent: 'none: `/metrics` is on `USHER_PORT`',
    doc: 'Port that serves `/metrics` and nothing else; then `USHER_PORT` does not serve it. `0` takes a free port, which the log names',
    parse: parsePort,
  },
  metricsHost: {
    name: 'USHER_METRICS_HOST',
    byDefault: '127.0.0.1',
    doc: 'Address to listen on with `USHER_METRICS_PORT`',
    parse: parseHost,
  },
  requestsPerMinute: {
    name: 'USHER_REQUESTS_PER_MINUTE',
    byDefault: '1000000',
    doc: 'Requests that one authenticated client may send in a minute; `0` for any number ([limits](#limits))',
    parse: parseCount,
  },
  failuresPerMinute: {
    name: 'USHER_FAILURES_PER_MINUTE',
    byDefault: '300',
    doc: 'Requests from one address that may fail to authenticate in a minute; `0` for any number ([limits](#limits))',
    parse: parseCount,
  },
  masterKeys: {
    name: 'USHER_MASTER_KEY',
    ifAbsent: 'the file of the next setting',
    isSecret: true,
    doc: 'Master key: 32 bytes in base64. With several keys, separated by commas, secrets are encrypted with the first and decrypted with any',
    parse: parseMasterKeys,
  },
  masterKeyFile: {
    name: 'USHER_MASTER_KEY_FILE',
    byDefault: '{USHER_DATA_DIR}/master.key',
    doc: 'File of master keys, one on each line, with mode 0600. The first start creates it',
    parse: parsePath,
  },
  webhookNetworks: {
    name: 'USHER_WEBHOOK_NETWORKS',
    ifAbsent: 'none: receivers are on the internet, and speak https',
    doc: 'Addresses or CIDR ranges inside your own network that receivers of webhooks may have, separated by commas. There they may speak http ([webhooks](#webhooks))',
    parse: parseAddresses,
  },
  webhookRetryHours: {
    name: 'USHER_WEBHOOK_RETRY_HOURS',
    byDefault: '24',
    doc: 'How long an event is tried again before it is given up; `0` gives it up after its first failure ([webhooks](#webhooks))',
    parse: parseCount,
  },
  logLevel: {
    name: 'USHER_LOG_LEVEL',
    byDefault: 'info',
    doc: LOG_LEVELS.map((level) => `\`${level}\``).join(', '),
    parse: parseLogLevel,
  },
  issuers: {
    name: 'USHER_ISSUERS',
    ifAbsent: 'none',
    doc: 'External token issuers: a JSON array of objects with `issuer`, `jwksUrl`, `audience` and, optionally, `algorithms`, `clientClaim` and `machine` ([external-issuers.md](external-issuers.md))',
    // Loaded only when it is needed: TypeBox would double the time that most commands take to start.
    parse: async (text: string) => (await import('./issuers.ts')).parseIssuers(text),
  },
  consoleIssuer: {
    name: 'USHER_CONSOLE_ISSUER',
    ifAbsent: 'none: people enter the console by one-time links',
    doc: 'OpenID provider at which people sign in to the console: its issuer, without `/.well-known/…` ([console.md](console.md)). Needs an id and a secret',
    parse: parseIssuerUrl,
  },
  consoleClientId: {
    name: 'USHER_CONSOLE_CLIENT_ID',
    doc: "Usher's client id at that provider",
    parse: parseKey,
  },
  consoleClientSecret: {
    name: 'USHER_CONSOLE_CLIENT_SECRET',
    ifAbsent: 'the file of the next setting',
    isSecret: true,
    doc: "Usher's client secret at that provider",
    parse: parseKey,
  },
  consoleClientSecretFile: {
    name: 'USHER_CONSOLE_CLIENT_SECRET_FILE',
    isSecret: true,
    doc: 'File with that secret alone, read at the start',
    parse: readSecretFile,
  },
  consoleIssuerName: {
    name: 'USHER_CONSOLE_ISSUER_NAME',
    ifAbsent: 'the host of the issuer',
    doc: 'Name of that provider on the button of the console',
    parse: parseName,
  },
  cephRgwUrl: {
    name: 'USHER_CEPH_RGW_URL',
    ifAbsent: 'the platform `embedded`, for a new directory',
    doc: 'URL of the Ceph Object Gateway that has the accounts, without a path ([ceph-rgw.md](ceph-rgw.md)). Needs both keys',
    parse: parseOrigin,
  },
  cephRgwAccessKey: {
    name: 'USHER_CEPH_RGW_ACCESS_KEY',
    isSecret: true,
    doc: "Access key of Usher's own user on the gateway",
    parse: parseKey,
  },
  cephRgwSecretKey: {
    name: 'USHER_CEPH_RGW_SECRET_KEY',
    isSecret: true,
    doc: "Secret key of Usher's own user on the gateway",
    parse: parseKey,
  },
  cephRgwS3Url: {
    name: 'USHER_CEPH_RGW_S3_URL',
    ifAbsent: '`USHER_CEPH_RGW_URL`',
    doc: 'URL at which users reach S3 of the gateway',
    parse: parseUrl,
  },
  osisAuth: {
    name: 'USHER_OSIS_AUTH',
    byDefault: 'basic,bearer',
    doc: 'How callers of OSIS authenticate: `basic`, `bearer`, or both',
    parse: parseAuthModes,
  },
  osisPrefix: {
    name: 'USHER_OSIS_PREFIX',
    ifAbsent: 'none',
    doc: 'Prefix of the OSIS paths: with `/osis` they begin with `/osis/api/`',
    parse: parsePrefix,
  },
  osisS3Capabilities: {
    name: 'USHER_OSIS_S3_CAPABILITIES',
    ifAbsent: 'what Usher knows of the platform',
    doc: 'JSON file of the S3 calls that the platform does not support, checked at the start ([connect-ose.md](connect-ose.md))',
    parse: parsePath,
  },
  osisConsoleUrl: {
    name: 'USHER_OSIS_CONSOLE_URL',
    ifAbsent: 'none: `getConsole` returns 501',
    doc: "URL of the platform's own web console; `{tenant_id}` and `{lang}` in it are replaced",
    parse: parseConsoleUrl,
  },
} as const satisfies Readonly<Record<string, Setting>>

type Settings = typeof SETTINGS

/** The parsed values: null for a setting that is absent and has no default. */
export type SettingValues = {
  readonly [Key in keyof Settings]:
    | Awaited<ReturnType<Settings[Key]['parse']>>
    | (Settings[Key] extends { byDefault: string } ? never : null)
}
