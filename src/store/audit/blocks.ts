import { hash } from 'node:crypto'
import { sql } from 'kysely'
import type { AuditEntry } from '../../model/audit.ts'
import type { OpenBlock, Tx } from '../port.ts'
import { statement } from '../statement.ts'

/** Stands in the first block for the hash of a previous block. */
export const GENESIS_HASH = hash('sha256', 'usher audit log', 'base64url')

/**
 * Hashes an entry: its whole content, and its place in the chain, so that it cannot be moved.
 * @param caller the text that is stored for the caller
 */
export function hashEntry(
  entry: Omit<AuditEntry, 'caller'>,
  caller: string,
  { block, position }: { block: number; position: number },
): string {
  const content = [
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
    ...(entry.changes || entry.address !== null ? [entry.changes ?? null] : []),
    ...(entry.address !== null ? [entry.address] : []),
  ]
  return hash('sha256', JSON.stringify(content), 'base64url')
}

/** Returns the hash of a block. It covers its number, the hash of the block before it, and its entries in order. */
export function hashBlock(block: number, previousHash: string, entryHashes: readonly string[]): string {
  return hash('sha256', JSON.stringify([block, previousHash, ...entryHashes]), 'base64url')
}

/** Selects the newest block. */
export const headBlock = statement((db) =>
  db.selectFrom('audit_blocks').select(['number', 'hash']).orderBy('number', 'desc').limit(sql.lit(1)),
)

/**
 * Makes the block that follows the newest one, still empty.
 * @param head what `headBlock` selected; undefined before the first block
 */
export function toNextBlock(head: { number: number; hash: string } | undefined): OpenBlock {
  return { number: (head?.number ?? 0) + 1, previousHash: head?.hash ?? GENESIS_HASH, hashes: [] }
}

const selectLastEntry = statement((db) =>
  db.selectFrom('audit_entries').select((eb) => eb.fn.max('pk').as('pk')),
)

const insertBlock = statement(
  (
    db,
    p: {
      number: number
      first_pk: number
      last_pk: number
      entries: number
      previous_hash: string
      hash: string
    },
  ) =>
    db.insertInto('audit_blocks').values({
      number: p.number,
      first_pk: p.first_pk,
      last_pk: p.last_pk,
      entries: p.entries,
      previous_hash: p.previous_hash,
      hash: p.hash,
    }),
)

/** Seals the audit block of a transaction, as its last statement. Writes nothing for an empty block. */
export async function sealBlock(tx: Tx): Promise<void> {
  const { block } = tx
  if (!block || block.hashes.length === 0) return
  // There is one writer, so the entries of a commit have consecutive primary keys.
  const last = (await tx.get(selectLastEntry, {}))?.pk ?? 0
  await writeSeal(tx, block, { first: last - block.hashes.length + 1, last })
}

/**
 * Writes the row that seals a block of audit entries.
 * @param keys the lowest and the highest primary key of its entries
 * @throws {ConstraintError} when another process has sealed a block with this number first
 */
export async function writeSeal(
  tx: Tx,
  block: OpenBlock,
  keys: { first: number; last: number },
): Promise<void> {
  await tx.run(insertBlock, {
    number: block.number,
    first_pk: keys.first,
    last_pk: keys.last,
    entries: block.hashes.length,
    previous_hash: block.previousHash,
    hash: hashBlock(block.number, block.previousHash, block.hashes),
  })
}
