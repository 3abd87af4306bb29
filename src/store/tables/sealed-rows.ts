import { type RawBuilder, sql } from 'kysely'
import type { QueryBuilder, Tx } from '../port.ts'
import { statement } from '../statement.ts'

/** A table whose rows hold an encrypted secret. */
export type SealedTable = 'credentials' | 'signing_keys' | 'audit_keys' | 'person_keys' | 'webhooks'

/** A row with an encrypted secret. */
export interface SealedRow {
  readonly pk: number
  /** The name of the row: the access key of a credential, or the id of a key or of its person. */
  readonly name: string
  /**
   * What the secret is bound to in addition: the account of a credential, or the public half of a signing key, or the
   * organization of a webhook.
   */
  readonly owner: string
  readonly sealed: string
}

/** A part of a table, in the order of its primary keys. */
export interface SealedPage {
  /** The primary key after which to start. */
  readonly after: number
  readonly limit: number
}

/** Selects the rows whose secret is encrypted with any master key but one. */
export interface OtherKeys extends SealedPage {
  /** The text at the beginning of every secret that is encrypted with that one master key. */
  readonly mark: string
}

/** A new encrypted secret for a row, which applies only if the row has not changed since it was read. */
interface Replacement {
  readonly pk: number
  readonly sealed: string
  readonly replacement: string
}

const credentials = {
  all: statement((db, p: SealedPage) => selectCredentials(db, p)),
  otherKeys: statement((db, p: OtherKeys) =>
    selectCredentials(db, p).where(startsDifferently('sealed_secret', p.mark)),
  ),
  unbound: statement((db, p: SealedPage) => selectCredentials(db, p).where(isUnbound('sealed_secret'))),
  update: statement((db, p: Replacement) =>
    db
      .updateTable('credentials')
      .set({ sealed_secret: p.replacement })
      .where('pk', '=', p.pk)
      .where('sealed_secret', '=', p.sealed),
  ),
}

function selectCredentials(db: QueryBuilder, p: SealedPage) {
  return db
    .selectFrom('credentials')
    .innerJoin('accounts', 'accounts.pk', 'credentials.account_pk')
    .innerJoin('users', 'users.pk', 'accounts.user_pk')
    .select([
      'credentials.pk',
      'access_key as name',
      sql<string>`accounts.canonical_user_id || ':' || users.id`.as('owner'),
      'sealed_secret as sealed',
    ])
    .where('credentials.pk', '>', p.after)
    .orderBy('credentials.pk')
    .limit(p.limit)
}

const signingKeys = {
  all: statement((db, p: SealedPage) => selectKeys(db, p)),
  otherKeys: statement((db, p: OtherKeys) =>
    selectKeys(db, p).where(startsDifferently('sealed_private', p.mark)),
  ),
  unbound: statement((db, p: SealedPage) => selectKeys(db, p).where(isUnbound('sealed_private'))),
  update: statement((db, p: Replacement) =>
    db
      .updateTable('signing_keys')
      .set({ sealed_private: p.replacement })
      .where('pk', '=', p.pk)
      .where('sealed_private', '=', p.sealed),
  ),
}

function selectKeys(db: QueryBuilder, p: SealedPage) {
  return db
    .selectFrom('signing_keys')
    .select(['pk', 'kid as name', 'public_jwk as owner', 'sealed_private as sealed'])
    .where('pk', '>', p.after)
    .orderBy('pk')
    .limit(p.limit)
}

const auditKeys = {
  all: statement((db, p: SealedPage) => selectAuditKeys(db, p)),
  otherKeys: statement((db, p: OtherKeys) =>
    selectAuditKeys(db, p).where(startsDifferently('sealed', p.mark)),
  ),
  unbound: statement((db, p: SealedPage) => selectAuditKeys(db, p).where(isUnbound('sealed'))),
  update: statement((db, p: Replacement) =>
    db
      .updateTable('audit_keys')
      .set({ sealed: p.replacement })
      .where('pk', '=', p.pk)
      .where('sealed', '=', p.sealed),
  ),
}

