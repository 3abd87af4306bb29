import { randomBytes, randomUUID } from 'node:crypto'
import type { Compilable, Kysely } from 'kysely'
import { auditKey } from '../migrations/0012-audit-key.ts'
import { type AuditHead, type AuditKey, type AuditKeySealer, StoreError, type Tx } from '../port.ts'
import type { Tables } from '../schema.ts'
import { statement } from '../statement.ts'
import { GENESIS_HASH } from './block-rows.ts'

/** A row of `audit_keys`. */
export type SealedAuditKey = Pick<Tables['audit_keys'], 'id' | 'sealed'>

const SECRET_BYTES = 32

/**
 * Makes a random audit key.
 * @param last the newest block, which has no HMAC; undefined if the log is empty
 */
export function newAuditKey(last?: AuditHead): AuditKey {
  const { block, hash } = last ?? { block: 0, hash: GENESIS_HASH }
  return { id: randomUUID(), secret: randomBytes(SECRET_BYTES), from: block + 1, previousHash: hash }
}

const insert = statement((db, p: SealedAuditKey & { now: string }) =>
  db.insertInto('audit_keys').values({ pk: 1, id: p.id, sealed: p.sealed, created_at: p.now }),
)

/**
 * Inserts the audit key of a directory that is being set up.
 * @throws {ConstraintError} if there is one already
 */
export async function insertAuditKey(tx: Tx, key: SealedAuditKey, now: string): Promise<void> {
  await tx.run(insert, { ...key, now })
}

const select = statement((db) => db.selectFrom('audit_keys').select(['id', 'sealed']))

/** Returns the encrypted audit key; undefined if there is none. */
export function selectAuditKey(tx: Tx): Promise<SealedAuditKey | undefined> {
  return tx.get(select, {})
}

/**
 * Reads the audit key.
 * @throws {StoreError} if it is missing, or the master keys do not open it
 */
export async function getAuditKey(tx: Tx, sealer: AuditKeySealer): Promise<AuditKey> {
  const row = await selectAuditKey(tx)
  if (!row) throw new StoreError('failed', AUDIT_KEY_MISSING)
  try {
    return sealer.open(row.id, row.sealed)
  } catch (error) {
    throw new StoreError('failed', `the audit key cannot be opened: ${(error as Error).message}`, error)
  }
}

/** The message about a set-up directory without an audit key. */
export const AUDIT_KEY_MISSING =
  'the audit key is missing from the database, so nothing can be added to the audit log; restore a backup'

/**
 * Makes the audit key of an older directory in the transaction that migrates it, so that there is no other moment at
 * which a directory may lack one. Its first block is the next one. Does nothing for an empty store, and for a store that
 * already had the table.
 * @param versions the migrations that the transaction has applied
 * @param query runs a statement in the transaction, and returns its rows
 * @throws {StoreError} if there is no master key
 */
export async function addKeyAtUpgrade(
  versions: readonly number[],
  { db, query }: { db: Kysely<Tables>; query: (statement: Compilable) => Promise<unknown[]> },
  sealer: AuditKeySealer,
): Promise<void> {
  if (!versions.includes(auditKey.version)) return
  const organizations = await query(db.selectFrom('organizations').select('pk').limit(1))
  const newest = db.selectFrom('audit_blocks').select(['number as block', 'seal as hash'])
  const [head] = (await query(newest.orderBy('number', 'desc').limit(1))) as AuditHead[]
  if (organizations.length === 0 && !head) return
  const key = newAuditKey(head)
  const row = { pk: 1, id: key.id, sealed: seal(sealer, key), created_at: new Date().toISOString() }
  await query(db.insertInto('audit_keys').values(row))
}

function seal(sealer: AuditKeySealer, key: AuditKey): string {
  try {
    return sealer.seal(key)
  } catch (error) {
    throw new StoreError('failed', `the audit key cannot be made: ${(error as Error).message}`, error)
  }
}
