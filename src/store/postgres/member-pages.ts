import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Tx, UserArea, UserSearch, UserSearchPage } from '../port.ts'
import { query } from '../raw-query.ts'
import { toKeyList } from '../tables/key-lists.ts'
import { listRangesAfter } from '../users/page-ends.ts'
import { isNarrow, selectPksOfArea, toOrderSql } from '../users/user-sql.ts'
import { selectAreaPage } from './area-pages.ts'
import { and, areInGroups, haveWords, membersOf } from './user-conditions.ts'

// The membership of a listed, live user has a copy of what lists are ordered and narrowed by; see migration 31. So the
// members of a group are read in the order of a list, or of some organizations, from an index alone.

/** The most members of an area that are sorted for one page. */
const MOST_SORTED = 5_000

/** Returns primary keys of listed, live users who are in one of the groups; a user may be there once for each group. */
export async function selectMembers(tx: Tx, groups: readonly number[], limit: number): Promise<number[]> {
  const rows = await query<{ pk: number }>(
    tx,
    sql`select user_pk as pk from memberships
      where group_pk in (${toKeyList(groups)}) and name_key is not null limit ${limit}`,
  )
  return rows.map(({ pk }) => pk)
}

/**
 * Finds a page of the members of groups in the order of a list; see `UserIndex.searchPage`.
 * @param search.groups at least one list
 */
export async function selectMemberPage(tx: Tx, search: UserSearch, page: UserSearchPage): Promise<number[]> {
  const { area, after, order } = page
  if (area && isNarrow(area) && (await countMembers(tx, area, search)) <= MOST_SORTED)
    return (await selectAreaPage(tx, { area, search }, page)).map(({ pk }) => pk)
  const pks: number[] = []
  const ranges = after ? listRangesAfter(after, order.ascending) : [sql<SqlBool>`true`]
  for (const range of ranges) {
    const limit = page.limit - pks.length
    if (limit > 0) pks.push(...(await walkMembers(tx, search, { ...page, limit, range })))
  }
  return pks
}

/** Counts the members of groups in a narrow area, roughly and up to a limit. */
async function countMembers(tx: Tx, area: UserArea, { groups: [some = []] }: UserSearch): Promise<number> {
  const [row] = await query<{ total: number }>(
    tx,
    sql`select count(*)::integer as total from (
      select from memberships where group_pk in (${toKeyList(some)}) and name_key is not null
        and organization_pk = any(array(${selectPksOfArea(area)})) limit ${MOST_SORTED + 1}) as members`,
  )
  return row?.total ?? 0
}

/** Reads the members of groups in the order of a list. */
async function walkMembers(
  tx: Tx,
  search: UserSearch,
  { range, ...page }: UserSearchPage & { readonly range: RawBuilder<SqlBool> },
): Promise<number[]> {
  const [some = [], ...others] = search.groups
  const { order, offset, limit, where = sql<SqlBool>`true` } = page
  const inOrder = toOrderSql(order)
  const are = and([range, haveWords(search), areInGroups(others), where])
  // Of each group, as many users as the page may need. The index of the order has these columns.
  const columns = sql.raw(order.by === 'name' ? 'pk, id, name_key' : 'pk, email_key, organization_pk')
  const first = some.map(
    (group) => sql`(select ${columns} from ${membersOf([group], search)}
      where ${are} order by ${inOrder} limit ${offset + limit})`,
  )
  const from =
    some.length === 1
      ? sql`${membersOf(some, search)} where ${are}`
      : sql`(${sql.join(first, sql` union `)}) as users`
  const text = sql`select users.pk from ${from} order by ${inOrder} limit ${limit} offset ${offset}`
  const rows = await queryAlongIndex<{ pk: number }>(tx, text)
  return rows.map(({ pk }) => pk)
}

/**
 * Runs a query along the indexes that have the order of a list. PostgreSQL expects few users with some words, and would
 * rather read all rows of an index and sort them.
 */
export async function queryAlongIndex<R>(tx: Tx, text: RawBuilder<unknown>): Promise<R[]> {
  // Sent together. The settings end with the transaction if the query fails.
  const [, rows] = await Promise.all([setScans(tx, 'off'), query<R>(tx, text), setScans(tx, 'on')])
  return rows
}

function setScans(tx: Tx, state: 'on' | 'off'): Promise<unknown> {
  const set = (name: string) => sql`set_config(${name}, ${state}, true)`
  return query(tx, sql`select ${set('enable_bitmapscan')}, ${set('enable_seqscan')}`)
}
