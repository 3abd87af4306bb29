import type { Import, RowCounts } from '../../model/imports.ts'
import { parseCaller } from '../audit/entry-rows.ts'
import type { Tx } from '../port.ts'
import type { Tables } from '../schema.ts'
import { statement } from '../statement.ts'

type ImportRow = Omit<Tables['imports'], 'pk'> & { pk: number }

function toImport(row: ImportRow): Import {
  const { created, restored, changed, unchanged, invalid, conflict } = row
  return {
    pk: row.pk,
    id: row.id,
    organizationId: row.organization_id,
    resellerId: row.reseller_id,
    source: row.source,
    file: row.file,
    contentHash: row.content_hash,
    caller: parseCaller(row.caller),
    correlationId: row.correlation_id,
    counts: { created, restored, changed, unchanged, invalid, conflict },
    beganAt: row.began_at,
    endedAt: row.ended_at,
    undoBeganAt: row.undo_began_at,
    undoEndedAt: row.undo_ended_at,
  }
}

/** An import as it is inserted. */
export interface NewImport {
  readonly id: string
  readonly providerPk: number
  readonly organization: { readonly pk: number; readonly id: string }
  readonly resellerId: string | null
  readonly source: 'file' | 'call'
  readonly file: string | null
  readonly contentHash: string | null
  /** In the form that `formatCaller` returns. */
  readonly caller: string
  readonly correlationId: string
  readonly now: string
}

const insert = statement((db, p: Omit<NewImport, 'organization'> & { pk: number; organizationId: string }) =>
  db.insertInto('imports').values({
    id: p.id,
    provider_pk: p.providerPk,
    organization_pk: p.pk,
    organization_id: p.organizationId,
    reseller_id: p.resellerId,
    source: p.source,
    file: p.file,
    content_hash: p.contentHash,
    caller: p.caller,
    correlation_id: p.correlationId,
    created: 0,
    restored: 0,
    changed: 0,
    unchanged: 0,
    invalid: 0,
    conflict: 0,
    began_at: p.now,
    ended_at: null,
    undo_began_at: null,
    undo_ended_at: null,
  }),
)

/** Inserts an import that begins. Returns its primary key. */
export async function insertImport(tx: Tx, { organization, ...values }: NewImport): Promise<number> {
  const pk = await tx.insert(insert, { ...values, pk: organization.pk, organizationId: organization.id })
  return pk as number
}

const selectById = statement((db, p: { id: string; provider: number }) =>
  db.selectFrom('imports').selectAll().where('id', '=', p.id).where('provider_pk', '=', p.provider),
)

/** Returns an import of a provider. */
export async function selectImport(tx: Tx, provider: number, id: string): Promise<Import | undefined> {
  const row = await tx.get(selectById, { id, provider })
  return row && toImport(row)
}

const selectUnfinished = statement((db, p: { organization: number; contentHash: string }) =>
  db
    .selectFrom('imports')
    .selectAll()
    .where('content_hash', '=', p.contentHash)
    .where('organization_pk', '=', p.organization)
    .where('ended_at', 'is', null)
    .where('undo_began_at', 'is', null)
    .orderBy('pk', 'desc'),
)

/** Returns the imports of a file into an organization that have not come to their last row, newest first. */
export async function selectUnfinishedImports(
  tx: Tx,
  of: { organization: number; contentHash: string },
): Promise<Import[]> {
  return (await tx.all(selectUnfinished, of)).map(toImport)
}

/** Returns the imports of a provider, newest first. */
export async function selectImports(
  tx: Tx,
  { provider, limit }: { provider: number; limit: number },
): Promise<Import[]> {
  const rows = await tx.query((db) =>
    db
      .selectFrom('imports')
      .selectAll()
      .where('provider_pk', '=', provider)
      .orderBy('pk', 'desc')
      .limit(limit),
  )
  return (rows as ImportRow[]).map(toImport)
}

const add = statement((db, p: RowCounts & { pk: number }) =>
  db
    .updateTable('imports')
    .set((eb) => ({
      created: eb('created', '+', p.created),
      restored: eb('restored', '+', p.restored),
      changed: eb('changed', '+', p.changed),
      unchanged: eb('unchanged', '+', p.unchanged),
      invalid: eb('invalid', '+', p.invalid),
      conflict: eb('conflict', '+', p.conflict),
    }))
    .where('pk', '=', p.pk),
)

