// CSV as spreadsheets read it: RFC 4180, and cells that are not run as formulas.

/** Writes one line of a CSV file with its line break. A value that is missing is an empty cell. */
export function toCsvLine(values: readonly (string | null | undefined)[]): string {
  return `${values.map((value) => quoteCell(escapeCell(value ?? ''))).join(',')}\n`
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
