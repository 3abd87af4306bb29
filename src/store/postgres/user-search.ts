import { type RawBuilder, type SqlBool, sql } from 'kysely'
import { toPattern } from '../conditions.ts'
import type { Tx, UserSearch, UserSearchPage } from '../port.ts'
import { query } from '../raw-query.ts'
import { selectMembersOf } from '../tables/groups.ts'
import { toOrderSql } from '../users/user-sql.ts'

/** The columns that conditions and orders of lists use. */
const COLUMNS = sql`pk, id, provider_pk, organization_pk, reseller_pk, name_key, email_key`

/** A search that finds more of the users than this share reads them in the order of the list. */
const MOST = 0.1
/** How many percent of the pages of `users` are looked at to estimate the share. */
const SAMPLE_PERCENT = 0.2

async function hasIndex(tx: Tx): Promise<boolean> {
  const [index] = await query<{ name: string | null }>(
    tx,
    sql`select to_regclass('users_search')::text as name`,
  )
  return index?.name !== null
}

function haveWords({ words }: UserSearch): RawBuilder<SqlBool> {
  const conditions = words.map((word) => sql`users.name_key like ${toPattern(word)}`)
  return sql`users.deleted_at is null and users.listed = 1 and ${sql.join(conditions, sql` and `)}`
}

function areInGroups({ groups }: UserSearch): RawBuilder<SqlBool> {
  const conditions = groups.map(
    (some) => sql`exists (select 1 from memberships
      where memberships.user_pk = users.pk and memberships.group_pk in (${sql.join(some)}))`,
  )
  return sql`${sql.join([sql`true`, ...conditions], sql` and `)}`
}

/** Finds users; see `Tx.searchUsers`. Without words, users of other groups may be among them. */
export async function searchUsers(tx: Tx, search: UserSearch, limit: number): Promise<number[] | undefined> {
  const [some] = search.groups
  if (search.words.length === 0 || !(await hasIndex(tx))) return some && selectMembersOf(tx, some, limit)
  // Without `offset 0` the planner may begin with the members of a group, or read the table.
  const rows = await query<{ pk: number }>(
    tx,
    sql`select pk from (select pk from users where ${haveWords(search)} offset 0) as users
      where ${areInGroups(search)} limit ${limit}`,
  )
  return rows.map(({ pk }) => pk)
}

/**
 * Finds a page of users in the order of a list; see `Tx.searchPage`. All users who have the words are read and sorted,
 * unless very many have them: then the order of the list leads to the page sooner.
 */
export async function searchPage(
  tx: Tx,
  search: UserSearch,
  { order, offset, limit, where }: UserSearchPage,
): Promise<number[] | undefined> {
  if (search.words.length === 0 || !(await hasIndex(tx)) || (await findMost(tx, search))) return undefined
  const rows = await query<{ pk: number }>(
    tx,
    sql`with found as materialized (select ${COLUMNS} from users where ${haveWords(search)})
      select users.pk from found as users
      where users.provider_pk = ${search.providerPk} and ${areInGroups(search)} and ${where ?? sql`true`}
      order by ${toOrderSql(order)} limit ${limit} offset ${offset}`,
  )
  return rows.map(({ pk }) => pk)
}

/** Estimates whether very many users have the words. */
async function findMost(tx: Tx, search: UserSearch): Promise<boolean> {
  const [sample] = await query<{ total: number; found: number }>(
    tx,
    sql`select count(*) as total, count(*) filter (where ${haveWords(search)}) as found
      from users tablesample system (${sql.lit(SAMPLE_PERCENT)}) repeatable (1)`,
  )
  return sample !== undefined && Number(sample.found) > Number(sample.total) * MOST
}
