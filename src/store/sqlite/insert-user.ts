import { toBlockRow } from '../audit/block-rows.ts'
import { toEntryRow } from '../audit/entry-rows.ts'
import type { AuditKey, InsertOutcome, NewUserRow, OpenBlock } from '../port.ts'

// The thread that creates users imports this file, so it must not import Kysely.

/** The parameters of the statements that insert a user. */
export type InsertParams = NewUserRow['user'] &
  Pick<NewUserRow, 'organizationId' | 'resellerId' | 'emailKey' | 'nameKey'>

/** The names of the statements that create a user; see create-statements.ts. */
export type CreateStatement =
  | `insert${'' | 'WithId'}${'' | 'BesideDeleted'}`
  | 'insertMembership'
  | 'insertEntry'
  | 'headBlock'
  | 'selectLastEntry'
  | 'insertBlock'

export interface StatementResult {
  readonly changes: number
  readonly lastInsertRowid: number
}

/** A connection with an open transaction. Its functions return at once: a promise for each statement costs too much. */
export interface Writer {
  /** The audit block of the transaction. */
  readonly block: OpenBlock | null
  runNow(name: CreateStatement, params: object): StatementResult
  getNow(name: CreateStatement): unknown
}

/** Seals the audit block of a transaction, as its last statement. The block has at least one entry. */
export function sealBlock(db: Writer, block: OpenBlock, key: AuditKey): void {
  // There is one writer, so the entries of a commit have consecutive primary keys.
  const last = (db.getNow('selectLastEntry') as { pk: number | null } | undefined)?.pk ?? 0
  db.runNow('insertBlock', toBlockRow({ block, first: last - block.hashes.length + 1, last }, key))
}

/**
 * Inserts a user; see `Tx.insertUsers`.
 * @throws {ConstraintError} when a group does not exist; the transaction must then be undone
 */
export function insertUser(db: Writer, row: NewUserRow): InsertOutcome {
  const { user, organizationId, resellerId, emailKey, nameKey, groups, idGiven, besideDeleted, entry } = row
  const statement = `insert${idGiven ? 'WithId' : ''}${besideDeleted ? 'BesideDeleted' : ''}` as const
  const params: InsertParams = { ...user, organizationId, resellerId, emailKey, nameKey }
  const { changes, lastInsertRowid } = db.runNow(statement, params)
  if (changes === 0) return 'refused'
  for (const group of groups) db.runNow('insertMembership', { user: lastInsertRowid, group: group.pk })
  if (entry) {
    const entryRow = toEntryRow(entry, db.block)
    db.runNow('insertEntry', entryRow)
    if (entryRow.hash !== null) db.block?.hashes.push(entryRow.hash)
  }
  return lastInsertRowid
}
