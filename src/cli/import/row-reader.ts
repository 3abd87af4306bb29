import type { RowSource } from '../../directory/imports/import-job.ts'
import { type RowBatch, RowCollector } from '../../directory/imports/row-batch.ts'
import type { PersonRow } from '../../model/person-rows.ts'

/**
 * Reads rows in batches of a size that may change. The last batch can be read again, because a step may run again.
 */
export class RowReader implements RowSource {
  readonly #rows: AsyncGenerator<PersonRow[]>
  readonly #size: () => number
  /** Rows that were read, from `#at` on, and do not belong to a batch yet. */
  #waiting: readonly PersonRow[] = []
  #at = 0
  /** The last batch, and how many rows come before it. */
  #batch: RowBatch = new RowCollector()
  #before = 0
  #next: Promise<RowBatch> | undefined

  /** @param size returns the number of rows of the next batch */
  constructor(rows: AsyncGenerator<PersonRow[]>, size: () => number) {
    this.#rows = rows
    this.#size = size
  }

  async read(done: number): Promise<RowBatch> {
    if (done === this.#before && this.#batch.size > 0) return this.#batch
    this.#before += this.#batch.size
    if (done < this.#before) throw new Error('rows are read forwards only')
    // Rows that an earlier process has done. Nothing was read ahead then.
    while (this.#before < done && (await this.#peek())) {
      this.#at++
      this.#before++
    }
    this.#batch = await (this.#next ?? this.#readBatch())
    // Reads ahead while the batch is written. A failure is thrown by the next call.
    this.#next = this.#readBatch()
    this.#next.catch(() => undefined)
    return this.#batch
  }

  async #readBatch(): Promise<RowBatch> {
    const batch = new RowCollector()
    const size = this.#size()
    for (
      let row = await this.#peek();
      row && batch.size < size;
      row = this.#waiting[this.#at] ?? (await this.#peek())
    ) {
      batch.add(row)
      this.#at++
    }
    return batch
  }

  /** Returns the next row without taking it; undefined after the last one. */
  async #peek(): Promise<PersonRow | undefined> {
    while (this.#at >= this.#waiting.length) {
      const { value, done } = await this.#rows.next()
      if (done) return undefined
      this.#waiting = value
      this.#at = 0
    }
    return this.#waiting[this.#at]
  }
}
