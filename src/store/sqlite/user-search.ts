import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { PageRequest } from '../../model/pages.ts'
import type { Tx, UserSearch, UserSearchPage } from '../port.ts'
import { query } from '../raw-query.ts'
import { toOrderSql } from '../users/user-sql.ts'
import { NUMBER_BITS, type OrderTables, tablesOf, toFacet } from './user-places.ts'

/** Returns what to look for. A word in double quotes is a text that must be in the row as it is. */
async function toMatch(tx: Tx, { providerPk, words, groups }: UserSearch): Promise<string> {
  const texts = words.map((word) => `"${word.replaceAll('"', '""')}"`)
  const facets = groups.map((some) => some.map((pk) => `"${toFacet('group', pk)}"`).join(' OR '))
  // All users have the facet of the only provider, which would double the time of a search.
  const others = sql`select 1 from user_totals where organization_pk = 0 and provider_pk <> ${providerPk} limit 1`
  if ((await query(tx, others)).length > 0) facets.push(`"${toFacet('provider', providerPk)}"`)
  return [
    ...(texts.length > 0 ? [`text : (${texts.join(' AND ')})`] : []),
    ...facets.map((one) => `facets : (${one})`),
  ].join(' AND ')
}

/** Finds users; see `Tx.searchUsers`. */
export async function searchUsers(tx: Tx, search: UserSearch, limit: number): Promise<number[]> {
  const rows = await query<{ pk: number }>(
    tx,
    sql`select place.user_pk as pk from user_search_name
      cross join user_places_name as place on place.id = user_search_name.rowid
      where user_search_name match ${await toMatch(tx, search)} limit ${limit}`,
  )
  return rows.map(({ pk }) => pk)
}

/** What the queries for one page share. */
interface Found {
  readonly tables: OrderTables
  /** The matching row ids, and with a condition their users. */
  readonly from: RawBuilder<unknown>
  readonly where: RawBuilder<SqlBool>
  readonly id: RawBuilder<number>
  readonly direction: RawBuilder<unknown>
  readonly ascending: boolean
}

/**
 * Finds a page of users in the order of a list; see `Tx.searchPage`. It first finds the blocks in which the page begins
 * and ends, and then sorts the users of these blocks.
 */
export async function searchPage(tx: Tx, search: UserSearch, page: UserSearchPage): Promise<number[]> {
  const { order, offset, limit, where } = page
  const tables = tablesOf(order.by)
  const id = sql<number>`${tables.search}.rowid`
  const users = sql`cross join ${tables.places} as place on place.id = ${id}
    cross join users on users.pk = place.user_pk`
  const found: Found = {
    tables,
    from: where ? sql`${tables.search} ${users}` : tables.search,
    where: sql`${tables.search} match ${await toMatch(tx, search)} ${where ? sql`and ${where}` : sql``}`,
    id,
    direction: sql.raw(order.ascending ? 'asc' : 'desc'),
    ascending: order.ascending,
  }
  const first = offset === 0 ? undefined : await findBlock(tx, found, offset)
  if (offset > 0 && first === undefined) return []
  const before = first === undefined ? 0 : await countBefore(tx, found, first)
  const last = await findBlock(tx, found, offset + limit)
  const inBlocks = sql`${found.where} and ${isFrom(found, first)} and ${isUpTo(found, last)}`
  const rows = await query<{ pk: number }>(
    tx,
    sql`select users.pk from ${tables.search} ${users} where ${inBlocks}
      order by ${id} >> ${sql.lit(NUMBER_BITS)} ${found.direction}, ${toOrderSql(order)}
      limit ${limit} offset ${offset - before}`,
  )
  return rows.map(({ pk }) => pk)
}

/** Returns the label of the block that has the match after `offset` others; undefined if there are not as many. */
async function findBlock(
  tx: Tx,
  { from, where, id, direction }: Found,
  offset: PageRequest['offset'],
): Promise<number | undefined> {
  const [row] = await query<{ label: number }>(
    tx,
    sql`select ${id} >> ${sql.lit(NUMBER_BITS)} as label from ${from} where ${where}
      order by ${id} ${direction} limit 1 offset ${offset}`,
  )
  return row?.label
}

async function countBefore(tx: Tx, found: Found, label: number): Promise<number> {
  const end = found.ascending
    ? sql`${found.id} < (${sql.lit(label)} << ${sql.lit(NUMBER_BITS)})`
    : sql`${found.id} >= (${sql.lit(label + 1)} << ${sql.lit(NUMBER_BITS)})`
  const [row] = await query<{ total: number }>(
    tx,
    sql`select count(*) as total from ${found.from} where ${found.where} and ${end}`,
  )
  return row?.total ?? 0
}

/** Returns the condition that a match is in a block or after it, in the order of the list. */
function isFrom({ id, ascending }: Found, label: number | undefined): RawBuilder<SqlBool> {
  if (label === undefined) return sql`1 = 1`
  const bits = sql.lit(NUMBER_BITS)
  return ascending
    ? sql`${id} >= (${sql.lit(label)} << ${bits})`
    : sql`${id} < (${sql.lit(label + 1)} << ${bits})`
}

/** Returns the condition that a match is in a block or before it, in the order of the list. */
function isUpTo(found: Found, label: number | undefined): RawBuilder<SqlBool> {
  return isFrom({ ...found, ascending: !found.ascending }, label)
}
