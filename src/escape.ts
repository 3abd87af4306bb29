/**
 * Characters that a terminal obeys, that change the order of others, or that take no space: controls (C0, DEL and C1),
 * format characters, among them bidirectional controls and zero-width ones, separators of lines and paragraphs, lone
 * surrogates, and everything that Unicode lets a font leave out.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/**
 * Escapes a text for one line of a terminal. What people typed then cannot move the cursor, hide itself, or begin a
 * line of its own: such characters are shown as `\n` or `\u001b`. Escaping twice is the same as once.
 */
export function escapeLine(text: string): string {
  return text.replace(UNSAFE, (character) => SHORT[character] ?? toEscapes(character))
}

/** Escapes a JSON text for a terminal. It stands for the same value: only characters in strings are replaced. */
export function escapeJson(json: string): string {
  return json.replace(UNSAFE, (character) => (character === '\n' ? character : toEscapes(character)))
}

/**
 * Escapes the strings of a JSON text twice, so that a program that decodes and prints them prints escapes. The line
 * breaks of stacks stay.
 */
export function escapeDecoded(json: string): string {
  const escapes = json.replace(/\\(?:u[\da-f]{4}|n(?! {4}at )|[bfrt])/gi, (found, offset: number) =>
    isEscaped(json, offset) ? found : `\\${found}`,
  )
  return escapes.replace(UNSAFE, (character) =>
    character === '\n' ? character : toEscapes(character).replaceAll('\\', '\\\\'),
  )
}

/** Returns whether the backslash at a place is itself escaped: an odd number of backslashes precedes it. */
function isEscaped(text: string, offset: number): boolean {
  let before = 0
  while (text[offset - before - 1] === '\\') before++
  return before % 2 === 1
}

/** Returns the JSON escapes of a character: one for each of its UTF-16 code units. */
function toEscapes(character: string): string {
  return Array.from(
    { length: character.length },
    (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
  ).join('')
}
