import { foldEmail } from '../../model/email.ts'
import type { PersonRow } from '../../model/person-rows.ts'

/** Rows that are written with one commit. */
export interface RowBatch {
  /** The number of all rows. */
  readonly size: number
  /** The rows with issues, in the order of the file. */
  readonly invalid: readonly PersonRow[]
  /** The rows with the e-mail or the id of an earlier row, in the order of the file. */
  readonly repeated: readonly PersonRow[]
  /**
   * Returns the other rows, some at a time, in the order of the index of e-mails: neighbouring rows change the same
   * pages of it, so the store writes less. It may be called again.
   */
  readonly slices: () => Iterable<readonly PersonRow[]>
}

/** The number of rows of a slice. They are inserted together: their rows and audit entries are in memory at once. */
const TOGETHER = 500

/** Collects the rows of a batch. */
export class RowCollector implements RowBatch {
  readonly #rows: PersonRow[] = []
  readonly #emailKeys: string[] = []
  readonly #seen = new Set<string>()
  readonly invalid: PersonRow[] = []
  readonly repeated: PersonRow[] = []
  size = 0

  /** Adds the next row of the file. */
  add(row: PersonRow): void {
    this.size++
    if (row.issues.length > 0) {
      this.invalid.push(row)
      return
    }
    const emailKey = foldEmail(row.email)
    if (this.#isRepeated(row, emailKey)) {
      this.repeated.push(row)
      return
    }
    this.#rows.push(row)
    this.#emailKeys.push(emailKey)
  }

  *slices(): Generator<PersonRow[]> {
    const order = this.#sort()
    for (let from = 0; from < order.length; from += TOGETHER)
      yield Array.from(order.subarray(from, from + TOGETHER), (place) => this.#rows[place] as PersonRow)
  }

  #isRepeated({ id }: PersonRow, emailKey: string): boolean {
    const isRepeated = this.#see(emailKey)
    return (id !== undefined && this.#see(id)) || isRepeated
  }

  /** Returns whether a text was seen before. An id is no e-mail address. */
  #see(text: string): boolean {
    const { size } = this.#seen
    return this.#seen.add(text).size === size
  }

  #sort(): Uint32Array {
    const keys = this.#emailKeys
    const order = new Uint32Array(keys.length).map((_, i) => i)
    return order.sort((one, other) => ((keys[one] as string) < (keys[other] as string) ? -1 : 1))
  }
}

/** Makes a batch of rows that are in memory. */
export function toRowBatch(rows: readonly PersonRow[]): RowBatch {
  const batch = new RowCollector()
  for (const row of rows) batch.add(row)
  return batch
}
