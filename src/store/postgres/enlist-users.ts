import { type SqlBool, sql } from 'kysely'
import type { Tx } from '../port.ts'
import { query } from '../raw-query.ts'
import { toKeyList } from '../tables/key-lists.ts'
import { takeLock } from '../tables/locks.ts'
import { selectNewestUnlisted } from '../users/unlisted-users.ts'

/** Totals are added up once there are more rows than this for each combination. */
const MAX_ROWS = 2

/** Takes users into the lists; see `UserIndex.enlistUsers`. A trigger counts them. */
export async function enlistUsers(tx: Tx, limit: number, newest?: number): Promise<number> {
  await takeLock(tx, 'lists of users', new Date().toISOString())
  const rows = await tx.query((db) =>
    db
      .updateTable('users')
      .set({ listed: 1 })
      .where('pk', 'in', (eb) =>
        eb
          .selectFrom('users')
          .select('pk')
          .where(sql<SqlBool>`listed = 0`)
          .where('pk', '<=', newest ?? Number.MAX_SAFE_INTEGER)
          .orderBy('pk', newest === undefined ? 'asc' : 'desc')
          .limit(limit),
      )
      .returning('pk'),
  )
  const pks = rows.map(({ pk }) => pk)
  if (pks.length > 0) await listMemberships(tx, pks)
  if (rows.length < limit) await addUpTotals(tx)
  return rows.length
}

/** Returns whether there is something to do for `enlistUsers`. */
export async function areListsBehind(tx: Tx): Promise<boolean> {
  return (await selectNewestUnlisted(tx)) !== undefined
}

/** What a membership has of its user, and its name there. See migration 31. */
const COPIED = [
  ['id', 'user_id'],
  ['name_key', 'name_key'],
  ['email_key', 'email_key'],
  ['organization_pk', 'organization_pk'],
  ['reseller_pk', 'reseller_pk'],
] as const

/** Takes the memberships of users into the lists. A trigger would read each user once more. */
async function listMemberships(tx: Tx, users: readonly number[]): Promise<void> {
  const copies = COPIED.map(
    ([from, to]) =>
      sql`${sql.ref(to)} = case when users.deleted_at is null then ${sql.ref(`users.${from}`)} end`,
  )
  await query(
    tx,
    sql`update memberships set listed = 1, ${sql.join(copies)} from users
      where users.pk = memberships.user_pk and memberships.user_pk in (${toKeyList(users)})`,
  )
}

const TOTALS = [
  ['user_totals', 'provider_pk, organization_pk, reseller_pk, deleted'],
  ['user_ranks', 'provider_pk, sort, start, prefix'],
] as const

/** Adds up the rows of the totals, once there are many. Changes only insert such rows, so they do not conflict. */
async function addUpTotals(tx: Tx): Promise<void> {
  for (const [table, key] of TOTALS) {
    const counts = sql`
      select count(*) as rows, count(distinct (${sql.raw(key)})) as keys from ${sql.table(table)}`
    const [count] = await query<{ rows: number; keys: number }>(tx, counts)
    if (!count || Number(count.rows) <= 1_000 + MAX_ROWS * Number(count.keys)) continue
    const addUp = sql`with old as (delete from ${sql.table(table)} returning *)
      insert into ${sql.table(table)} (${sql.raw(key)}, total)
      select ${sql.raw(key)}, sum(total) from old group by ${sql.raw(key)} having sum(total) <> 0`
    await query(tx, addUp)
  }
}

/** Deletes what the lists keep of deleted users; see `UserIndex.forgetUser`. */
export async function forgetUser(tx: Tx): Promise<void> {
  const key = sql.raw('provider_pk, sort, start, prefix')
  await query(
    tx,
    sql`delete from user_ranks where (${key}) in (
      select ${key} from user_ranks group by ${key} having sum(total) = 0)`,
  )
}
