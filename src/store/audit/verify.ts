import type { AuditFault, AuditVerdict, Tx } from '../port.ts'
import type { Tables } from '../schema.ts'
import { statement } from '../statement.ts'
import { GENESIS_HASH, hashBlock, hashEntry } from './blocks.ts'
import { toEntry } from './entries.ts'

/** The number of blocks in memory at once. */
const PAGE = 500
/** The most unsealed and the most misplaced entries that are reported. */
const MAX_REPORTED = 1_000

const selectBlocks = statement((db, p: { after: number; limit: number }) =>
  db.selectFrom('audit_blocks').selectAll().where('number', '>', p.after).orderBy('number').limit(p.limit),
)

const selectSealed = statement((db, p: { first: number; last: number; block: number }) =>
  db
    .selectFrom('audit_entries')
    .selectAll()
    .where('pk', '>=', p.first)
    .where('pk', '<=', p.last)
    .where('block', '=', p.block)
    .orderBy('position')
    .orderBy('pk'),
)

const countEntries = statement((db) =>
  db
    .selectFrom('audit_entries')
    .select((eb) => [eb.fn.countAll<number>().as('total'), eb.fn.count<number>('block').as('sealed')]),
)

/**
 * Checks the whole chain: every entry against its hash, every block against its entries and the block before it.
 * An entry that is in no block yet is counted, but is not a fault.
 */
export async function verifyAuditLog(tx: Tx): Promise<AuditVerdict> {
  const { head, blocks, found, faults } = await verifyChain(tx)
  const { total, sealed } = (await tx.get(countEntries, {})) ?? { total: 0, sealed: 0 }
  if (sealed > found) faults.push(...(await selectStrayEntries(tx)))
  return { entries: total, blocks, unsealed: total - sealed, head, faults }
}

/**
 * Like `verifyAuditLog`, for a store that writes an audit block with every commit (SQLite): there, an entry without a
 * block is a fault.
 */
export async function verifySealedAuditLog(tx: Tx): Promise<AuditVerdict> {
  const verdict = await verifyAuditLog(tx)
  if (verdict.unsealed === 0) return verdict
  return { ...verdict, faults: [...verdict.faults, ...(await selectUnsealedEntries(tx))] }
}

interface Chain {
  readonly head: AuditVerdict['head']
  readonly blocks: number
  /** The number of entries found in the blocks. */
  readonly found: number
  readonly faults: AuditFault[]
}

async function verifyChain(tx: Tx): Promise<Chain> {
  const faults: AuditFault[] = []
  let head = { block: 0, hash: GENESIS_HASH }
  let blocks = 0
  let found = 0
  for (;;) {
    const page = await tx.all(selectBlocks, { after: head.block, limit: PAGE })
    for (const block of page) {
      for (let number = head.block + 1; number < block.number; number++) {
        faults.push({ block: number, position: null, entry: null, fault: 'block_removed' })
      }
      const rows = await tx.all(selectSealed, {
        first: block.first_pk,
        last: block.last_pk,
        block: block.number,
      })
      const missingBefore = block.number !== head.block + 1
      const previousHash = missingBefore ? block.previous_hash : head.hash
      for (const fault of verifyBlock(block, previousHash, rows)) faults.push(fault)
      head = { block: block.number, hash: block.hash }
      found += rows.length
      blocks++
    }
    if (page.length < PAGE) return { head, blocks, found, faults }
  }
}

type Block = Tables['audit_blocks']
type Row = Omit<Tables['audit_entries'], 'pk'> & { pk: number }

function verifyBlock(block: Block, previousHash: string, rows: readonly Row[]): AuditFault[] {
  const faults: AuditFault[] = []
  const at = (position: number | null, entry: string | null, fault: AuditFault['fault']): void => {
    faults.push({ block: block.number, position, entry, fault })
  }
  // A block cannot hold more entries than there are primary keys from its first to its last entry.
  const size = Math.min(block.entries, block.last_pk - block.first_pk + 1)
  let expected = 0
  let lastPk = 0
  for (const row of rows) {
    const position = row.position ?? -1
    if (position < expected || position >= size) at(position, row.id, 'added')
    for (; expected < position && expected < size; expected++) at(expected, null, 'removed')
    if (position === expected) expected++
    if (hashEntry(toEntry(row), row.caller, { block: block.number, position }) !== row.hash)
      at(position, row.id, 'changed')
    if (row.pk < lastPk) at(position, row.id, 'moved')
    lastPk = row.pk
  }
  for (; expected < size; expected++) at(expected, null, 'removed')
  if (block.previous_hash !== previousHash) at(null, null, 'block_changed')
  else if (faults.length === 0 && !isSealOf(block, rows)) at(null, null, 'block_changed')
  return faults
}

function isSealOf(block: Block, rows: readonly Row[]): boolean {
  const hashes = rows.map((row) => row.hash ?? '')
  return (
    hashBlock(block.number, block.previous_hash, hashes) === block.hash &&
    block.entries === rows.length &&
    block.first_pk === rows.at(0)?.pk &&
    block.last_pk === rows.at(-1)?.pk
  )
}

/**
 * Returns the entries without a block as faults. On SQLite every commit writes a block, so these entries were added
 * afterwards.
 */
async function selectUnsealedEntries(tx: Tx): Promise<AuditFault[]> {
  const rows = await tx.query((db) =>
    db.selectFrom('audit_entries').select(['id']).where('block', 'is', null).limit(MAX_REPORTED),
  )
  return rows.map((row) => ({ block: 0, position: null, entry: row.id, fault: 'added' as const }))
}

/** Returns the entries that name a block which does not contain them: they were added later, or moved. */
async function selectStrayEntries(tx: Tx): Promise<AuditFault[]> {
  const rows = await tx.query((db) =>
    db
      .selectFrom('audit_entries as entry')
      .leftJoin('audit_blocks as sealed', (join) =>
        join
          .onRef('sealed.number', '=', 'entry.block')
          .onRef('sealed.first_pk', '<=', 'entry.pk')
          .onRef('sealed.last_pk', '>=', 'entry.pk'),
      )
      .select(['entry.id', 'entry.block', 'entry.position'])
      .where('entry.block', 'is not', null)
      .where('sealed.number', 'is', null)
      .limit(MAX_REPORTED),
  )
  return rows.map((row) => ({
    block: row.block ?? 0,
    position: row.position,
    entry: row.id,
    fault: 'moved' as const,
  }))
}
