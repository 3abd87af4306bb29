import { createHmac, hash } from 'node:crypto'
import { sql } from 'kysely'
import type { AuditEntry } from '../../model/audit.ts'
import type { AuditKey, OpenBlock, Tx } from '../port.ts'
import { statement } from '../statement.ts'

/** Stands in the first block for the hash of a previous block. */
export const GENESIS_HASH = hash('sha256', 'usher audit log', 'base64url')

/** Selects the newest block. */
export const headBlock = statement((db) =>
  db
    .selectFrom('audit_blocks')
    .select(['number', 'seal as hash'])
    .orderBy('number', 'desc')
    .limit(sql.lit(1)),
)

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
      seal: string
    },
  ) =>
    db.insertInto('audit_blocks').values({
      number: p.number,
      first_pk: p.first_pk,
      last_pk: p.last_pk,
      entries: p.entries,
      previous_hash: p.previous_hash,
      seal: p.seal,
    }),
)

/**
 * Makes the block that follows the newest one, still empty.
 * @param head what `headBlock` selected; undefined before the first block
 */
export function toNextBlock(head: { number: number; hash: string } | undefined): OpenBlock {
  return { number: (head?.number ?? 0) + 1, previousHash: head?.hash ?? GENESIS_HASH, hashes: [] }
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
  { block, position }: { block: number; position: number },
): string {
  const { changes = null, address, reseller } = entry
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
    ...(changes !== null || address !== null || reseller !== null ? [changes] : []),
    ...(address !== null || reseller !== null ? [address] : []),
    ...(reseller !== null ? [reseller] : []),
  ]
  return hash('sha256', JSON.stringify(content), 'base64url')
}

/**
 * Returns the hash of a block: an HMAC with SHA-256 (RFC 2104). It covers the block's number, the hash of the block
 * before it, and the hashes of its entries in order.
 */
export function hashBlock({ number, previousHash, hashes }: OpenBlock, key: AuditKey): string {
  const content = JSON.stringify([number, previousHash, ...hashes])
  return createHmac('sha256', key.secret).update(content).digest('base64url')
}

/**
 * Seals the audit block of a transaction, as its last statement.
 * @param block has at least one entry
 */
export async function sealBlock(tx: Tx, block: OpenBlock, key: AuditKey): Promise<void> {
  // There is one writer, so the entries of a commit have consecutive primary keys.
  const last = (await tx.get(selectLastEntry, {}))?.pk ?? 0
  await writeSeal(tx, { block, first: last - block.hashes.length + 1, last }, key)
}

/** A block with the lowest and the highest primary key of its entries. */
interface FilledBlock {
  readonly block: OpenBlock
  readonly first: number
  readonly last: number
}

/**
 * Writes the row that seals a block of audit entries.
 * @throws {ConstraintError} when another process has sealed a block with this number first
 */
export async function writeSeal(tx: Tx, { block, first, last }: FilledBlock, key: AuditKey): Promise<void> {
  await tx.run(insertBlock, {
    number: block.number,
    first_pk: first,
    last_pk: last,
    entries: block.hashes.length,
    previous_hash: block.previousHash,
    seal: hashBlock(block, key),
  })
}
