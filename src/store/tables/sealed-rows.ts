import { type RawBuilder, sql } from 'kysely'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'

/** The tables whose rows hold a sealed secret. */
export type SealedTable = 'credentials' | 'signing_keys'

export interface SealedRow {
  readonly pk: number
  /** What the secret is bound to: the access key, or the key id. */
  readonly name: string
  readonly sealed: string
}

/** Rows after a key whose sealed text does not begin with a mark. */
export interface SealedElse {
  readonly mark: string
  readonly after: number
  readonly limit: number
}

/** A row that is to hold another text, if it still holds the one that was read. */
interface Replacement {
  readonly pk: number
  readonly sealed: string
  readonly replacement: string
}

const credentials = {
  select: statement((db, p: SealedElse) =>
    db
      .selectFrom('credentials')
      .select(['pk', 'access_key as name', 'sealed_secret as sealed'])
      .where('pk', '>', p.after)
      .where(beginsElse('sealed_secret', p.mark))
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
  select: statement((db, p: SealedElse) =>
    db
      .selectFrom('signing_keys')
      .select(['pk', 'kid as name', 'sealed_private as sealed'])
      .where('pk', '>', p.after)
      .where(beginsElse('sealed_private', p.mark))
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

/** Compared as it is: LIKE would take the `_` of a key's name for any character. */
function beginsElse(column: string, mark: string): RawBuilder<boolean> {
  return sql<boolean>`substr(${sql.ref(column)}, 1, length(${mark})) <> ${mark}`
}

/** The rows of a table after a key that are not sealed under the key with this mark, in the order of their keys. */
export function selectSealedUnderOtherKeys(
  tx: Tx,
  table: SealedTable,
  wanted: SealedElse,
): Promise<SealedRow[]> {
  return tx.all(STATEMENTS[table].select, wanted)
}

/** Writes a row's secret as it was sealed anew; answers whether the row still held what was read. */
export async function updateSealed(tx: Tx, table: SealedTable, change: Replacement): Promise<boolean> {
  return (await tx.run(STATEMENTS[table].update, change)) === 1
}
