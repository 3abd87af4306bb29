import type { AuthMode, OsisSettings } from './api/osis/settings.ts'
import type { ExternalIssuer } from './auth/bearer.ts'
import type { CephRgwSettings } from './platform/ceph-rgw/admin-client.ts'

export interface Config {
  readonly host: string
  readonly port: number
  readonly dataDir: string
  readonly databaseUrl: string
  /** Whether a database is taken whose settings let it lose commits. */
  readonly databaseAllowDataLoss: boolean
  /** Without a trailing slash; null until the port is known. */
  readonly publicUrl: string | null
  /** Null when they are in the file. */
  readonly masterKeys: MasterKeys | null
  readonly masterKeyFile: string
  readonly logLevel: LogLevel
  readonly issuers: readonly ExternalIssuer[]
  /** Null keeps accounts in the directory alone. */
  readonly cephRgw: CephRgwSettings | null
  readonly osis: OsisSettings
}

const OSIS_AUTH_MODES: readonly AuthMode[] = Object.freeze(['basic', 'bearer'])

/** What seals secrets: the first key does, all of them open. */
export type MasterKeys = readonly [Buffer, ...Buffer[]]

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Every wrong setting, one line each. */
export class ConfigError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/** Answers the fallback for an absent setting, and for a wrong one, whose problem it notes down. */
type Reader = <T>(name: string, fallback: T, parse: (text: string) => T) => T

type Environment = Readonly<Record<string, string | undefined>>

/** The signature algorithms that an external issuer may use: asymmetric ones only (RFC 8725 section 3.2). */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']

/**
 * Reads the settings from the environment, checks all of them, and freezes the result.
 * An empty variable counts as absent.
 * @throws {ConfigError} naming every wrong setting
 */
export function readConfig(env: Environment): Config {
  const problems: string[] = []
  const read: Reader = (name, fallback, parse) => {
    const text = env[name]
    if (text === undefined || text === '') return fallback
    try {
      return parse(text)
    } catch (error) {
      problems.push(`${name} ${(error as Error).message}`)
      return fallback
    }
  }
  const dataDir = read('USHER_DATA_DIR', './data', String)
  const config: Config = {
    host: read('USHER_HOST', '127.0.0.1', String),
    port: read('USHER_PORT', 8080, parsePort),
    dataDir,
    databaseUrl: read('USHER_DATABASE_URL', `sqlite:${dataDir}/usher.db`, parseDatabaseUrl),
    databaseAllowDataLoss: read('USHER_DATABASE_ALLOW_DATA_LOSS', false, parseBoolean),
    publicUrl: read<string | null>('USHER_PUBLIC_URL', null, parseUrl),
    masterKeys: read<MasterKeys | null>('USHER_MASTER_KEY', null, parseMasterKeys),
    masterKeyFile: read('USHER_MASTER_KEY_FILE', `${dataDir}/master.key`, String),
    logLevel: read<LogLevel>('USHER_LOG_LEVEL', 'info', parseLogLevel),
    issuers: read<readonly ExternalIssuer[]>('USHER_ISSUERS', [], parseIssuers),
    cephRgw: readCephRgw(read, problems),
    osis: Object.freeze({
      authModes: read<readonly AuthMode[]>('USHER_OSIS_AUTH', OSIS_AUTH_MODES, parseAuthModes),
      prefix: read('USHER_OSIS_PREFIX', '', parsePrefix),
      s3CapabilitiesFile: read<string | null>('USHER_OSIS_S3_CAPABILITIES', null, String),
      consoleUrl: read<string | null>('USHER_OSIS_CONSOLE_URL', null, parseConsoleUrl),
    }),
  }
  for (const name of Object.keys(env)) {
    if (name.startsWith('USHER_') && !KNOWN.has(name)) problems.push(`${name} is not a setting of Usher`)
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze(config)
}

const KNOWN = new Set([
  'USHER_HOST',
  'USHER_PORT',
  'USHER_DATA_DIR',
  'USHER_DATABASE_URL',
  'USHER_DATABASE_ALLOW_DATA_LOSS',
  'USHER_PUBLIC_URL',
  'USHER_MASTER_KEY',
  'USHER_MASTER_KEY_FILE',
  'USHER_LOG_LEVEL',
  'USHER_ISSUERS',
  'USHER_CEPH_RGW_URL',
  'USHER_CEPH_RGW_ACCESS_KEY',
  'USHER_CEPH_RGW_SECRET_KEY',
  'USHER_CEPH_RGW_S3_URL',
  'USHER_OSIS_AUTH',
  'USHER_OSIS_PREFIX',
  'USHER_OSIS_S3_CAPABILITIES',
  'USHER_OSIS_CONSOLE_URL',
])

function readCephRgw(read: Reader, problems: string[]): CephRgwSettings | null {
  const before = problems.length
  const needed = {
    USHER_CEPH_RGW_URL: read<string | null>('USHER_CEPH_RGW_URL', null, parseOrigin),
    USHER_CEPH_RGW_ACCESS_KEY: read<string | null>('USHER_CEPH_RGW_ACCESS_KEY', null, parseKey),
    USHER_CEPH_RGW_SECRET_KEY: read<string | null>('USHER_CEPH_RGW_SECRET_KEY', null, parseKey),
  }
  const s3Url = read<string | null>('USHER_CEPH_RGW_S3_URL', null, parseUrl)
  if (problems.length > before) return null
  const { USHER_CEPH_RGW_URL: url, USHER_CEPH_RGW_ACCESS_KEY: accessKey } = needed
  const { USHER_CEPH_RGW_SECRET_KEY: secretKey } = needed
  if (url !== null && accessKey !== null && secretKey !== null)
    return Object.freeze({ url, accessKey, secretKey, s3Url: s3Url ?? url })
  if (url ?? accessKey ?? secretKey ?? s3Url) {
    const missing = Object.entries(needed).flatMap(([name, value]) => (value === null ? [name] : []))
    problems.push(
      `${missing.join(', ')} must be set too: a Ceph RGW needs a URL, an access key and a secret key`,
    )
  }
  return null
}

function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65535)
    throw new Error(`must be a port number from 0 to 65535, not '${text}'`)
  return port
}

