import type { AuditEntry, AuditStatus, Operation } from '../../model/audit.ts'
import { formatCaller, parseCaller } from '../../model/context.ts'
import type { Tx } from '../port.ts'
import type { Tables } from '../schema.ts'
import { statement } from '../statement.ts'
import { GENESIS_HASH, hashBlock, hashEntry } from './blocks.ts'

export type EntryRow = Omit<Tables['audit_entries'], 'pk'>

const insertEntry = statement((db, p: EntryRow) =>
  db.insertInto('audit_entries').values({
    id: p.id,
    at: p.at,
    operation: p.operation,
    status: p.status,
    outcome: p.outcome,
    caller: p.caller,
    portal: p.portal,
    organization: p.organization,
    target: p.target,
    correlation_id: p.correlation_id,
    changed_fields: p.changed_fields,
    changes: p.changes,
    block: p.block,
    position: p.position,
    hash: p.hash,
  }),
)

/** Appends one entry to the log, in the commit of what it describes. */
export async function insertAuditEntry(tx: Tx, entry: AuditEntry): Promise<void> {
  const { block } = tx
  const position = block ? block.hashes.length : null
  const hash = block ? hashEntry(entry, block.number, block.hashes.length) : null
  await tx.run(insertEntry, {
    id: entry.id,
    at: entry.at,
    operation: entry.operation,
    status: entry.status,
    outcome: entry.outcome,
    caller: formatCaller(entry.caller),
    portal: entry.portal,
    organization: entry.organization,
    target: entry.target,
    correlation_id: entry.correlationId,
    changed_fields: JSON.stringify(entry.changedFields),
    changes: entry.changes ? JSON.stringify(entry.changes) : null,
    block: block ? block.number : null,
    position,
    hash,
  })
  if (block && hash) block.hashes.push(hash)
}

export interface AuditFilter {
  readonly operation?: string | undefined
  readonly status?: string | undefined
  /** As `formatCaller` writes it. */
  readonly caller?: string | undefined
  readonly organization?: string | undefined
  readonly target?: string | undefined
  readonly correlationId?: string | undefined
  /** ISO 8601; entries at or after. */
  readonly since?: string | undefined
  /** Only entries before the one with this number: where the page before ended. */
  readonly before?: number | undefined
  readonly limit: number
}

/** An entry with its place in the log; a later one has a higher number. */
export type NumberedEntry = AuditEntry & { readonly number: number }

/** Entries, newest first. */
export async function selectAuditEntries(tx: Tx, filter: AuditFilter): Promise<NumberedEntry[]> {
  const rows = await tx.query((db) => {
    let query = db.selectFrom('audit_entries').selectAll().orderBy('pk', 'desc').limit(filter.limit)
    if (filter.operation) query = query.where('operation', '=', filter.operation)
    if (filter.status) query = query.where('status', '=', filter.status)
    if (filter.caller) query = query.where('caller', '=', filter.caller)
    if (filter.organization) query = query.where('organization', '=', filter.organization)
    if (filter.target) query = query.where('target', '=', filter.target)
    if (filter.correlationId) query = query.where('correlation_id', '=', filter.correlationId)
    if (filter.since) query = query.where('at', '>=', filter.since)
    if (filter.before) query = query.where('pk', '<', filter.before)
    return query
  })
  return rows.map((row) => ({ number: row.pk, ...toEntry(row) }))
}

/** What a row of the log says. */
export function toEntry(row: EntryRow): AuditEntry {
  return {
    id: row.id,
    at: row.at,
    operation: row.operation as Operation,
    status: row.status as AuditStatus,
    outcome: row.outcome,
    caller: parseCaller(row.caller),
    portal: row.portal,
    organization: row.organization,
    target: row.target,
    correlationId: row.correlation_id,
    changedFields: parse<string[]>(row.changed_fields),
    ...(row.changes !== null && { changes: parse<NonNullable<AuditEntry['changes']>>(row.changes) }),
  }
}

/** A tampered row may hold anything; it must show as changed, not as a crash. */
function parse<T>(text: string): T {
  try {
    return JSON.parse(text) as T
  } catch {
    return [text] as T
  }
}

/** Something in the log that is not as it was written. */
export interface AuditFault {
  readonly block: number
  readonly position: number | null
  /** The entry's id, where there still is one. */
  readonly entry: string | null
  readonly fault: 'changed' | 'removed' | 'moved' | 'added' | 'block_changed' | 'block_removed'
}

export interface AuditVerdict {
  readonly entries: number
  readonly blocks: number
  /** Entries that no block seals yet. Always 0 on SQLite, where a commit is a block. */
  readonly unsealed: number
  /** The newest block's number and hash: noted elsewhere, it shows later whether the log's end was cut off. */
  readonly head: { readonly block: number; readonly hash: string }
  readonly faults: readonly AuditFault[]
}

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
 * @param allSealed whether an entry without a block is a fault: where a commit is a block there can be none
 */
export async function verifyAuditLog(tx: Tx, allSealed: boolean): Promise<AuditVerdict> {
  const faults: AuditFault[] = []
  let head = { block: 0, hash: GENESIS_HASH }
  let blocks = 0
  let found = 0
  for (;;) {
    const page = await tx.all(selectBlocks, { after: head.block, limit: 500 })
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
    if (page.length < 500) break
  }
  const counts = await tx.get(countEntries, {})
  const total = counts?.total ?? 0
  const sealed = counts?.sealed ?? 0
  if (sealed > found) faults.push(...(await strayEntries(tx)))
  if (allSealed && total > sealed) faults.push(...(await unsealedEntries(tx)))
  return { entries: total, blocks, unsealed: total - sealed, head, faults }
}

type Block = Tables['audit_blocks']
type Row = Omit<Tables['audit_entries'], 'pk'> & { pk: number }

function verifyBlock(block: Block, previousHash: string, rows: readonly Row[]): AuditFault[] {
  const faults: AuditFault[] = []
  const at = (position: number | null, entry: string | null, fault: AuditFault['fault']): void => {
    faults.push({ block: block.number, position, entry, fault })
  }
  // A block cannot hold more entries than there are keys between its first and its last.
  const places = Math.min(block.entries, block.last_pk - block.first_pk + 1)
  let expected = 0
  let lastPk = 0
  for (const row of rows) {
    const position = row.position ?? -1
    if (position < expected || position >= places) at(position, row.id, 'added')
    for (; expected < position && expected < places; expected++) at(expected, null, 'removed')
    if (position === expected) expected++
    if (hashEntry(toEntry(row), block.number, position) !== row.hash) at(position, row.id, 'changed')
    if (row.pk < lastPk) at(position, row.id, 'moved')
    lastPk = row.pk
  }
  for (; expected < places; expected++) at(expected, null, 'removed')
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

async function unsealedEntries(tx: Tx): Promise<AuditFault[]> {
  const rows = await tx.query((db) =>
    db.selectFrom('audit_entries').select(['id']).where('block', 'is', null).limit(1000),
  )
  return rows.map((row) => ({ block: 0, position: null, entry: row.id, fault: 'added' as const }))
}

/** Entries that claim a block which does not have them: put in later, or moved to another key. */
async function strayEntries(tx: Tx): Promise<AuditFault[]> {
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
      .limit(1000),
  )
  return rows.map((row) => ({
    block: row.block ?? 0,
    position: row.position,
    entry: row.id,
    fault: 'moved' as const,
  }))
}
