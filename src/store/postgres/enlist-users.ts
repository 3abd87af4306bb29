import { type SqlBool, sql } from 'kysely'
import type { Tx } from '../port.ts'
import { takeLock } from '../tables/locks.ts'

/** More rows of totals than this for each combination are added up. */
const MAX_ROWS = 2

/** Takes users into the lists; see `Tx.enlistUsers`. A trigger counts them. */
export async function enlistUsers(tx: Tx, limit: number): Promise<number> {
  await takeLock(tx, 'lists of users', new Date().toISOString())
  const rows = await tx.query((db) =>
    db
      .updateTable('users')
      .set({ listed: 1 })
      .where('pk', 'in', (eb) =>
        eb.selectFrom('users').select('pk').where(sql<SqlBool>`listed = 0`).orderBy('pk').limit(limit),
      )
      .returning('pk'),
  )
  const pks = rows.map(({ pk }) => pk)
  if (pks.length > 0)
    await tx.query((db) => db.updateTable('memberships').set({ listed: 1 }).where('user_pk', 'in', pks))
  if (rows.length < limit) await addUpTotals(tx)
  return rows.length
}

/** Adds up the rows of the totals, once there are many. Changes only insert such rows, so they do not conflict. */
async function addUpTotals(tx: Tx): Promise<void> {
  const [counts] = await tx.query((db) => ({
    compile: () =>
      sql<{ rows: number; keys: number }>`select count(*) as rows,
        count(distinct (provider_pk, organization_pk, reseller_pk, deleted)) as keys from user_totals`.compile(
        db,
      ),
  }))
  if (!counts || Number(counts.rows) <= 1_000 + MAX_ROWS * Number(counts.keys)) return
  const addUp = sql`with old as (delete from user_totals returning *)
    insert into user_totals
    select provider_pk, organization_pk, reseller_pk, deleted, sum(total) from old group by 1, 2, 3, 4
    having sum(total) <> 0`
  await tx.query((db) => ({ compile: () => addUp.compile(db) }))
}

/** Finds users by words; see `Tx.searchUsers`. */
export async function searchUsers(
  tx: Tx,
  words: readonly string[],
  limit: number,
): Promise<number[] | undefined> {
  const indexes = sql<{ name: string | null }>`select to_regclass('users_search')::text as name`
  const [index] = await tx.query((db) => ({ compile: () => indexes.compile(db) }))
  if (!index?.name) return undefined
  const rows = await tx.query((db) =>
    words.reduce(
      (query, word) => query.where('name_key', 'like', `%${word.replace(/[\\%_]/g, '\\$&')}%`),
      db
        .selectFrom('users')
        .select('pk')
        .where('deleted_at', 'is', null)
        .where(sql<SqlBool>`listed = 1`)
        .limit(limit),
    ),
  )
  return rows.map(({ pk }) => pk)
}
