import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { FoundUsers, PageEnd, Tx, UserSearch, UserSearchPage } from '../port.ts'
import { query, queryArrays, queryKeys } from '../raw-query.ts'
import { isAfter } from '../users/page-ends.ts'
import { hasWord, toOrderSql } from '../users/user-sql.ts'
import { NUMBER_BITS, type OrderTables, tablesOf, toFacet, toPlaceText } from './user-places.ts'

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

/** Users with the words of a search who fulfil a condition. */
interface SearchedUsers {
  /** A condition on `users`. */
  readonly where: RawBuilder<SqlBool>
  /** How many of the users with the words are looked at, at most; all when left out. */
  readonly examined?: number
}

interface SearchRequest {
  readonly limit: number
  readonly within?: SearchedUsers
}

/**
 * Finds users; see `UserIndex.searchUsers`.
 * @param request.within leaves out users who do not fulfil a condition
 */
export async function searchUsers(tx: Tx, search: UserSearch, request: SearchRequest): Promise<number[]> {
  return findMatches(tx, await toMatch(tx, search), request)
}

function findMatches(tx: Tx, match: string, { limit, within }: SearchRequest): Promise<number[]> {
  const found = sql`select rowid as id from user_search_name where user_search_name match ${match}
    limit ${within ? (within.examined ?? -1) : limit}`
  const are = within && sql`cross join users on users.pk = place.user_pk where ${within.where} limit ${limit}`
  return queryKeys(
    tx,
    sql`select place.user_pk from (${found}) as found
      cross join user_places_name as place on place.id = found.id ${are ?? sql``}`,
  )
}

/** What the queries for one page share. */
interface Found {
  readonly tables: OrderTables
  /** The matching row ids, and with a condition their users. */
  readonly from: RawBuilder<unknown>
  /** The same with their users. */
  readonly withUsers: RawBuilder<unknown>
  readonly where: RawBuilder<SqlBool>
  readonly id: RawBuilder<number>
  readonly direction: RawBuilder<unknown>
  readonly ascending: boolean
}

/**
 * Finds a page of users in the order of a list; see `UserIndex.searchPage`. It first finds the blocks in which the page
 * begins and ends, and then sorts the users of these blocks.
 */
export async function searchPage(
  tx: Tx,
  search: UserSearch,
  page: UserSearchPage,
): Promise<FoundUsers | undefined> {
  const { few = 0 } = page
  const { words, where } = await splitWords(tx, search)
  const match = await toMatch(tx, { ...search, words })
  const all =
    few > 0
      ? await findMatches(tx, match, { limit: few + 1, ...(where && { within: { where } }) })
      : undefined
  if (all && all.length <= few) return { pks: all, isAll: true }
  const both = where && page.where ? sql<SqlBool>`${where} and ${page.where}` : (where ?? page.where)
  if (both && !page.after && page.offset > NEAR && (await areMany(tx, match))) return undefined
  return { pks: await selectPage(tx, match, { ...page, where: both }), isAll: false }
}

/** Pages with more users before them are read along the list, if many users have the words. */
const NEAR = 250
/**
 * A search finds many users if one in this many has the words. If a condition then leaves some of them out, the rows of
 * all of them are read: 2 s for half of a million. The list passes all users, but reads its index alone.
 */
const MANY = 20

async function areMany(tx: Tx, match: string): Promise<boolean> {
  const few = sql`(select max(pk) / ${sql.lit(MANY)} from users)`
  const more = await query(
    tx,
    sql`select 1 from user_search_name where user_search_name match ${match} limit 1 offset ${few}`,
  )
  return more.length > 0
}

/** How many users a sample has. */
const SAMPLE = 50
/** A word that more of the users have is not looked up in the index: its entries cost more than to read the users. */
const COMMON = 0.6

/** Splits the words of a search into those that the index finds, and a condition for those that most users have. */
export async function splitWords(
  tx: Tx,
  { words }: Pick<UserSearch, 'words'>,
): Promise<{ readonly words: readonly string[]; readonly where: RawBuilder<SqlBool> | undefined }> {
  if (words.length < 2) return { words, where: undefined }
  const last = sql`(select max(pk) from users)`
  const shares = words.map((word) => sql`avg(${hasWord(word)})`)
  const [row = []] = await queryArrays<(number | null)[]>(
    tx,
    sql`select ${sql.join(shares)} from json_each(${SAMPLES}) as place
      cross join users on users.pk = 1 + (${last} * place.value) / ${sql.lit(SAMPLE)}`,
  )
  const isCommon = (_: string, i: number): boolean => (row[i] ?? 0) > COMMON
  const common = words.filter(isCommon)
  if (common.length === 0 || common.length === words.length) return { words, where: undefined }
  const where = sql<SqlBool>`${sql.join(common.map(hasWord), sql` and `)}`
  return { words: words.filter((word) => !common.includes(word)), where }
}