function selectAuditKeys(db: QueryBuilder, p: SealedPage) {
  return db
    .selectFrom('audit_keys')
    .select(['pk', 'id as name', sql<string>`''`.as('owner'), 'sealed'])
    .where('pk', '>', p.after)
    .orderBy('pk')
    .limit(p.limit)
}

const personKeys = {
  all: statement((db, p: SealedPage) => selectPersonKeys(db, p)),
  otherKeys: statement((db, p: OtherKeys) =>
    selectPersonKeys(db, p).where(startsDifferently('sealed', p.mark)),
  ),
  unbound: statement((db, p: SealedPage) => selectPersonKeys(db, p).where(isUnbound('sealed'))),
  update: statement((db, p: Replacement) =>
    db
      .updateTable('person_keys')
      .set({ sealed: p.replacement })
      .where('pk', '=', p.pk)
      .where('sealed', '=', p.sealed),
  ),
}

/** Keys that were destroyed are left out: they are empty. */
function selectPersonKeys(db: QueryBuilder, p: SealedPage) {
  return db
    .selectFrom('person_keys')
    .select(['pk', 'id as name', sql<string>`''`.as('owner'), 'sealed'])
    .where('pk', '>', p.after)
    .where('sealed', '<>', sql.lit(''))
    .orderBy('pk')
    .limit(p.limit)
}

const webhooks = {
  all: statement((db, p: SealedPage) => selectWebhooks(db, p)),
  otherKeys: statement((db, p: OtherKeys) =>
    selectWebhooks(db, p).where(startsDifferently('sealed_secret', p.mark)),
  ),
  unbound: statement((db, p: SealedPage) => selectWebhooks(db, p).where(isUnbound('sealed_secret'))),
  update: statement((db, p: Replacement) =>
    db
      .updateTable('webhooks')
      .set({ sealed_secret: p.replacement })
      .where('pk', '=', p.pk)
      .where('sealed_secret', '=', p.sealed),
  ),
}

function selectWebhooks(db: QueryBuilder, p: SealedPage) {
  return db
    .selectFrom('webhooks')
    .select(['pk', 'id as name', 'organization_id as owner', 'sealed_secret as sealed'])
    .where('pk', '>', p.after)
    .orderBy('pk')
    .limit(p.limit)
}

const STATEMENTS = {
  credentials,
  signing_keys: signingKeys,
  audit_keys: auditKeys,
  person_keys: personKeys,
  webhooks,
} as const

/** Compares by substr, because LIKE would treat the `_` in a mark as a wildcard. */
function startsDifferently(column: string, mark: string): RawBuilder<boolean> {
  return sql<boolean>`substr(${sql.ref(column)}, 1, length(${mark})) <> ${mark}`
}

/**
 * Matches secrets that are bound to the name of their row alone. The index `credentials_unbound` has this condition.
 */
function isUnbound(column: string): RawBuilder<boolean> {
  return sql<boolean>`substr(${sql.ref(column)}, 1, 2) = '1.'`
}

/** Returns the rows of a table with their secrets, ordered by primary key. */
export function selectSealed(tx: Tx, table: SealedTable, page: SealedPage): Promise<SealedRow[]> {
  return tx.all(STATEMENTS[table].all, page)
}

/** Returns the rows whose secret does not begin with this mark of a master key, ordered by primary key. */
export function selectSealedUnderOtherKeys(
  tx: Tx,
  table: SealedTable,
  criteria: OtherKeys,
): Promise<SealedRow[]> {
  return tx.all(STATEMENTS[table].otherKeys, criteria)
}

/** Returns the rows whose secret is bound to the name of its row alone, as Usher 0.1.0 sealed it. */
export function selectUnbound(tx: Tx, table: SealedTable, page: SealedPage): Promise<SealedRow[]> {
  return tx.all(STATEMENTS[table].unbound, page)
}

/**
 * Replaces the encrypted secret of a row. Returns false, with nothing changed, if the row has changed since it was
 * read.
 */
export async function updateSealed(tx: Tx, table: SealedTable, change: Replacement): Promise<boolean> {
  return (await tx.run(STATEMENTS[table].update, change)) === 1
}