/** The value may hold a password: a message about it must not repeat it. */
export function parseDatabaseUrl(text: string): string {
  const isPostgres = /^postgres(ql)?:\/\//.test(text) && URL.canParse(text)
  if (!isPostgres && !/^sqlite:.+/.test(text))
    throw new Error('must have the form sqlite:<path> or postgres://user:password@host:port/database')
  return text
}

function parseBoolean(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new Error(`must be true or false, not '${text}'`)
  return text === 'true'
}

function parseUrl(text: string): string {
  if (!isHttpUrl(text)) {
    throw new Error(`must be an http or https URL, not '${text}'`)
  }
  return text.replace(/\/+$/, '')
}

/** The Admin Ops API has a fixed path, and what is signed is what the gateway sees. The message repeats no password. */
function parseOrigin(text: string): string {
  const message = 'must be an http or https URL with a host and a port alone'
  if (!isHttpUrl(text)) throw new Error(message)
  const { origin, href } = new URL(text)
  if (href !== `${origin}/`) throw new Error(message)
  return origin
}

/** Half of a key pair. A message about it must not repeat it. */
function parseKey(text: string): string {
  if (!/^[\x21-\x7e]+$/.test(text)) throw new Error('must be printable ASCII without blanks')
  return text
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}

/** Keys that come in the clear over a network are anybody's keys. */
function isSafeUrl(text: string): boolean {
  if (!isHttpUrl(text)) return false
  const { protocol, hostname } = new URL(text)
  return protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}

/** @throws {Error} naming the position of what is no key */
function parseMasterKeys(text: string): MasterKeys {
  const parts = text.split(',').map((part, i) => [`key ${i + 1}`, part.trim()] as const)
  return decodeMasterKeys(parts, 'must be 32 bytes in base64, or several such keys with commas between')
}

/**
 * Master keys from their base64. They are secrets: a message about one says where it is, never what it is.
 * @param parts at least one, each with the name of its place
 * @param rule begins the message about a part that breaks it
 * @throws {Error} naming the place of the first that is no key, or there already
 */
