import { type RawBuilder, sql } from 'kysely'
import { USER_SORTS } from '../../model/user-lists.ts'
import { LAST } from '../../model/users.ts'
import type { Tx, UserIndex } from '../port.ts'
import { query } from '../raw-query.ts'
import { selectNewestUnlisted } from '../users/unlisted-users.ts'
import { forgetStarts, hasFullBlock, mergeSearch, placeUsers } from './user-places.ts'

/**
 * Takes users into the lists; see `UserIndex.enlistUsers`. One statement for all of them costs a fraction of what
 * triggers would.
 */
export async function enlistUsers(tx: Tx, limit: number, newest?: number): Promise<number> {
  const rows = await tx.query((db) =>
    db
      .selectFrom('users')
      .select('pk')
      .where(sql<boolean>`listed = 0`)
      .where('pk', '<=', newest ?? Number.MAX_SAFE_INTEGER)
      .orderBy('pk', newest === undefined ? 'asc' : 'desc')
      .limit(limit),
  )
  const [first, last] = [rows[0]?.pk, rows.at(-1)?.pk]
  if (first === undefined || last === undefined) {
    for (const by of USER_SORTS) await placeUsers(tx, by, { which: sql`false`, count: 0 })
    return 0
  }
  const [from, through] = [Math.min(first, last), Math.max(first, last)]
  const which = sql<boolean>`users.listed = 0 and users.pk between ${from} and ${through}`
  await countUsers(tx, which)
  await query(
    tx,
    sql`update memberships set listed = 1 where user_pk in (select pk from users where ${which})`,
  )
  for (const by of USER_SORTS) await placeUsers(tx, by, { which, count: rows.length })
  await query(tx, sql`update users set listed = 1 where ${which}`)
  if (rows.length < limit) for (const by of USER_SORTS) await mergeSearch(tx, by)
  return rows.length
}

/** Returns whether there is something to do for `enlistUsers`: new users, or blocks that changes have filled. */
export async function areListsBehind(tx: Tx): Promise<boolean> {
  if ((await selectNewestUnlisted(tx)) !== undefined) return true
  for (const by of USER_SORTS) if (await hasFullBlock(tx, by)) return true
  return false
}

/** Deletes what the lists keep of a deleted user; see `UserIndex.forgetUser`. */
export async function forgetUser(tx: Tx, user: Parameters<UserIndex['forgetUser']>[1]): Promise<void> {
  await query(tx, sql`delete from user_ranks where total = 0`)
  for (const by of USER_SORTS) await forgetStarts(tx, by, user)
}

/** Adds users to the totals. */
async function countUsers(tx: Tx, which: RawBuilder<boolean>): Promise<void> {
  await query(
    tx,
    sql`insert into user_totals
      select provider_pk, organization_pk, coalesce(reseller_pk, 0), deleted_at is not null, count(*)
      from users where ${which} group by 1, 2, 3, 4
      on conflict do update set total = total + excluded.total`,
  )
  await query(
    tx,
    sql`insert into user_totals select provider_pk, 0, 0, deleted_at is not null, count(*)
      from users where ${which} group by 1, 4
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
        from users where ${which} and deleted_at is null group by 1, 2, 3, 4
        on conflict do update set total = total + excluded.total`,
    )
}
