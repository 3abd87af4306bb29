import { hash } from 'node:crypto'
import type { AuditEntry } from '../../model/audit.ts'
import type { CallerName } from '../../model/context.ts'
import type { OpenBlock, Tx } from '../port.ts'
import type { Tables } from '../schema.ts'
import { statement } from '../statement.ts'

// The thread that creates users imports this file, so it must not load Kysely.

/** A row of `audit_entries` without its primary key. */
export type EntryRow = Omit<Tables['audit_entries'], 'pk'>

/** Inserts the row of an entry. */
export const insertEntry = statement((db, p: EntryRow) =>
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
    address: p.address,
    reseller: p.reseller,
    block: p.block,
    position: p.position,
    hash: p.hash,
  }),
)

/** Appends an entry to the log, in the commit of the change that it describes. */
export async function insertAuditEntry(tx: Tx, entry: AuditEntry): Promise<void> {
  const row = toEntryRow(entry, tx.block)
  await tx.run(insertEntry, row)
  if (row.hash !== null) tx.block?.hashes.push(row.hash)
}

/**
 * Converts an entry to its row.
 * @param block the block that it becomes the next entry of; null if entries are sealed after their commit
 */
export function toEntryRow(entry: AuditEntry, block: OpenBlock | null): EntryRow {
  const position = block ? block.hashes.length : null
  const caller = formatCaller(entry.caller)
  return {
    id: entry.id,
    at: entry.at,
    operation: entry.operation,
    status: entry.status,
    outcome: entry.outcome,
    caller,
    portal: entry.portal,
    organization: entry.organization,
    target: entry.target,
    correlation_id: entry.correlationId,
    changed_fields: JSON.stringify(entry.changedFields),
    changes: entry.changes ? JSON.stringify(entry.changes) : null,
    address: entry.address,
    reseller: entry.reseller,
    block: block ? block.number : null,
    position,
    hash: block && position !== null ? hashEntry(entry, caller, { block: block.number, position }) : null,
  }
}

const PERSON = 'person:'

/**
 * Formats a caller as the log stores it.
 * @returns `operator`, a client's id, or `person:` and the person's id
 */
export function formatCaller(caller: CallerName): string {
  if (caller.kind === 'operator') return 'operator'
  return caller.kind === 'person' ? `${PERSON}${caller.id}` : caller.id
}

/** An entry as its hash covers it: `changes` is the stored JSON, also in the form of an older version. */
export type HashedEntry = Omit<AuditEntry, 'caller' | 'changes'> & { readonly changes?: unknown }

/**
 * Hashes an entry: its whole content, and its place in the chain, so that it cannot be moved.
 * @param caller the text that is stored for the caller
 */
export function hashEntry(
  entry: HashedEntry,
  caller: string,
  place: { block: number; position: number },
): string {
  return hash('sha256', JSON.stringify(toContent(entry, caller, place)), 'base64url')
}

/** Returns what the hash of an entry covers. */
function toContent(
  entry: HashedEntry,
  caller: string,
  { block, position }: { block: number; position: number },
): unknown[] {
  const { changes = null, address, reseller } = entry
  return [
    block,
    position,
    entry.id,
    entry.at,
    entry.operation,
    entry.status,
    entry.outcome,
    caller,
    entry.portal,
    entry.organization,
    entry.target,
    entry.correlationId,
    entry.changedFields,
    // What an entry does not have is left out at the end, so that the hashes of older entries stay valid.
    ...(changes !== null || address !== null || reseller !== null ? [changes] : []),
    ...(address !== null || reseller !== null ? [address] : []),
    ...(reseller !== null ? [reseller] : []),
  ]
}

/**
 * Returns a function that hashes entries of one block which have everything in common but what it takes. It returns the
 * same as `hashEntry`, and is several times as fast.
 * @param shared one of the entries
 */
export function newEntryHasher(
  shared: HashedEntry,
  caller: string,
  block: number,
): (entry: Pick<HashedEntry, 'id' | 'target'>, position: number) => string {
  const content = toContent({ ...shared, id: '', target: '' }, caller, { block, position: 0 })
  const [, , , ...others] = content.map((one) => JSON.stringify(one))
  const before = others.slice(0, 7).join(',')
  const after = others.slice(8).join(',')
  return ({ id, target }, position) => {
    const own = `[${block},${position},${JSON.stringify(id)},${before},${JSON.stringify(target)},${after}]`
    return hash('sha256', own, 'base64url')
  }
}

/** Parses what `formatCaller` returns. Every text stands for exactly one caller, so formatting it again restores it. */
export function parseCaller(text: string): CallerName {
  if (text === 'operator') return { kind: 'operator' }
  if (text.startsWith(PERSON)) return { kind: 'person', id: text.slice(PERSON.length) }
  return { kind: 'client', id: text }
}
