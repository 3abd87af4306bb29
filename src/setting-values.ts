import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import type { AuthMode } from './api/osis/settings.ts'
import { toAsciiDomain } from './model/email.ts'
import { isLoopback } from './model/hosts.ts'

/** The master keys, 32 bytes each. Secrets are encrypted with the first one, and decrypted with any of them. */
export type MasterKeys = readonly [Buffer, ...Buffer[]]

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

const AUTH_MODES: readonly AuthMode[] = ['basic', 'bearer']

/*
 * Each function parses the text of one kind of setting. It throws an Error whose message follows the name of the
 * setting, with one line for each problem. A message never repeats a value that may be secret.
 */

/** Parses a port number. 0 stands for any free port. */
export function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65535)
    throw new Error(`must be a port number from 0 to 65535, not ${quote(text)}`)
  return port
}

/** Parses `true` or `false`. */
export function parseBoolean(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new Error(`must be true or false, not ${quote(text)}`)
  return text === 'true'
}

/**
 * Checks the address or the name to listen on, and normalises it: without the brackets of an IPv6 address, in ASCII, in
 * lower case.
 */
export function parseHost(text: string): string {
  const host = text.trim().replace(/^\[(.*)\]$/, '$1')
  if (isIP(host)) return host.toLowerCase()
  const name = /^[\x21-\x7e]*$/.test(host) ? host.toLowerCase() : toAsciiDomain(host)
  if (!name || !/^[a-z0-9]([a-z0-9_.-]*[a-z0-9])?$/.test(name))
    throw new Error(
      'must be an IP address or a host name, without scheme and port; 0.0.0.0 or :: listens on all',
    )
  return name
}

/** Checks the path of a file or folder, and removes slashes at its end. */
export function parsePath(text: string): string {
  if (text.trim() === '') throw new Error('must not be blank')
  if (hasControlCharacter(text)) throw new Error('must not contain control characters')
  if (text !== text.trim()) throw new Error('must not begin or end with a blank')
  if (text.startsWith('~'))
    throw new Error('must not begin with ~, which only a shell replaces: write the whole path')
  return text.replace(/(?<=.)\/+$/, '')
}

/**
 * Checks an http or https URL to which paths are appended, and normalises it: host in ASCII and lower case, no default
 * port, no slash at its end.
 */
