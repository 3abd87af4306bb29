import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { UserOrder } from '../../model/user-lists.ts'
import { MAX_KEY } from '../../model/users.ts'
import { toPattern } from '../conditions.ts'
import type { CountedUsers, PageEnd, Tx, UserArea, UserSearch, UserSearchPage } from '../port.ts'
import { query } from '../raw-query.ts'
import { toKeyList } from '../tables/key-lists.ts'
import { isAfter, listRangesAfter } from '../users/page-ends.ts'
import { toOrderSql } from '../users/user-sql.ts'

// The membership of a listed, live user has a copy of what lists are ordered and narrowed by; see migration 31. So the
// members of a group are read in the order of a list, or of some organizations, from an index alone.

/** So many members in an area are sorted for each page. */
const SORTED = 5_000
/** Sorts after every e-mail. */
export const LAST = '\u{10ffff}'

/** Returns the condition that users have all words. */
export function haveWords({ words }: Pick<UserSearch, 'words'>): RawBuilder<SqlBool> {
  return and(words.map((word) => sql<SqlBool>`users.name_key like ${toPattern(word)}`))
}

/** Returns the condition that users are in one group of each list. */
export function areInGroups(groups: UserSearch['groups']): RawBuilder<SqlBool> {
  return and(
    groups.map(
      (some) => sql<SqlBool>`exists (select 1 from memberships
        where memberships.user_pk = users.pk and memberships.group_pk in (${toKeyList(some)}))`,
    ),
  )
}

/** Returns the condition that all conditions are met. */
export function and(conditions: readonly RawBuilder<SqlBool>[]): RawBuilder<SqlBool> {
  return sql`(${sql.join([sql`true`, ...conditions], sql` and `)})`
}

/** Returns whether an area is smaller than the provider. */
export function isNarrow({ organizationPk, resellerPk }: UserArea): boolean {
  return organizationPk !== undefined || resellerPk !== undefined
}

/** Returns a query for the organizations of a narrow area. */
export function selectOrganizations({ organizationPk, resellerPk }: UserArea): RawBuilder<unknown> {
  if (organizationPk !== undefined) return sql`select ${organizationPk}::bigint as pk`
  return sql`select ${resellerPk}::bigint as pk union all
    select customer_pk from customer_resellers where reseller_pk = ${resellerPk}`
}

/** Returns the members of some groups, whose columns are named as those of `users`. */
function membersOf(
  groups: readonly number[],
  { providerPk }: Pick<UserSearch, 'providerPk'>,
  areInArea = sql<SqlBool>`true`,
): RawBuilder<unknown> {
  return sql`(select user_pk as pk, user_id as id, name_key, email_key, organization_pk, reseller_pk,
      ${providerPk}::bigint as provider_pk
    from memberships where group_pk in (${toKeyList(groups)}) and name_key is not null and ${areInArea}) as users`
}

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
 * Finds a page of the members of groups in the order of a list; see `Tx.searchPage`.
 * @param search.groups at least one list
 */
export async function selectMemberPage(tx: Tx, search: UserSearch, page: UserSearchPage): Promise<number[]> {
  const { area, after, order } = page
  if (area && isNarrow(area) && (await countMembers(tx, area, search)) <= SORTED)
    return (await readArea(tx, { area, search }, page)).map(({ pk }) => pk)
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
        and organization_pk = any(array(${selectOrganizations(area)})) limit ${SORTED + 1}) as members`,
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

/** Words, groups, and where to look for them. */
interface AreaSearch {
  readonly area: UserArea
  readonly search: UserSearch
}

/** Reads all users of an area from an index; see `Tx.searchArea`. */
export async function searchArea(
  tx: Tx,
  within: AreaSearch,
  page: UserSearchPage,
): Promise<CountedUsers | undefined> {
  const isOfGroups = within.search.groups.length > 0
  if (!isOfGroups && !isNarrow(within.area)) return undefined
  const rows = await readArea(tx, within, page)
  const pks = rows.map(({ pk }) => pk)
  if (!isOfGroups && within.search.words.length === 0) return { pks, total: undefined }
  const isPastEnd = rows.length === 0 && page.offset > 0
  const [row] = isPastEnd ? await readArea(tx, within, { ...page, offset: 0, limit: 1 }) : rows
  return { pks, total: row?.total ?? 0 }
}

async function readArea(
  tx: Tx,
  { area, search }: AreaSearch,
  page: UserSearchPage,
): Promise<{ readonly pk: number; readonly total?: number }[]> {
  const { order, after, offset, limit, where = sql<SqlBool>`true` } = page
  const [some, ...others] = search.groups
  const isPlain = some === undefined && search.words.length === 0
  const total = isPlain ? sql`` : sql`, (count(*) over ())::integer as total`
  const conditions: RawBuilder<SqlBool>[] = []
  if (isNarrow(area)) conditions.push(sql`organization_pk = any(array(${selectOrganizations(area)}))`)
  if (area.resellerPk !== undefined)
    conditions.push(sql`(reseller_pk is null or reseller_pk = ${area.resellerPk})`)
  const inArea = and(conditions)
  const from = some
    ? membersOf(some, search, inArea)
    : sql`(select * from users where deleted_at is null and listed = 1 and ${inArea}) as users`
  const following = after ? isAfterIndexed(after, order) : sql<SqlBool>`true`
  const are = and([haveWords(search), areInGroups(others), where, following])
  // A user may be in several of the groups.
  const each = some && some.length > 1 ? sql`group by pk, id, name_key, organization_pk` : sql``
  return query(
    tx,
    sql`select users.pk ${total} from ${from} where ${are} ${each}
      order by ${toIndexedOrder(order)} limit ${limit} offset ${offset}`,
  )
}

/**
 * The address of a user who is read from an index without e-mails. The key by name has it, unless the key is cut, a name
 * contains its separator, or it has the e-mail in two forms: then the row is read. A key of fewer bytes than MAX_KEY has
 * fewer UTF-16 units too, so it is not cut. An address that users share has an id behind a blank in `email_key`
 * (decision 22); it does not count here.
 */
const INDEXED_EMAIL = sql`split_part(case
  when octet_length(users.name_key) < ${sql.lit(MAX_KEY)}
    and cardinality(string_to_array(users.name_key, chr(1))) = 3 then split_part(users.name_key, chr(1), 3)
  else (select coalesce(whole.email_key, ${LAST}) from users as whole where whole.pk = users.pk)
  end, ' ', 1) collate "C"`

/** Returns the terms of ORDER BY; see `toOrderSql`. */
function toIndexedOrder(order: UserOrder): RawBuilder<unknown> {
  if (order.by === 'name') return toOrderSql(order)
  const direction = sql.raw(order.ascending ? 'asc' : 'desc')
  return sql`${INDEXED_EMAIL} ${direction}, users.organization_pk ${direction}, users.pk ${direction}`
}

/** Returns the condition that a user comes after the end of a page; see `isAfter`. */
function isAfterIndexed(end: PageEnd, { by, ascending }: UserOrder): RawBuilder<SqlBool> {
  if (by === 'name') return isAfter(end, ascending)
  return sql`(${INDEXED_EMAIL}, users.organization_pk, users.pk) ${sql.raw(ascending ? '>' : '<')}
    (${end.key?.split(' ')[0] ?? LAST}, ${end.organizationPk}, ${end.pk})`
}
