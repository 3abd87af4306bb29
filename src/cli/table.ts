import { escapeLine } from '../escape.ts'

/**
 * Formats rows as aligned columns under a heading, one line for each. Characters that a terminal obeys are escaped.
 * @param rows each has one cell for each heading; null is shown as `-`
 */
export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly (string | null)[])[],
): string[] {
  // A forged row of SQLite may hold bytes in a column of text.
  const lines = [headings, ...rows].map((row) => row.map((cell) => escapeLine(String(cell ?? '-'))))
  const widths = headings.map((_, i) => Math.max(...lines.map((line) => measureWidth(line[i] ?? ''))))
  return lines.map((line) =>
    line
      .map((cell, i) => cell + ' '.repeat((widths[i] ?? 0) - measureWidth(cell)))
      .join('  ')
      .trimEnd(),
  )
}

/**
 * Formats the members of one object, a line for each, with their values aligned.
 * @param members labels and values. Those that are null are left out
 */
export function formatMembers(
  members: readonly (readonly [label: string, value: string | null])[],
): string[] {
  const shown = members.flatMap(([label, value]) => (value === null ? [] : [[`${label}:`, value] as const]))
  const width = Math.max(...shown.map(([label]) => label.length)) + 1
  return shown.map(([label, value]) => label.padEnd(width) + value)
}

/** Turns the name of a member, as in JSON, into a label: `addressLine1` is `Address line 1`. */
export function toLabel(name: string): string {
  const words = name.replace(/[A-Z]|\d+/g, ' $&').toLowerCase()
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`
}

/** Characters that take no column of a terminal: marks, invisible ones, and the later parts of a Hangul syllable. */
const NO_COLUMN = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}\u1160-\u11ff]$/u
/**
 * Characters that take two columns, according to Unicode Standard Annex 11: East Asian scripts, fullwidth forms, emoji.
 */
const TWO_COLUMNS =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation})$/u

/** Returns how many columns of a terminal a text takes. */
function measureWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  let width = 0
  for (const character of text) {
    if (TWO_COLUMNS.test(character)) width += 2
    else if (!NO_COLUMN.test(character)) width += 1
  }
  return width
}
