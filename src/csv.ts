// CSV as spreadsheets read it: RFC 4180, and cells that are not run as formulas.

/** What separates cells. Excel expects semicolons where a comma is the decimal sign. */
export const DELIMITERS = { comma: ',', semicolon: ';' } as const
export type Delimiter = keyof typeof DELIMITERS

/** Writes one line of a CSV file with its line break. A value that is missing is an empty cell. */
export function toCsvLine(
  values: readonly (string | null | undefined)[],
  delimiter: Delimiter = 'comma',
): string {
  return `${values.map((value) => quoteCell(escapeCell(value ?? ''))).join(DELIMITERS[delimiter])}\n`
}

/**
 * Escapes what would be a formula if a spreadsheet divided the cell at another delimiter: to it, the quotes around the
 * cell are part of the text. Only for files that Usher does not read back.
 */
export function escapeParts(text: string): string {
  return text.replaceAll(/([,;\t\r\n]["\s]*)(?=[=+\-@])/g, "$1'")
}

/**
 * Escapes a cell that a spreadsheet would run as a formula: it gets an apostrophe. `unescapeCell` takes it away again.
 */
export function escapeCell(text: string): string {
  return /^'*[=+\-@\t\r]/.test(text) ? `'${text}` : text
}

/** Takes away the apostrophe that `escapeCell` adds. */
export function unescapeCell(text: string): string {
  return text.startsWith("'") && /^'+[=+\-@\t\r]/.test(text) ? text.slice(1) : text
}

function quoteCell(text: string): string {
  return /[",;\t\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
