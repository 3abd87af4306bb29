import type { RateLimits } from './api/limits.ts'
import type { OsisSettings } from './api/osis/settings.ts'
import type { ExternalIssuer } from './auth/external-issuers.ts'
import type { OpenIdSettings } from './auth/oidc.ts'
import type { CephRgwSettings } from './platform/ceph-rgw/admin-client.ts'
import type { LogLevel, MasterKeys } from './setting-values.ts'
import { SETTINGS, type Setting, type SettingValues } from './settings.ts'

/** The settings of the program, checked and frozen. */
export interface Config {
  readonly host: string
  readonly port: number
  readonly dataDir: string
  readonly databaseUrl: string
  /** Whether a database is accepted whose own settings can lose commits. */
  readonly databaseAllowDataLoss: boolean
  /** The URL has no slash at its end. Null stands for the address that the server listens on. */
  readonly publicUrl: string | null
  /** Addresses and CIDR ranges of proxies. Only their `X-Forwarded-For` counts. */
  readonly trustedProxies: readonly string[]
  readonly rateLimits: RateLimits
  /** Where the metrics have a listener of their own; null if the server itself serves them. */
  readonly metrics: { readonly host: string; readonly port: number } | null
  /** Null if the master keys are in the file. */
  readonly masterKeys: MasterKeys | null
  readonly masterKeyFile: string
  readonly logLevel: LogLevel
  readonly issuers: readonly ExternalIssuer[]
  /** Null if there is no Ceph RGW: accounts are then kept in the directory only. */
  readonly cephRgw: CephRgwSettings | null
  readonly osis: OsisSettings
  /** The OpenID provider at which people sign in to the console; null if they enter by links alone. */
  readonly openId: OpenIdSettings | null
  readonly webhooks: {
    /** Addresses and CIDR ranges inside the provider's network that receivers may have. */
    readonly networks: readonly string[]
    /** How long after its first failure an event is given up, in milliseconds. */
    readonly retryMs: number
  }
}

/** One or more settings are wrong. The message has one line for each problem. */
export class ConfigError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads the settings from the environment, checks all of them, and freezes the result. An empty variable counts as
 * absent.
 * @throws {ConfigError} naming every wrong setting, and every USHER_ variable that is not a setting
 */
export async function readConfig(env: Environment): Promise<Config> {
  return toConfig(await readCheckedValues(env))
}

async function readCheckedValues(env: Environment): Promise<SettingValues> {
  const { values, problems, wrong } = await readValues(env)
  const cephNames = [
    SETTINGS.cephRgwUrl.name,
    SETTINGS.cephRgwAccessKey.name,
    SETTINGS.cephRgwSecretKey.name,
    SETTINGS.cephRgwS3Url.name,
  ]
  // A wrong value counts as absent, and must not be reported a second time as missing.
  if (!cephNames.some((name) => wrong.has(name))) problems.push(...checkCephRgw(values))
  problems.push(...checkIssuers(values), ...checkOpenId(values, wrong))
  const known = new Set<string>(Object.values(SETTINGS).map(({ name }) => name))
  for (const name of Object.keys(env))
    if (name.startsWith('USHER_') && !known.has(name)) problems.push(`${name} is not a setting of Usher`)
  if (problems.length > 0) throw new ConfigError(problems)
  return values
}

function toConfig(values: SettingValues): Config {
  const { host, port, dataDir, databaseUrl, databaseAllowDataLoss, publicUrl } = values
  const { masterKeys, masterKeyFile, logLevel } = values
  return Object.freeze({
    ...{ host, port, dataDir, databaseUrl, databaseAllowDataLoss, publicUrl },
    ...{ masterKeys, masterKeyFile, logLevel },
    trustedProxies: values.trustedProxies ?? Object.freeze([]),
    metrics: toMetrics(values),
    rateLimits: Object.freeze({
      requestsPerMinute: values.requestsPerMinute,
      failuresPerMinute: values.failuresPerMinute,
    }),
    issuers: values.issuers ?? Object.freeze([]),
    cephRgw: toCephRgw(values),
    openId: toOpenId(values),
    webhooks: Object.freeze({
      networks: values.webhookNetworks ?? Object.freeze([]),
      retryMs: values.webhookRetryHours * 60 * 60 * 1000,
    }),
    osis: Object.freeze({
      authModes: values.osisAuth,
      prefix: values.osisPrefix ?? '',
      s3CapabilitiesFile: values.osisS3Capabilities,
      consoleUrl: values.osisConsoleUrl,
    }),
  })
}

function toMetrics({ metricsHost: host, metricsPort: port }: SettingValues): Config['metrics'] {
  return port === null ? null : Object.freeze({ host, port })
}

function toCephRgw(values: SettingValues): CephRgwSettings | null {
  const { cephRgwUrl: url, cephRgwAccessKey: accessKey, cephRgwSecretKey: secretKey } = values
  if (url === null || accessKey === null || secretKey === null) return null
  return Object.freeze({ url, accessKey, secretKey, s3Url: values.cephRgwS3Url ?? url })
}

