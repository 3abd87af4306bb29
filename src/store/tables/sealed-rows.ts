import { type RawBuilder, sql } from 'kysely'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'

/** A table whose rows hold a sealed secret. */
export type SealedTable = 'credentials' | 'signing_keys'

/** A row with a sealed secret. */
export interface SealedRow {
  readonly pk: number
  /** What the secret is bound to: the access key, or the key id. */
  readonly name: string
  readonly sealed: string
}

/** Selects rows that are sealed under any key but one. */
export interface OtherKeys {
  /** What every text begins with that is sealed under the one key. */
  readonly mark: string
  /** The key (`pk`) after which to start. */
  readonly after: number
  readonly limit: number
}

/** A new text for a row that still holds the text that was read. */
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

/** Returns the rows that are not sealed under the key with this mark, by `pk`. */
export function selectSealedUnderOtherKeys(
  tx: Tx,
  table: SealedTable,
  criteria: OtherKeys,
): Promise<SealedRow[]> {
  return tx.all(STATEMENTS[table].select, criteria)
}

/** Replaces the sealed text of a row. Returns false if the row no longer holds the text that was read. */
export async function updateSealed(tx: Tx, table: SealedTable, change: Replacement): Promise<boolean> {
  return (await tx.run(STATEMENTS[table].update, change)) === 1
}