/** Numbers of a sample, evenly distributed over all users. */
const SAMPLES = JSON.stringify(Array.from({ length: SAMPLE }, (_, i) => i))

async function selectPage(tx: Tx, match: string, page: UserSearchPage): Promise<number[]> {
  const { order, offset, limit, where, after } = page
  const tables = tablesOf(order.by)
  const id = sql<number>`${tables.search}.rowid`
  const users = sql`cross join ${tables.places} as place on place.id = ${id}
    cross join users on users.pk = place.user_pk`
  const found: Found = {
    tables,
    from: where ? sql`${tables.search} ${users}` : tables.search,
    withUsers: sql`${tables.search} ${users}`,
    where: sql`${tables.search} match ${match} ${where ? sql`and ${where}` : sql``}`,
    id,
    direction: sql.raw(order.ascending ? 'asc' : 'desc'),
    ascending: order.ascending,
  }
  const first = after ? await findStartAfter(tx, found, after) : await findStart(tx, found, offset)
  if (!first) return []
  const last = await findId(tx, found, { from: first.label, offset: first.before + limit })
  const inBlocks = sql`${found.where} and ${isFrom(found, first.label)}
    and ${isUpTo(found, last === undefined ? undefined : toLabel(last))}`
  return queryKeys(
    tx,
    sql`select users.pk from ${tables.search} ${users} where ${inBlocks}
      order by ${id} >> ${sql.lit(NUMBER_BITS)} ${found.direction}, ${toOrderSql(order)}
      limit ${limit} offset ${first.before}`,
  )
}

/** The block in which a page begins, and how many matches of this block are before the page. */
interface Start {
  readonly label: number | undefined
  readonly before: number
}

/** Finds the block of the match after `offset` others; undefined if there are not as many. */
async function findStart(tx: Tx, found: Found, offset: number): Promise<Start | undefined> {
  if (offset === 0) return { label: undefined, before: 0 }
  const at = await findId(tx, found, { from: undefined, offset })
  if (at === undefined) return undefined
  const label = toLabel(at)
  // Only the matches of this block are counted: those of the blocks before it have just been skipped.
  const isBefore = sql`${isFrom(found, label)} and ${found.id} ${sql.raw(found.ascending ? '<' : '>')} ${at}`
  const [row] = await query<{ total: number }>(
    tx,
    sql`select count(*) as total from ${found.from} where ${found.where} and ${isBefore}`,
  )
  return { label, before: row?.total ?? 0 }
}

/** Finds the block of the last user of the page before. */
async function findStartAfter(tx: Tx, found: Found, end: PageEnd): Promise<Start | undefined> {
  const { tables, ascending } = found
  const [block] = await query<{ label: number }>(
    tx,
    sql`select label from ${tables.blocks} where start <= ${toPlaceText(end)} order by start desc limit 1`,
  )
  if (!block) return undefined
  const { label } = block
  const inBlock = sql`${isFrom(found, label)} and ${isUpTo(found, label)}`
  const [row] = await query<{ total: number }>(
    tx,
    sql`select count(*) as total from ${found.withUsers}
      where ${found.where} and ${inBlock} and not ${isAfter(end, ascending)}`,
  )
  return { label, before: row?.total ?? 0 }
}

/** Returns the row id of the match after `offset` others, from a block on; undefined if there are not as many. */
async function findId(
  tx: Tx,
  found: Found,
  { from, offset }: { readonly from: number | undefined; readonly offset: number },
): Promise<bigint | undefined> {
  const { where, id, direction } = found
  // As text: row ids do not fit the numbers of JavaScript.
  const [row] = await query<{ id: string }>(
    tx,
    sql`select cast(${id} as text) as id from ${found.from} where ${where} and ${isFrom(found, from)}
      order by ${id} ${direction} limit 1 offset ${offset}`,
  )
  return row && BigInt(row.id)
}

function toLabel(id: bigint): number {
  return Number(id >> BigInt(NUMBER_BITS))
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
