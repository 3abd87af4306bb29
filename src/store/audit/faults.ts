import type { AuditFaultKind } from '../../model/audit-faults.ts'
import type { AuditFault, AuditVerdict, Tx } from '../port.ts'

/** The most faults that are kept. One forged row must not fill the memory. */
const MAX_FAULTS = 1_000

type Entry = { readonly id: string; readonly position: number | null }

/** The faults of an audit log: all are counted, and the first ones are kept. */
export class FaultList {
  readonly #kept: AuditFault[]
  #count: number

  /** @param before the faults of the parts that are checked already */
  constructor(before?: Pick<AuditVerdict, 'faultCount' | 'faults'> | null) {
    this.#kept = [...(before?.faults ?? [])]
    this.#count = before?.faultCount ?? 0
  }

  get count(): number {
    return this.#count
  }

  list(): Pick<AuditVerdict, 'faultCount' | 'faults'> {
    return { faultCount: this.#count, faults: this.#kept }
  }

  addBlock(block: number, fault: AuditFaultKind): void {
    this.#add({ block, position: null, entry: null, fault })
  }

  addEntry({ block }: { block: number }, entry: Entry, fault: AuditFaultKind): void {
    this.#add({ block, position: entry.position, entry: String(entry.id), fault })
  }

  /** Adds the blocks from `first` to `last` as one fault. Adds nothing if there are none. */
  addMissingBlocks(first: number, last: number): void {
    if (last < first) return
    this.#add({ block: first, ...through(first, last), position: null, entry: null, fault: 'block_removed' })
  }

  /** Adds the positions from `first` to `last` of a block as one fault. Adds nothing if there are none. */
  addMissingEntries(block: number, first: number, last: number): void {
    if (last < first) return
    this.#add({ block, position: first, ...through(first, last), entry: null, fault: 'removed' })
  }

  /**
   * Adds the entries without a block. On SQLite every commit writes a block, so these entries were added afterwards.
   * @param count how many there are
   */
  async addUnsealed(tx: Tx, count: number): Promise<void> {
    const rows = await tx.query((db) =>
      db.selectFrom('audit_entries').select(['id']).where('block', 'is', null).limit(MAX_FAULTS),
    )
    for (const { id } of rows) this.addEntry({ block: 0 }, { id, position: null }, 'added')
    this.#count += count - rows.length
  }

  /**
   * Adds the entries that name a block which does not contain them: they were added later, or moved.
   * @param count the number of entries that no block has: at least as many as there are
   */
  async addStray(tx: Tx, count: number): Promise<void> {
    const rows = await tx.query((db) =>
      db
        .selectFrom('audit_entries as entry')
        .leftJoin('audit_blocks as sealed', (join) =>
          join
            .onRef('sealed.number', '=', 'entry.block')
            .onRef('sealed.first_pk', '<=', 'entry.pk')
            .onRef('sealed.last_pk', '>=', 'entry.pk'),
        )
        .select((eb) => ['entry.id', eb.cast<string>('entry.block', 'text').as('block')])
        .where('entry.block', 'is not', null)
        .where('sealed.number', 'is', null)
        .limit(MAX_FAULTS),
    )
    for (const { id, block } of rows)
      this.addEntry({ block: Number(block) || 0 }, { id, position: null }, 'moved')
    if (rows.length === MAX_FAULTS) this.#count += Math.max(0, count - rows.length)
  }

  #add(fault: AuditFault): void {
    this.#count++
    if (this.#kept.length < MAX_FAULTS) this.#kept.push(fault)
  }
}

function through(first: number, last: number): { through?: number } {
  return last > first ? { through: last } : {}
}
