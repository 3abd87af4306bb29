import { foldEmail } from '../../model/email.ts'
import type { PersonRow } from '../../model/person-rows.ts'
import { nameKeyOf } from '../../model/users.ts'
import { SeenRows } from './seen-rows.ts'

/** The bytes and rows that an empty batch has room for; it grows. */
const FIRST_BYTES = 64 * 1024
const FIRST_ROWS = 512

/**
 * Rows that are written with one commit. A large commit has tens of thousands of them, and as objects they would take
 * several times the memory. So valid rows are kept as bytes: the key by which they are sorted, and the row as JSON.
 */
export class RowBatch {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES)
  #used = 0
  /** For each packed row: where its key begins, where its JSON begins, and where it ends. */
  #places = new Uint32Array(FIRST_ROWS * 3)
  #packed = 0
  #seen = new SeenRows()
  /** The rows with issues, in the order of the file. */
  readonly invalid: PersonRow[] = []
  /** The rows with the e-mail or the id of an earlier row, in the order of the file. */
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
    if (this.#isRepeated(row, emailKey)) this.repeated.push(row)
    else this.#pack(row, emailKey)
  }

  /** Empties the batch, and keeps its memory for the next rows. */
  clear(): void {
    this.#used = 0
    this.#packed = 0
    this.#seen = new SeenRows()
    this.invalid.length = 0
    this.repeated.length = 0
    this.size = 0
  }

  #isRepeated({ id }: PersonRow, emailKey: string): boolean {
    const isRepeated = this.#seen.add(emailKey)
    return (id !== undefined && this.#seen.add(id)) || isRepeated
  }

  #pack(row: PersonRow, emailKey: string): void {
    const { line, email, firstName, lastName, groups, id, organizationId } = row
    const key = nameKeyOf({ firstName: firstName ?? null, lastName: lastName ?? null, email, emailKey })
    // JSON has no undefined.
    const members = [firstName, lastName, groups, id, organizationId].map((one) =>
      one === undefined ? 0 : one,
    )
    const json = JSON.stringify([line, email, ...members])
    // UTF-8 takes at most three bytes for each UTF-16 unit.
    this.#reserve((key.length + json.length) * 3)
    const at = this.#packed * 3
    this.#places[at] = this.#used
    this.#places[at + 1] = this.#used += this.#bytes.write(key, this.#used)
    this.#places[at + 2] = this.#used += this.#bytes.write(json, this.#used)
    this.#packed++
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes > this.#bytes.length) {
      const grown = Buffer.allocUnsafe((this.#used + bytes) * 2)
      this.#bytes.copy(grown, 0, 0, this.#used)
      this.#bytes = grown
    }
    if (this.#packed * 3 === this.#places.length) {
      const grown = new Uint32Array(this.#places.length * 2)
      grown.set(this.#places)
      this.#places = grown
    }
  }

  /**
   * Returns the other rows, some at a time, in the order of an index of names: neighbouring rows change the same pages
   * of it, so the store writes less. It may be called again.
   */
  *slices(count: number): Generator<PersonRow[]> {
    const order = new Uint32Array(this.#packed)
      .map((_, i) => i)
      .sort((one, other) => this.#compare(one, other))
    for (let from = 0; from < order.length; from += count)
      yield Array.from(order.subarray(from, from + count), (place) => this.#unpack(place))
  }

  #compare(one: number, other: number): number {
    const [places, bytes] = [this.#places, this.#bytes]
    return bytes.compare(
      bytes,
      places[other * 3],
      places[other * 3 + 1],
      places[one * 3],
      places[one * 3 + 1],
    )
  }

  #unpack(place: number): PersonRow {
    const text = this.#bytes.toString('utf8', this.#places[place * 3 + 1], this.#places[place * 3 + 2])
    const [line, email, ...members] = JSON.parse(text) as Packed
    const [firstName, lastName, groups, id, organizationId] = members
    return {
      ...{ line, email, issues: NO_ISSUES },
      firstName: firstName === 0 ? undefined : firstName,
      lastName: lastName === 0 ? undefined : lastName,
      groups: groups === 0 ? undefined : groups,
      id: id === 0 ? undefined : id,
      organizationId: organizationId === 0 ? undefined : organizationId,
    }
  }
}

type Packed = [number, string, Name, Name, string[] | 0, string | 0, string | 0]
type Name = string | null | 0
const NO_ISSUES: PersonRow['issues'] = []

/** Makes a batch of rows that are in memory anyway. */
export function toRowBatch(rows: readonly PersonRow[]): RowBatch {
  const batch = new RowBatch()
  for (const row of rows) batch.add(row)
  return batch
}
