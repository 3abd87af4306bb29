import { sql } from 'kysely'
import type { Tx } from '../port.ts'
import { query } from '../raw-query.ts'

/**
 * Takes users into the lists; see `Tx.enlistUsers`. One statement for all of them costs a fraction of what triggers
 * would.
 */
export async function enlistUsers(tx: Tx, limit: number): Promise<number> {
  const rows = await tx.query((db) =>
    db.selectFrom('users').select('pk').where(UNLISTED).orderBy('pk').limit(limit),
  )
  const last = rows.at(-1)?.pk
  if (last === undefined) return 0
  await query(
    tx,
    sql`insert into user_search (rowid, text) select pk, name_key from users where ${UNLISTED} and pk <= ${last}`,
  )
  await query(
    tx,
    sql`insert into user_totals
      select provider_pk, organization_pk, coalesce(reseller_pk, 0), deleted_at is not null, count(*)
      from users where ${UNLISTED} and pk <= ${last} group by 1, 2, 3, 4
      on conflict do update set total = total + excluded.total`,
  )
  for (const [sort, key] of [
    ['name', sql`name_key`],
    ['email', sql`coalesce(email_key, ${LAST})`],
  ] as const)
    await query(
      tx,
      sql`insert into user_ranks
        select provider_pk, ${sort}, substr(${key}, 1, 3), substr(${key}, 1, 8), count(*)
        from users where ${UNLISTED} and pk <= ${last} and deleted_at is null group by 1, 2, 3, 4
        on conflict do update set total = total + excluded.total`,
    )
  await query(
    tx,
    sql`update memberships set listed = 1
      where user_pk in (select pk from users where ${UNLISTED} and pk <= ${last})`,
  )
  await query(tx, sql`update users set listed = 1 where ${UNLISTED} and pk <= ${last}`)
  return rows.length
}

/** Sorts after every e-mail. */
const LAST = '\u{10ffff}'
const UNLISTED = sql<boolean>`listed = 0`

/** Finds users by words; see `Tx.searchUsers`. A word in double quotes is a text that must be in the row as it is. */
export async function searchUsers(tx: Tx, words: readonly string[], limit: number): Promise<number[]> {
  const match = words.map((word) => `"${word.replaceAll('"', '""')}"`).join(' AND ')
  const rows = await query<{ rowid: number }>(
    tx,
    sql`select rowid from user_search where user_search match ${match} limit ${limit}`,
  )
  return rows.map(({ rowid }) => rowid)
}
