import { escapeJson } from '../../escape.ts'
import type { TextSink } from '../../logger.ts'
import { addCounts, NO_ROWS, type RowCounts, type RowResult } from '../../model/imports.ts'
import { OutputError, writeLines, writeOutput } from '../output.ts'

/** How much text is collected before it is written. */
const CHUNK = 64 * 1024

/** Writes a line for each row of an import: JSON, or text for people. */
export class ResultWriter {
  readonly #sink: TextSink
  readonly #asJson: boolean
  readonly #all: boolean
  #waiting: string[] = []
  #length = 0
  /** The number of rows with each status in this run. */
  counts: RowCounts = NO_ROWS

  /** @param options.all whether text has a line for rows without a problem too; JSON always has */
  constructor(sink: TextSink, { asJson, all }: { asJson: boolean; all: boolean }) {
    this.#sink = sink
    this.#asJson = asJson
    this.#all = all
  }

  /** @throws {OutputError} if the output cannot be written; a reader that has enough is no failure */
  async write(results: readonly RowResult[]): Promise<void> {
    this.counts = addCounts(this.counts, results)
    for (const result of results) {
      const isProblem = result.status === 'invalid' || result.status === 'conflict'
      if (!this.#asJson && !this.#all && !isProblem) continue
      this.#add(this.#asJson ? JSON.stringify(toJson(result)) : toLine(result))
    }
    if (this.#length > CHUNK) await this.flush()
  }

  #add(line: string): void {
    this.#waiting.push(line)
    this.#length += line.length
  }

  /** Writes what is waiting. @throws {OutputError} */
  async flush(): Promise<void> {
    const lines = this.#waiting
    this.#waiting = []
    this.#length = 0
    if (lines.length === 0) return
    try {
      if (this.#asJson) await writeOutput(this.#sink, `${escapeJson(lines.join('\n'))}\n`)
      else await writeLines(this.#sink, lines)
    } catch (error) {
      if (!(error instanceof OutputError) || !error.isClosed) throw error
    }
  }

  /** Writes the last line. @throws {OutputError} */
  async end(summary: { json: object; lines: readonly string[] }): Promise<void> {
    for (const line of this.#asJson ? [JSON.stringify(summary.json)] : summary.lines) this.#add(line)
    await this.flush()
  }
}

/** A result as programs read it, here and in the responses of a bulk call. */
function toJson({ line, status, id, issues }: RowResult): object {
  const errors = [...Map.groupBy(issues, ({ path }) => path)].map(([propertyName, of]) => ({
    propertyName,
    description: of.map(({ message }) => message),
  }))
  return { line, status, ...(id !== null && { id }), ...(errors.length > 0 && { errors }) }
}

function toLine({ line, status, id, issues }: RowResult): string {
  const reasons = issues
    .map(({ path, message }) => (path === 'row' ? message : `${path} ${message}`))
    .join('; ')
  return `line ${line}: ${status}${id === null ? '' : ` ${id}`}${reasons === '' ? '' : `: ${reasons}`}`
}

/** Describes counts for people: `3 created, 1 invalid`. */
export function describeCounts(counts: RowCounts): string {
  const parts = Object.entries(counts).filter(([, count]) => count > 0)
  return parts.length === 0 ? 'no rows' : parts.map(([status, count]) => `${count} ${status}`).join(', ')
}
