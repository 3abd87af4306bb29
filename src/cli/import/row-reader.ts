import type { RowSource } from '../../directory/imports/import-job.ts'
import type { PersonRow } from '../../model/person-rows.ts'

/**
 * Reads rows in batches of a size that may change. The last batch can be read again, because a step may run again.
 */
export class RowReader implements RowSource {
  readonly #rows: AsyncGenerator<PersonRow[]>
  readonly #size: () => number
  #waiting: PersonRow[] = []
  /** The rows of the last batch, and how many rows come before it. */
  #batch: readonly PersonRow[] = []
  #before = 0
  #next: Promise<void> | undefined

  /** @param size returns the number of rows of the next batch */
  constructor(rows: AsyncGenerator<PersonRow[]>, size: () => number) {
    this.#rows = rows
    this.#size = size
  }

  async read(done: number): Promise<readonly PersonRow[]> {
    if (done === this.#before && this.#batch.length > 0) return this.#batch
    const place = this.#before + this.#batch.length
    if (done < place) throw new Error('rows are read forwards only')
    await this.#next
    this.#before = place
    // Rows that an earlier process has done.
    while (this.#before < done && (await this.#fill(1))) this.#drop(done - this.#before)
    const size = this.#size()
    await this.#fill(size)
    this.#batch = this.#waiting.splice(0, size)
    // Reads ahead while the batch is written.
    this.#next = this.#fill(size).then(() => undefined)
    // A failure is thrown by the next read.
    this.#next.catch(() => undefined)
    return this.#batch
  }

  #drop(count: number): void {
    this.#before += this.#waiting.splice(0, count).length
  }

  /** Fills up to a number of rows. Returns whether there are any. */
  async #fill(count: number): Promise<boolean> {
    while (this.#waiting.length < count) {
      const { value, done } = await this.#rows.next()
      if (done) break
      // One by one: spreading large arrays overflows the stack.
      for (const row of value) this.#waiting.push(row)
    }
    return this.#waiting.length > 0
  }
}
