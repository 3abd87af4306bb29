import { type RawBuilder, sql } from 'kysely'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'

/** A table whose rows hold an encrypted secret. */
export type SealedTable = 'credentials' | 'signing_keys'

/** A row with an encrypted secret. */
export interface SealedRow {
  readonly pk: number
  /** The name that the secret is bound to: the access key of a credential, or the id of a signing key. */
  readonly name: string
  readonly sealed: string
}

/** Selects the rows whose secret is encrypted with any master key but one. */
export interface OtherKeys {
  /** The text at the beginning of every secret that is encrypted with that one master key. */
  readonly mark: string
  /** The primary key after which to start. */
  readonly after: number
  readonly limit: number
}

/** A new encrypted secret for a row, which applies only if the row has not changed since it was read. */
interface Replacement {
  readonly pk: number
  readonly sealed: string
  readonly replacement: string
}

const credentials = {
  select: statement((db, p: OtherKeys) =>
    db
      .selectFrom('credentials')
      .select(['pk', 'access_key as name', 'sealed_secret as sealed'])
      .where('pk', '>', p.after)
      .where(startsDifferently('sealed_secret', p.mark))
      .orderBy('pk')
      .limit(p.limit),
  ),
  update: statement((db, p: Replacement) =>
    db
      .updateTable('credentials')
      .set({ sealed_secret: p.replacement })
      .where('pk', '=', p.pk)
      .where('sealed_secret', '=', p.sealed),
  ),
}

const signingKeys = {
  select: statement((db, p: OtherKeys) =>
    db
      .selectFrom('signing_keys')
      .select(['pk', 'kid as name', 'sealed_private as sealed'])
      .where('pk', '>', p.after)
      .where(startsDifferently('sealed_private', p.mark))
      .orderBy('pk')
      .limit(p.limit),
  ),
  update: statement((db, p: Replacement) =>
    db
      .updateTable('signing_keys')
      .set({ sealed_private: p.replacement })
      .where('pk', '=', p.pk)
      .where('sealed_private', '=', p.sealed),
  ),
}

const STATEMENTS = { credentials, signing_keys: signingKeys } as const

/** Compares by substr, because LIKE would treat the `_` in a mark as a wildcard. */
function startsDifferently(column: string, mark: string): RawBuilder<boolean> {
  return sql<boolean>`substr(${sql.ref(column)}, 1, length(${mark})) <> ${mark}`
}

/** Returns the rows whose secret does not begin with this mark of a master key, ordered by primary key. */
export function selectSealedUnderOtherKeys(
  tx: Tx,
  table: SealedTable,
  criteria: OtherKeys,
): Promise<SealedRow[]> {
  return tx.all(STATEMENTS[table].select, criteria)
}

/**
 * Replaces the encrypted secret of a row. Returns false, with nothing changed, if the row has changed since it was
 * read.
 */
export async function updateSealed(tx: Tx, table: SealedTable, change: Replacement): Promise<boolean> {
  return (await tx.run(STATEMENTS[table].update, change)) === 1
}
