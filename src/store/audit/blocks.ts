import { hash } from 'node:crypto'
import { sql } from 'kysely'
import type { AuditEntry } from '../../model/audit.ts'
import { formatCaller } from '../../model/context.ts'
import type { OpenBlock, Tx } from '../port.ts'
import { statement } from '../statement.ts'

/** What the first block names as the hash of the block before it. */
export const GENESIS_HASH = hash('sha256', 'usher audit log', 'base64url')

/** The hash of an entry: over all that it says, and over its place in the chain, so that it cannot be moved. */
export function hashEntry(entry: AuditEntry, block: number, position: number): string {
  const said = [
    block,
    position,
    entry.id,
    entry.at,
    entry.operation,
    entry.status,
    entry.outcome,
    formatCaller(entry.caller),
    entry.portal,
    entry.organization,
    entry.target,
    entry.correlationId,
    entry.changedFields,
    // Entries without it, older ones among them, hash as they always did.
    ...(entry.changes ? [entry.changes] : []),
  ]
  return hash('sha256', JSON.stringify(said), 'base64url')
}

/** The hash of a block: over its number, the block before it, and the hashes of its entries in order. */
export function hashBlock(block: number, previousHash: string, entryHashes: readonly string[]): string {
  return hash('sha256', JSON.stringify([block, previousHash, ...entryHashes]), 'base64url')
}

const selectHead = statement((db) =>
  db.selectFrom('audit_blocks').select(['number', 'hash']).orderBy('number', 'desc').limit(sql.lit(1)),
)

/** The block that follows the newest one, still empty. */
export async function nextBlock(tx: Tx): Promise<OpenBlock> {
  const head = await tx.get(selectHead, {})
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

/** Writes the block's seal, in the commit of its entries. An empty block leaves no trace. */
export async function sealBlock(tx: Tx, block: OpenBlock): Promise<void> {
  if (block.hashes.length === 0) return
  // One writer: the entries of one commit have neighbouring keys.
  const last = (await tx.get(selectLastEntry, {}))?.pk ?? 0
  await writeSeal(tx, block, { first: last - block.hashes.length + 1, last })
}

/**
 * Writes the seal of a block whose entries lie between two keys.
 * @throws {ConstraintError} when another block has been sealed under this number in the meantime
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
