import { parse } from 'csv-parse/sync'
import { MAX_ROW_BYTES, ROW_TOO_LONG } from '../../directory/imports/json-rows.ts'
import type { Line } from '../../lines.ts'

/** The most records that are parsed together. */
const TOGETHER = 500

/** One record of a CSV file: its cells, or what is wrong with it. */
export interface CsvRecord {
  /** The line on which it begins, from 1. */
  readonly line: number
  readonly cells: readonly string[]
  readonly fault?: string
}

/** How a CSV file is written. */
export interface CsvForm {
  readonly delimiter: string
  /** The number of cells of its header. */
  readonly columns: number
  readonly decode: (bytes: Buffer) => string
}

/**
 * Reads the records of a CSV file. Records are found before they are parsed: lines belong together until no quote is
 * open. So a quote that is not closed spoils one record, and not the rest of the file. Records without any text are
 * left out.
 */
export async function* readCsvRecords(
  batches: AsyncIterable<readonly Line[]>,
  form: CsvForm,
): AsyncGenerator<CsvRecord[]> {
  const finder = new RecordFinder(form)
  for await (const lines of batches) {
    for (const line of lines) finder.push(line)
    while (finder.found.length >= TOGETHER) yield parseTogether(finder.found.splice(0, TOGETHER), form)
  }
  finder.end()
  while (finder.found.length > 0) yield parseTogether(finder.found.splice(0, TOGETHER), form)
}

/** Parses one record. Returns undefined if the text is not exactly one. A text of blanks has no cells. */
export function parseCsvRecord(text: string, delimiter: string): readonly string[] | undefined {
  const parsed = parseText(text, delimiter)
  return parsed?.length === 0 ? [] : parsed?.length === 1 ? parsed[0] : undefined
}

/** Returns whether a record has a cell for each column. More cells are fine if they are empty. */
export function fits(cells: readonly string[], columns: number): boolean {
  return cells.length >= columns && cells.slice(columns).every((cell) => cell === '')
}

const NOT_CLOSED = 'has a quote that is not closed'
const NOT_CSV = 'is not CSV: text follows the closing quote of a cell'

interface TextLine {
  readonly number: number
  readonly text: string
}

/** A record that was found: its text, its cells if it was parsed already, or its fault. */
type FoundRecord = { readonly line: number } & (
  | { readonly text: string }
  | { readonly cells: readonly string[]; readonly fault?: string }
)

/** Finds the records among the lines. */
class RecordFinder {
  readonly found: FoundRecord[] = []
  readonly #form: CsvForm
  /** The lines of a record with an open quote. */
  #open: TextLine[] = []
  #length = 0

  constructor(form: CsvForm) {
    this.#form = form
  }

  push({ number, bytes }: Line): void {
    if (bytes) {
      this.#add({ number, text: this.#form.decode(bytes) })
      return
    }
    this.end()
    this.found.push({ line: number, cells: [], fault: ROW_TOO_LONG })
  }

  /** Ends the file: a quote that is still open is not closed. */
  end(): void {
    while (this.#open.length > 0) this.#giveUp()
  }

  #add(line: TextLine): void {
    const isOpen = endsInQuotes(line.text, this.#form.delimiter, this.#open.length > 0)
    if (this.#open.length === 0 && !isOpen) {
      this.found.push({ line: line.number, text: dropReturn(line.text) })
      return
    }
    this.#open.push(line)
    this.#length += line.text.length
    if (!isOpen) this.#close()
    else if (this.#length > MAX_ROW_BYTES) this.#giveUp()
  }

  #close(): void {
    const text = dropReturn(this.#open.map((line) => line.text).join('\n'))
    const cells = parseCsvRecord(text, this.#form.delimiter)
    // With another number of cells, the quote that opened the record was a mistake.
    if (!cells || !fits(cells, this.#form.columns)) this.#giveUp()
    else this.found.push({ line: this.#take().number, cells })
  }

  /** Reports the first line of an open record, and begins again with the line after it. */
  #giveUp(): void {
    const others = this.#open.slice(1)
    this.found.push({ line: this.#take().number, cells: [], fault: NOT_CLOSED })
    for (const line of others) this.#add(line)
  }

  /** Empties the open record. Returns its first line. */
  #take(): TextLine {
    const [first] = this.#open
    if (!first) throw new Error('no record is open')
    this.#open = []
    this.#length = 0
    return first
  }
}

function dropReturn(text: string): string {
  return text.endsWith('\r') ? text.slice(0, -1) : text
}

/** Returns whether a quote is open at the end of a line. A quote opens at the start of a cell only. */
function endsInQuotes(text: string, delimiter: string, isOpen: boolean): boolean {
  if (!text.includes('"')) return isOpen
  let [inQuotes, atStart] = [isOpen, !isOpen]
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string
    if (inQuotes) {
      if (char !== '"') continue
      if (text[i + 1] === '"') i++
      else inQuotes = false
    } else if (char === '"' && atStart) {
      inQuotes = true
      atStart = false
    } else if (char === delimiter) atStart = true
    else if (char.trim() !== '') atStart = false
  }
  return inQuotes
}

/** Parses records with one call, which is much faster than one call for each. */
function parseTogether(found: readonly FoundRecord[], { delimiter }: CsvForm): CsvRecord[] {
  const plain = found.map((one) => ('text' in one ? splitPlain(one.text, delimiter) : []))
  const texts = found.flatMap((one, i) => ('text' in one && !plain[i] ? [one.text] : []))
  const parsed = texts.length > 0 ? parseText(texts.join('\n'), delimiter) : []
  const others =
    parsed?.length === texts.length ? parsed : texts.map((text) => parseCsvRecord(text, delimiter))
  let next = 0
  return found.flatMap((one, i): CsvRecord[] => {
    if (!('text' in one)) return [one]
    const cells = plain[i] ?? others[next++]
    if (cells === undefined) return [{ line: one.line, cells: [], fault: NOT_CSV }]
    return cells.every((cell) => cell === '') ? [] : [{ line: one.line, cells }]
  })
}

/**
 * Returns the cells of a record without quotes and without blanks around cells, which most records are. For others it
 * returns undefined; a record of blanks has no cells.
 */
function splitPlain(text: string, delimiter: string): string[] | undefined {
  if (text.includes('"')) return undefined
  const cells = text.split(delimiter)
  if (cells.every((cell) => cell === cell.trim())) return cells
  return text.trim() === '' ? [] : undefined
}

/** Blanks around a cell are dropped, unless they stand between quotes. */
function parseText(text: string, delimiter: string): string[][] | undefined {
  try {
    const form = { delimiter, record_delimiter: '\n', trim: true } as const
    return parse(text, { ...form, relax_column_count: true, relax_quotes: true, skip_empty_lines: true })
  } catch {
    return undefined
  }
}