export function parseUrl(text: string): string {
  const { origin, pathname, search, hash, href } = readHttpUrl(text)
  if (search !== '' || hash !== '' || /[?#]$/.test(href))
    throw new Error('must have neither a query (?) nor a fragment (#): paths are appended to it')
  return `${origin}${pathname}`.replace(/\/+$/, '')
}

/** Like `parseUrl`, for the URL at which other machines reach Usher. */
export function parsePublicUrl(text: string): string {
  const url = parseUrl(text)
  if (['0.0.0.0', '[::]'].includes(new URL(url).hostname))
    throw new Error(
      'must have a host that clients can reach: 0.0.0.0 and :: only mean all addresses to listen on',
    )
  return url
}

/**
 * Reads an http or https URL. The error does not repeat the text, which may hold a password.
 * @throws {Error} unless it is one without a user
 */
function readHttpUrl(text: string): URL {
  if (hasControlCharacter(text)) throw new Error('must not contain control characters')
  if (!isHttpUrl(text)) throw new Error('must be an http or https URL, such as https://usher.example')
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') throw new Error('must have no user and no password')
  if (url.port === '0') throw new Error('must have a port from 1 to 65535')
  return url
}

/** Quotes a value in a message of one line. */
function quote(text: string): string {
  return `'${text.replace(/\p{Cc}/gu, ' ')}'`
}

function hasControlCharacter(text: string): boolean {
  return /\p{Cc}/u.test(text)
}

/**
 * Checks a URL that has only a scheme, a host and a port. The path of the Admin Ops API is fixed, and requests are
 * signed for the URL that the gateway sees. The text may hold a password.
 */
export function parseOrigin(text: string): string {
  const message = 'must be an http or https URL with a host and a port alone'
  if (!isHttpUrl(text)) throw new Error(message)
  const { origin, href } = new URL(text)
  if (href !== `${origin}/`) throw new Error(message)
  readHttpUrl(text)
  return origin
}

/** Checks the issuer of an OpenID provider. It stays as it is written, because the provider's metadata repeat it. */
export function parseIssuerUrl(text: string): string {
  const { protocol, hostname, search, hash } = readHttpUrl(text)
  if (protocol !== 'https:' && !isLoopback(hostname))
    throw new Error('must be an https URL, or an http URL of this machine')
  if (search !== '' || hash !== '') throw new Error('must have neither a query (?) nor a fragment (#)')
  if (text.includes('/.well-known/')) throw new Error('must be the issuer itself, without /.well-known/…')
  return text
}

/** Checks a name that is shown to people. */
export function parseName(text: string): string {
  if (text.trim() === '' || text.length > 100 || hasControlCharacter(text))
    throw new Error('must be a name of 1 to 100 characters in one line')
  return text.trim()
}

/** Reads a secret from a file. Line breaks at its end are not part of it. */
export function readSecretFile(text: string): string {
  const path = parsePath(text)
  let secret: string
  try {
    secret = readFileSync(path, 'utf8').replace(/[\r\n]+$/, '')
  } catch (error) {
    throw new Error(`names a file that cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
  if (!/^[\x21-\x7e]+$/.test(secret)) throw new Error('must name a file with printable ASCII without blanks')
  return secret
}

/** Checks an access key or a secret key. */
export function parseKey(text: string): string {
  if (!/^[\x21-\x7e]+$/.test(text)) throw new Error('must be printable ASCII without blanks')
  return text
}

/** Parses master keys: base64 of 32 bytes each, separated by commas. */
export function parseMasterKeys(text: string): MasterKeys {
  const parts = text.split(',').map((part, i) => [`key ${i + 1}`, part.trim()] as const)
  return decodeMasterKeys(parts, 'must be 32 bytes in base64, or several such keys separated by commas')
}

/**
 * Decodes master keys from base64. An error names the place of a key and never its text.
 * @param parts at least one, each with the name of its place
 * @param rule the rule for all parts; the message about a wrong part begins with it
 * @throws {Error} for the first part that is not a key, or repeats another one
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

/**
 * Parses IP addresses and CIDR ranges, separated by commas. A range of all addresses is refused: behind it, every caller
 * could choose the address that Usher sees.
 */
export function parseAddresses(text: string): readonly string[] {
  const parts = text.split(',').map((part) => part.trim())
  for (const part of parts) {
    const [address = '', prefix, ...rest] = part.split('/')
    const version = isIP(address)
    const most = version === 4 ? 32 : 128
    const isRange = prefix === undefined || (/^[1-9]\d*$/.test(prefix) && Number(prefix) <= most)
    if (version === 0 || !isRange || rest.length > 0)
      throw new Error(
        `must be IP addresses or ranges such as 10.0.0.0/8, separated by commas, not ${quote(part)}`,
      )
  }
  return Object.freeze(parts)
}

/** Parses a number of requests. */
export function parseCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`must be a whole number up to 999999999, not ${quote(text)}`)
  return Number(text)
}

/** Parses a log level. */
export function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((one) => one === text)
  if (!level) throw new Error(`must be one of ${LOG_LEVELS.join(', ')}, not ${quote(text)}`)
  return level
}

/** Parses ways to authenticate, separated by commas. Their order does not matter. */
export function parseAuthModes(text: string): readonly AuthMode[] {
  const names = text.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !AUTH_MODES.some((mode) => mode === name))
  if (unknown !== undefined) throw new Error(`must be basic, bearer or basic,bearer, not ${quote(text)}`)
  return Object.freeze(AUTH_MODES.filter((mode) => names.includes(mode)))
}

/** Checks a prefix of paths, which must not hide the paths of the other APIs. Removes a slash at its end. */
export function parsePrefix(text: string): string {
  if (!/^(\/[A-Za-z0-9._~-]+)+\/?$/.test(text))
    throw new Error(`must be a path such as /osis, not ${quote(text)}`)
  if (/^\/(v1|api|console|oauth2|\.well-known|docs|openapi|metrics|healthz|readyz)(\/|$)/i.test(text))
    throw new Error(`must not begin with a path that Usher serves itself, as ${quote(text)} does`)
  if (/\/\.\.?(\/|$)/.test(text)) throw new Error('must not contain . or .., which clients resolve')
  return text.replace(/\/$/, '')
}

/** Checks the URL of a web console, and normalises what is not a placeholder. Placeholders may not be in its host. */
export function parseConsoleUrl(text: string): string {
  const unknown = /\{(?!tenant_id\}|lang\})[^}]*\}?/.exec(text)
  if (unknown) throw new Error(`may contain {tenant_id} and {lang}, not ${unknown[0]}`)
  const { hostname, href } = readHttpUrl(text)
  if (hostname.includes('{')) throw new Error('must have no placeholder in its host')
  // URLs escape braces in some of their parts.
  return href.replace(/%7B(tenant_id|lang)%7D/g, '{$1}')
}

/** Returns whether a text is an http or https URL. */
export function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}