function toOpenId(values: SettingValues): OpenIdSettings | null {
  const { consoleIssuer: issuer, consoleClientId: clientId, consoleIssuerName: name } = values
  const clientSecret = values.consoleClientSecret ?? values.consoleClientSecretFile
  if (issuer === null || clientId === null || clientSecret === null) return null
  return Object.freeze({ issuer, clientId, clientSecret, name: name ?? new URL(issuer).host })
}

/** An OpenID provider needs its issuer, an id and one secret: all or none. */
function checkOpenId(values: SettingValues, wrong: ReadonlySet<string>): string[] {
  const {
    consoleIssuer,
    consoleClientId,
    consoleClientSecret: secret,
    consoleClientSecretFile: file,
  } = SETTINGS
  const names = [consoleIssuer, consoleClientId, secret, file].map(({ name }) => name)
  if (names.some((name) => wrong.has(name))) return []
  const isSecretSet = values.consoleClientSecret !== null || values.consoleClientSecretFile !== null
  if (values.consoleClientSecret !== null && values.consoleClientSecretFile !== null)
    return [`${secret.name} and ${file.name} must not both be set`]
  const missing = [
    ...(values.consoleIssuer === null ? [consoleIssuer.name] : []),
    ...(values.consoleClientId === null ? [consoleClientId.name] : []),
    ...(isSecretSet ? [] : [`${secret.name} (or ${file.name})`]),
  ]
  if (missing.length === 0 || (missing.length === 3 && values.consoleIssuerName === null)) return []
  return [
    `${missing.join(', ')} must be set too: an OpenID provider needs an issuer, a client id and a secret`,
  ]
}

function checkCephRgw(values: SettingValues): string[] {
  const keys = ['cephRgwUrl', 'cephRgwAccessKey', 'cephRgwSecretKey'] as const
  const missing = keys.filter((key) => values[key] === null)
  const isUsed = missing.length < keys.length || values.cephRgwS3Url !== null
  if (!isUsed || missing.length === 0) return []
  const names = missing.map((key) => SETTINGS[key].name).join(', ')
  return [`${names} must be set too: a Ceph RGW needs a URL, an access key and a secret key`]
}

/** Usher's own tokens have rules of their own, which an entry for its own URL would not change. */
function checkIssuers({ issuers, publicUrl }: SettingValues): string[] {
  const own = issuers?.findIndex(({ issuer }) => issuer === publicUrl) ?? -1
  return own < 0
    ? []
    : [`${SETTINGS.issuers.name} [${own}].issuer is ${SETTINGS.publicUrl.name}: leave it out`]
}

interface Reading {
  readonly values: SettingValues
  readonly problems: string[]
  /** The names of the settings whose value is wrong. */
  readonly wrong: ReadonlySet<string>
}

async function readValues(env: Environment): Promise<Reading> {
  const problems: string[] = []
  const wrong = new Set<string>()
  const values: Record<string, unknown> = {}
  for (const [key, setting] of Object.entries<Setting>(SETTINGS)) {
    const text = findText(env, setting, values.dataDir as string | null | undefined)
    try {
      values[key] = text === undefined ? null : await setting.parse(text)
    } catch (error) {
      values[key] = null
      wrong.add(setting.name)
      problems.push(...(error as Error).message.split('\n').map((line) => `${setting.name} ${line}`))
    }
  }
  return { values: values as unknown as SettingValues, problems, wrong }
}

/** Finds the text of a setting: from the environment, or the default with the data directory filled in. */
function findText(
  env: Environment,
  { name, byDefault }: Setting,
  dataDir: string | null | undefined,
): string | undefined {
  // A wrong data directory is reported once, and not again for each path in it. The root has a slash already.
  const folder = (dataDir ?? SETTINGS.dataDir.byDefault).replace(/\/$/, '')
  return env[name] || byDefault?.replace(`{${SETTINGS.dataDir.name}}`, () => folder)
}

/** The value of a setting for people, and where it comes from. */
export interface SettingState {
  readonly name: string
  /** Null if the setting is absent or secret. Passwords in a URL are replaced. */
  readonly value: string | null
  readonly isSecret: boolean
  readonly source: 'environment' | 'default' | 'absent'
}

/**
 * Lists every setting with its effective value.
 * @throws {ConfigError} like `readConfig`
 */
export async function listSettings(env: Environment): Promise<SettingState[]> {
  const values = await readCheckedValues(env)
  return Object.entries<Setting>(SETTINGS).map(([key, { name, byDefault, isSecret = false }]) => {
    const value = values[key as keyof SettingValues]
    const source = env[name] ? 'environment' : byDefault === undefined ? 'absent' : 'default'
    return { name, value: value === null || isSecret ? null : hidePasswords(format(value)), isSecret, source }
  })
}

function format(value: unknown): string {
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value.join(',')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Hides the user information of URLs, and parameters that may hold a secret. */
function hidePasswords(text: string): string {
  return text
    .replace(/\/\/[^/?#\s"]*@/g, '//***@')
    .replace(/([?&][^=&]*(?:password|passphrase|secret|token)[^=&]*=)[^&#\s"]*/gi, '$1***')
}
