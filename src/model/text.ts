import type { Issue } from './error.ts'

/** The longest name, e-mail address or other short text, in Unicode code points. */
export const MAX_TEXT = 255

const NUL = '\u0000'

/** Says what `isStorable` requires. */
export const STORABLE_MESSAGE = 'must not contain U+0000 or a lone surrogate'

/** Returns whether every store and every wire format can carry a text: no U+0000, no lone surrogate. */
export function isStorable(text: string): boolean {
  return !text.includes(NUL) && text.isWellFormed()
}

/**
 * Returns the form in which source addresses are recorded and counted: an IPv4 address in its own form, also where a
 * socket for both protocols reports it as IPv6 (`::ffff:192.0.2.7`).
 */
export function foldAddress(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address
}

/** Returns whether a text consists of ASCII characters. */
export function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII
  return !/[^\x00-\x7f]/.test(text)
}

/**
 * Checks a text of at most 255 code points. Null passes.
 * @param options.min the least number of UTF-16 units; 0 when left out
 */
export function checkText(path: string, text: string | null, options: { min?: number } = {}): Issue[] {
  if (text === null) return []
  const issues: Issue[] = []
  // A text has at most as many code points as UTF-16 units, so most texts need not be counted.
  if (text.length > MAX_TEXT) {
    const length = countCodePoints(text)
    if (length > MAX_TEXT) issues.push(tooLong(path, length))
  }
  if (text.length < (options.min ?? 0))
    issues.push({ path, rule: 'minLength', params: { min: 1 }, message: 'must not be empty' })
  if (!isStorable(text)) issues.push({ path, rule: 'text', message: STORABLE_MESSAGE })
  return issues
}

function tooLong(path: string, length: number): Issue {
  return {
    path,
    rule: 'maxLength',
    params: { max: MAX_TEXT },
    message: `must have at most ${MAX_TEXT} characters; it has ${length}`,
  }
}

/**
 * Returns the form in which texts are compared without case: full case folding (Unicode, section 3.13), so that the
 * final sigma equals the other one and `ß` equals `ss`, in canonical composition (NFC). The dotless i stays a letter of
 * its own, and so do compatibility characters that are not a matter of case, such as full-width letters.
 */
export function foldCase(text: string): string {
  // Upper case expands letters such as ß; lower case before it handles ẞ. It would turn the dotless i into an i.
  const expanded = text
    .normalize('NFD')
    .toLowerCase()
    .replace(/[^ı]+/g, (part) => part.toUpperCase())
  return expanded.toLowerCase().replaceAll('ς', 'σ').normalize('NFC')
}

/** The most UTF-16 units of a key: an index entry of PostgreSQL holds at most 2,700 bytes. */
const MAX_KEY = 600

/**
 * Returns the form in which a name is searched and sorted: without case, as `foldCase` does. Only the first 600
 * characters count.
 */
export function foldKey(text: string): string {
  const key = isAscii(text) ? text.toLowerCase() : foldCase(text)
  return key.length > MAX_KEY ? key.slice(0, MAX_KEY).toWellFormed() : key
}

/** Counts Unicode code points, not UTF-16 units: an emoji counts once. */
export function countCodePoints(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}
