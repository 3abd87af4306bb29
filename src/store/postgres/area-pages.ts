import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { UserOrder } from '../../model/user-lists.ts'
import { LAST, MAX_KEY } from '../../model/users.ts'
import type { AreaSearch, CountedUsers, PageEnd, Tx, UserSearchPage } from '../port.ts'
import { query } from '../raw-query.ts'
import { isAfter } from '../users/page-ends.ts'
import { isNarrow, selectPksOfArea, toOrderSql } from '../users/user-sql.ts'
import { and, areInGroups, haveWords, IS_LISTED, membersOf } from './user-conditions.ts'

// All users of an area, or its members of groups, are read from an index by name and sorted.

/** Reads all users of an area from an index; see `UserIndex.searchArea`. */
export async function searchArea(
  tx: Tx,
  within: AreaSearch,
  page: UserSearchPage,
): Promise<CountedUsers | undefined> {
  const isOfGroups = within.search.groups.length > 0
  if (!isOfGroups && !isNarrow(within.area)) return undefined
  const rows = await selectAreaPage(tx, within, page)
  const pks = rows.map(({ pk }) => pk)
  if (!isOfGroups && within.search.words.length === 0) return { pks, total: undefined }
  const isPastEnd = rows.length === 0 && page.offset > 0
  const [row] = isPastEnd ? await selectAreaPage(tx, within, { ...page, offset: 0, limit: 1 }) : rows
  return { pks, total: row?.total ?? 0 }
}

/** Reads a page of the users of an area, or of its members of groups, and counts what the search finds. */
export async function selectAreaPage(
  tx: Tx,
  { area, search }: AreaSearch,
  page: UserSearchPage,
): Promise<{ readonly pk: number; readonly total?: number }[]> {
  const { order, after, offset, limit, where = sql<SqlBool>`true` } = page
  const [some, ...others] = search.groups
  const isPlain = some === undefined && search.words.length === 0
  const total = isPlain ? sql`` : sql`, (count(*) over ())::integer as total`
  const conditions: RawBuilder<SqlBool>[] = []
  if (isNarrow(area)) conditions.push(sql`organization_pk = any(array(${selectPksOfArea(area)}))`)
  if (area.resellerPk !== undefined)
    conditions.push(sql`(reseller_pk is null or reseller_pk = ${area.resellerPk})`)
  const inArea = and(conditions)
  const from = some
    ? membersOf(some, search, inArea)
    : sql`(select * from users where ${IS_LISTED} and ${inArea}) as users`
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