export function decodeMasterKeys(
  parts: readonly (readonly [place: string, text: string])[],
  rule: string,
): MasterKeys {
  const keys = parts.map(([place, text], i) => {
    const key = Buffer.from(text, 'base64')
    if (key.length !== 32) throw new Error(`${rule}; ${place} has ${key.length} bytes`)
    if (key.toString('base64') !== text) throw new Error(`${rule}; ${place} has other characters`)
    const first = parts.findIndex(([, other]) => other === text)
    if (first !== i) throw new Error(`${rule}; ${place} is the same as ${parts[first]?.[0]}`)
    return key
  })
  return keys as [Buffer, ...Buffer[]]
}

function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((one) => one === text)
  if (!level) throw new Error(`must be one of ${LOG_LEVELS.join(', ')}, not '${text}'`)
  return level
}

function parseAuthModes(text: string): readonly AuthMode[] {
  const names = text.split(',').map((name) => name.trim())
  const wrong = names.find((name) => !OSIS_AUTH_MODES.some((mode) => mode === name))
  if (wrong !== undefined) throw new Error(`must be basic, bearer or basic,bearer, not '${text}'`)
  return Object.freeze(OSIS_AUTH_MODES.filter((mode) => names.includes(mode)))
}

/** The paths of the other APIs stay theirs. */
function parsePrefix(text: string): string {
  if (!/^(\/[A-Za-z0-9._~-]+)+\/?$/.test(text)) throw new Error(`must be a path such as /osis, not '${text}'`)
  if (/^\/(v1|api|oauth2|\.well-known|docs|openapi|metrics|healthz|readyz)(\/|$)/i.test(text))
    throw new Error(`must not begin like a path of Usher's own, as '${text}' does`)
  return text.replace(/\/$/, '')
}

function parseConsoleUrl(text: string): string {
  if (!isHttpUrl(text)) throw new Error(`must be an http or https URL, not '${text}'`)
  const unknown = /\{(?!tenant_id\}|lang\})[^}]*\}?/.exec(text)
  if (unknown) throw new Error(`may have {tenant_id} and {lang} in it, not ${unknown[0]}`)
  return text
}

function parseIssuers(text: string): readonly ExternalIssuer[] {
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch {
    throw new Error('must be JSON: [{"issuer": …, "jwksUrl": …, "audience": …, "algorithms": […]}]')
  }
  if (!Array.isArray(list)) throw new Error('must be a JSON array of issuers')
  const issuers = list.map((entry: Record<string, unknown>, i) => parseIssuer(entry ?? {}, `[${i}]`))
  const repeated = issuers.find(({ issuer }, i) => issuers.findIndex((one) => one.issuer === issuer) !== i)
  if (repeated) throw new Error(`has the issuer ${repeated.issuer} twice`)
  return Object.freeze(issuers)
}

function parseIssuer(entry: Record<string, unknown>, path: string): ExternalIssuer {
  const { issuer, jwksUrl, audience, algorithms = ['RS256', 'ES256'], ...unknown } = entry
  const [extra] = Object.keys(unknown)
  if (extra) throw new Error(`${path}.${extra} is not a member of an issuer`)
  if (typeof issuer !== 'string' || issuer === '') throw new Error(`${path}.issuer must be the tokens' iss`)
  if (typeof audience !== 'string' || audience === '')
    throw new Error(`${path}.audience must be the tokens' aud`)
  if (typeof jwksUrl !== 'string' || !isSafeUrl(jwksUrl)) {
    throw new Error(`${path}.jwksUrl must be an https URL, or an http one of this machine`)
  }
  if (
    !Array.isArray(algorithms) ||
    algorithms.length === 0 ||
    !algorithms.every((one) => ALGORITHMS.includes(one))
  ) {
    throw new Error(`${path}.algorithms must be a list out of ${ALGORITHMS.join(', ')}`)
  }
  return Object.freeze({ issuer, jwksUrl, audience, algorithms: Object.freeze([...algorithms]) })
}
