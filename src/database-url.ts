import { existsSync } from 'node:fs'

/** The modes of TLS, as libpq names them (PostgreSQL manual, section 32.19, "SSL Support"). */
export const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
export type SslMode = (typeof SSL_MODES)[number]

/** The parts of the URL of a PostgreSQL database. What the URL leaves out is null. */
export interface PostgresUrl {
  readonly user: string | null
  readonly password: string | null
  /** A name, an address without brackets, or the folder of a Unix socket, which begins with a slash. */
  readonly host: string | null
  readonly port: number | null
  readonly database: string | null
  readonly sslMode: SslMode | null
  /** The file of the certificates that may sign the server's; `system` for those that Node trusts. */
  readonly sslRootCert: string | null
  readonly sslCert: string | null
  readonly sslKey: string | null
  readonly applicationName: string | null
  /** Options of the server's command line, such as `-c search_path=usher`. */
  readonly options: string | null
}

const FORM = 'must have the form sqlite:<path> or postgres://user:password@host:port/database'

/** The parameters of a URL. `uselibpqcompat` asks for what is the rule here. */
const PARAMETERS = [
  ...['host', 'port', 'user', 'password', 'dbname'],
  ...['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'application_name', 'options', 'uselibpqcompat'],
] as const
type Parameters = Partial<Record<(typeof PARAMETERS)[number], string>>

/**
 * Checks the URL of a database, and returns its normalised form.
 * @throws {Error} with a message that follows the name of the setting. It repeats nothing of the URL, which may hold a
 *   password
 */
export function normaliseDatabaseUrl(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it looks for
  if (/[\x00-\x1f\x7f]/.test(text)) throw new Error('must not contain control characters')
  const url = text.trim()
  if (!/^postgres(ql)?:\/\//.test(url)) return normaliseSqlite(url)
  parsePostgresUrl(url)
  // What shows the URL without its password relies on escaped blanks and quotes.
  return url.replace(/[^\x21\x23-\x7e]+/g, encodeURIComponent)
}

function normaliseSqlite(url: string): string {
  const path = /^sqlite:(.*)$/.exec(url)?.[1] ?? ''
  if (path.trim() === '') throw new Error(FORM)
  if (path === ':memory:') throw new Error('must name a file: what is in memory is lost at the end')
  if (/^\/\/[^/]/.test(path))
    throw new Error('must not have // before the path: write sqlite:<path>, or sqlite:/<path> from the root')
  if (/[?#]/.test(path)) throw new Error('must have no parameters: sqlite:<path> takes a path alone')
  if (path.startsWith('~'))
    throw new Error('must not begin with ~, which only a shell replaces: write the whole path')
  if (path.endsWith('/')) throw new Error('must name a file, not a folder')
  return `sqlite:${path.replace(/^\/+/, '/')}`
}

/**
 * Parses the URL of a PostgreSQL database as libpq does (PostgreSQL manual, section 32.1.1.2).
 * @throws {Error} like `normaliseDatabaseUrl`
 */
export function parsePostgresUrl(text: string): PostgresUrl {
  if (text.includes('#')) throw new Error('must not contain #; in a password, write %23')
  const authority = /^postgres(?:ql)?:\/\/([^/?]*)/.exec(text)?.[1] ?? ''
  if (authority.slice(authority.lastIndexOf('@') + 1).includes(','))
    throw new Error('must name one host: Usher does not choose between several')
  // WHATWG URLs cannot have a user without a host, as it may be for a socket.
  const isHostless = authority.endsWith('@')
  const url = isHostless ? text.replace(authority, () => `${authority}localhost`) : text
  if (!URL.canParse(url)) throw new Error(FORM)
  const { username, password, hostname, port, pathname, searchParams } = new URL(url)
  const named = readParameters(searchParams)
  const host = named.host ?? (isHostless ? '' : decode(hostname).replace(/^\[(.*)\]$/, '$1'))
  if (host.includes(',')) throw new Error('must name one host: Usher does not choose between several')
  return {
    user: decode(named.user ?? username) || null,
    password: named.password ?? (decode(password) || null),
    host: host || null,
    port: parsePort(named.port ?? port),
    database: named.dbname ?? (decode(pathname.slice(1)) || null),
    ...readTls(named),
    applicationName: named.application_name ?? null,
    options: named.options ?? null,
  }
}

function readParameters(given: URLSearchParams): Parameters {
  const named: Parameters = {}
  let place = 0
  for (const [name, value] of given) {
    place++
    const known = PARAMETERS.find((one) => one === name)
    // The name is not repeated: it may be the rest of a password with a question mark.
    if (!known) {
      const list = PARAMETERS.join(', ')
      throw new Error(
        `has an unknown parameter (number ${place}); there are ${list}. In a password, write ? as %3F`,
      )
    }
    if (value === '') throw new Error(`has no value for the parameter ${known}`)
    if (named[known] !== undefined) throw new Error(`has the parameter ${known} twice`)
    named[known] = value
  }
  return named
}

type Tls = Pick<PostgresUrl, 'sslMode' | 'sslRootCert' | 'sslCert' | 'sslKey'>

function readTls(named: Parameters): Tls {
  const { sslrootcert = null, sslcert = null, sslkey = null } = named
  const sslMode = named.sslmode === undefined ? null : parseSslMode(named.sslmode)
  if (sslMode === 'verify-ca' && sslrootcert === null)
    throw new Error('has sslmode=verify-ca without sslrootcert, the file of the certificates to verify with')
  if (sslrootcert === 'system' && sslMode !== null && sslMode !== 'verify-full')
    throw new Error('has sslrootcert=system, which needs sslmode=verify-full')
  if ((sslcert === null) !== (sslkey === null))
    throw new Error('must have both sslcert and sslkey, or neither')
  for (const [name, file] of Object.entries({ sslrootcert, sslcert, sslkey }))
    if (file !== null && file !== 'system' && !existsSync(file))
      throw new Error(`names a file for ${name} that does not exist`)
  return { sslMode, sslRootCert: sslrootcert, sslCert: sslcert, sslKey: sslkey }
}

/**
 * Parses a mode of TLS.
 * @throws {Error} with a message that follows the name of the setting
 */
export function parseSslMode(text: string): SslMode {
  const mode = SSL_MODES.find((one) => one === text)
  if (!mode) throw new Error(`has a wrong sslmode; the modes are ${SSL_MODES.join(', ')}`)
  return mode
}

function parsePort(text: string): number | null {
  if (text === '') return null
  const port = Number(text)
  if (!/^\d+$/.test(text) || port < 1 || port > 65535) throw new Error('must have a port from 1 to 65535')
  return port
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Error('has a % that begins no escape; write % as %25')
  }
}