/** Adds the rows of one step to the counts of an import. */
export async function addImportCounts(tx: Tx, pk: number, counts: RowCounts): Promise<void> {
  await tx.run(add, { pk, ...counts })
}

const setEnded = statement((db, p: { pk: number; now: string }) =>
  db.updateTable('imports').set({ ended_at: p.now }).where('pk', '=', p.pk),
)

/** Marks that an import has ended. */
export async function markImportEnded(tx: Tx, pk: number, now: string): Promise<void> {
  await tx.run(setEnded, { pk, now })
}

const setUndoBegan = statement((db, p: { pk: number; now: string }) =>
  db.updateTable('imports').set({ undo_began_at: p.now }).where('pk', '=', p.pk),
)

/** Marks that the undo of an import has begun. */
export async function markUndoBegan(tx: Tx, pk: number, now: string): Promise<void> {
  await tx.run(setUndoBegan, { pk, now })
}

const setUndoEnded = statement((db, p: { pk: number; now: string }) =>
  db.updateTable('imports').set({ undo_ended_at: p.now }).where('pk', '=', p.pk),
)

/** Marks that the undo of an import has ended. */
export async function markUndoEnded(tx: Tx, pk: number, now: string): Promise<void> {
  await tx.run(setUndoEnded, { pk, now })
}

/** A user of a change set. */
export interface ChangeSetUser {
  readonly userPk: number
  /** The line of the row that decided. */
  readonly line: number
  readonly outcome: Tables['import_users']['outcome']
  /** The user's version after the row. */
  readonly version: number
  /** The content before the row, as JSON; null for a new or unchanged user. */
  readonly before: string | null
}

const insertUserOf = statement((db, p: ChangeSetUser & { importPk: number }) =>
  db.insertInto('import_users').values({
    import_pk: p.importPk,
    user_pk: p.userPk,
    line: p.line,
    outcome: p.outcome,
    version: p.version,
    before: p.before,
    undone: 0,
  }),
)

/** Adds users to the change set of an import. */
export async function insertChangeSetUsers(
  tx: Tx,
  importPk: number,
  users: readonly ChangeSetUser[],
): Promise<void> {
  await tx.insertAll(
    insertUserOf,
    users.map((user) => ({ importPk, ...user })),
  )
}

/** Returns which of some users are in a change set: earlier rows of the import were about them. */
export async function selectUsersInChangeSet(
  tx: Tx,
  importPk: number,
  userPks: readonly number[],
): Promise<ReadonlySet<number>> {
  const rows = await tx.query((db) =>
    db
      .selectFrom('import_users')
      .select('user_pk')
      .where('import_pk', '=', importPk)
      .where(tx.isOneOf('user_pk', userPks)),
  )
  return new Set(rows.map((row) => row.user_pk))
}

const selectPage = statement((db, p: { importPk: number; after: number; limit: number }) =>
  db
    .selectFrom('import_users')
    .select(['user_pk as userPk', 'line', 'outcome', 'version', 'before'])
    .where('import_pk', '=', p.importPk)
    .where('user_pk', '>', p.after)
    .where('outcome', '!=', 'unchanged')
    .where('undone', '=', 0)
    .orderBy('user_pk')
    .limit(p.limit),
)

/** Returns the next users of a change set that an undo must look at. */
export async function selectUsersToUndo(
  tx: Tx,
  page: { importPk: number; after: number; limit: number },
): Promise<ChangeSetUser[]> {
  return tx.all(selectPage, page)
}

/** Marks that an undo is done with users, and drops what it needed for that. */
export async function markUsersUndone(tx: Tx, importPk: number, userPks: readonly number[]): Promise<void> {
  await tx.query((db) =>
    db
      .updateTable('import_users')
      .set({ undone: 1, before: null })
      .where('import_pk', '=', importPk)
      .where(tx.isOneOf('user_pk', userPks)),
  )
}

const dropBefore = statement((db, p: { user: number }) =>
  db
    .updateTable('import_users')
    .set({ before: null })
    .where('user_pk', '=', p.user)
    .where('before', 'is not', null),
)

/** Deletes what imports keep of a user's earlier content. For an erasure; an undo then keeps the user. */
export async function deleteImportedContent(tx: Tx, user: number): Promise<void> {
  await tx.run(dropBefore, { user })
}
