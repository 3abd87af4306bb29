import { randomInt, randomUUIDv7 } from 'node:crypto'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Says what `isUuid` requires. */
export const UUID_MESSAGE = 'must be a UUID'

/** Returns whether a text is a UUID in its canonical 36-character form, of any version, in either case. */
export function isUuid(text: string): boolean {
  return UUID.test(text)
}

/** The nil UUID (RFC 9562 section 5.9). Models of .NET send it for an id that was never set. */
export const NIL_UUID = '00000000-0000-0000-0000-000000000000'

/**
 * Returns the form in which ids are stored and compared: a UUID in lower case. Any other id, such as that of a tenant,
 * stays as it is.
 */
export function foldId(id: string): string {
  // Nearly all ids have no upper case, and this test takes a quarter of the other one's time.
  return /[A-Z]/.test(id) && UUID.test(id) ? id.toLowerCase() : id
}

/** Like `foldId`, for an id that a caller may leave out. The nil UUID counts as left out. */
export function foldOptionalId(id: string | undefined): string | undefined {
  return id === undefined || id === NIL_UUID ? undefined : foldId(id)
}

/**
 * Returns the spellings under which an id may be stored where it was once stored as received: a UUID as given, in lower
 * case and in upper case; any other id only as given.
 */
export function listSpellings(id: string): string[] {
  return isUuid(id) ? [id, id.toLowerCase(), id.toUpperCase()] : [id]
}

/** Generates a UUIDv7 (RFC 9562 section 5.7): ordered by time, so that an index grows at its end. */
export function newId(): string {
  return randomUUIDv7()
}

const UUID_V7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7/i

/**
 * Returns the time of a UUIDv7, ISO 8601: its first 48 bits are milliseconds (RFC 9562 section 5.7). Undefined for
 * others.
 */
export function findTimeOfId(id: string): string | undefined {
  const [, high = '', low = ''] = (isUuid(id) && UUID_V7.exec(id)) || []
  const time = new Date(Number.parseInt(high + low, 16))
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString()
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'
/** The alphabet of secrets. */
export const BASE62 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** Generates a random word of letters of an alphabet; all letters are equally likely. */
export function randomWord(length: number, alphabet: string): string {
  let word = ''
  for (let i = 0; i < length; i++) word += alphabet[randomInt(alphabet.length)]
  return word
}

/**
 * Generates a tenant id: a slug of the name and a random tail. It has at most 49 characters of `A-Za-z0-9_`, which
 * every platform takes.
 */
export function newTenantId(name: string): string {
  const slug = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, 40)
  return `${slug || 'tenant'}_${randomWord(8, BASE32)}`
}

/**
 * Generates a client secret: 43 characters of `A-Za-z0-9` (256 bits). People paste secrets into command lines, where a
 * `-` at the beginning would make an option of it.
 */
export function newClientSecret(): string {
  return randomWord(43, BASE62)
}
