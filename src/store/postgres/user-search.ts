import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { UserOrder } from '../../model/user-lists.ts'
import { LAST } from '../../model/users.ts'
import { toPattern } from '../conditions.ts'
import { type FoundUsers, MIN_SEARCHED, type Tx, type UserSearch, type UserSearchPage } from '../port.ts'
import { query, queryKeys } from '../raw-query.ts'
import { toKeyList } from '../tables/key-lists.ts'
import { isAfter } from '../users/page-ends.ts'
import { toOrderSql } from '../users/user-sql.ts'
import { queryAlongIndex, selectMemberPage, selectMembers } from './member-pages.ts'
import { and, areInGroups, haveWords, IS_LISTED } from './user-conditions.ts'

// The index for searches has, for each user and each three characters of their names, an entry that begins with the
// place of the user in the order of the list: roughly its first two characters. So a search reads the users of one
// place after the other, until the page is full. See decision 38.

/** The most parts of a word that are looked up: more of them leave out few users in addition. */
const MAX_PARTS = 6
/** How many percent of the pages of `users` are looked at to estimate how many users have the words. */
const SAMPLE_PERCENT = 0.2
/** A place where more of the users have the words than this share is read in the order of the list. */
const DENSE = 0.1
/** The index does not look for a word that more of the users have: it would leave out few of them. */
const COMMON = 0.2
/** The most places that are read together. */
const MAX_PLACES = 128

/**
 * Returns the characters that the index has of the words: some, if there are many.
 * @param most the most parts of a word
 */
export function toParts(words: readonly string[], most = MAX_PARTS): string[] {
  const parts = words.flatMap((word) => {
    const characters = [...word]
    const starts = characters.length - MIN_SEARCHED
    const count = Math.min(starts + 1, most)
    return Array.from({ length: count }, (_, i) => {
      const from = Math.round((i * starts) / Math.max(count - 1, 1))
      return characters.slice(from, from + MIN_SEARCHED).join('')
    })
  })
  return [...new Set(parts)]
}

/** As in the index `users_parts`. */
export const IS_FOUND = sql<SqlBool>`case when users.deleted_at is null then users.listed end = 1`
/** What this index has of a user. */
export const PARTS = sql`user_parts(users.name_key, users.email_key)`

/** A search, with the parts of its words that the index looks for; those of all words when left out. */
interface PlannedSearch extends UserSearch {
  readonly parts?: readonly string[]
}

/** Returns the condition that a user of a place has the words. The sum keeps the planner from another index. */
function areFound(
  search: PlannedSearch,
  by: UserOrder['by'],
  place: RawBuilder<string>,
): RawBuilder<SqlBool> {
  const parts = (search.parts ?? toParts(search.words)).map(
    (part) => sql`${sql.lit(by[0] ?? '')} || ${place} || ${part}::text`,
  )
  return sql`${IS_FOUND} and ${PARTS} @> array[${sql.join(parts)}] collate "C"
    and users.provider_pk + 0 = ${search.providerPk} and ${haveWords(search)} and ${areInGroups(search.groups)}`
}

/** Finds users; see `UserIndex.searchUsers`. */
export async function searchUsers(
  tx: Tx,
  search: PlannedSearch,
  { limit }: { readonly limit: number },
): Promise<number[]> {
  const [some = []] = search.groups
  if (search.words.length === 0) return selectMembers(tx, some, limit)
  const rows = await query<{ pk: number }>(
    tx,
    sql`select found.pk from user_places as place cross join lateral (
        select users.pk from users where ${areFound(search, 'name', sql`place.start`)} offset 0) as found
      where place.provider_pk = ${search.providerPk} and place.sort = 'name' limit ${limit}`,
  )
  return rows.map(({ pk }) => pk)
}

/** A place in the order of a list, with what a sample says about it. */
export interface Place {
  readonly start: string
  /** Where the next place begins; null for the last one. */
  readonly following: string | null
  /** How many of the users in the sample are there, and how many of them have the words, and each word. */
  readonly total: number
  readonly found: number
  readonly each: readonly number[] | null
}

/** Finds a page of users in the order of a list; see `UserIndex.searchPage`. */
export async function searchPage(
  tx: Tx,
  search: UserSearch,
  page: UserSearchPage,
): Promise<FoundUsers | undefined> {
  const { few = 0 } = page
  const [group] = search.groups
  if (group && few > 0) {
    const all = await selectMembers(tx, group, few + 1)
    if (all.length <= few) return { pks: all, isAll: true }
  }
  if (search.words.length === 0) return { pks: await selectMemberPage(tx, search, page), isAll: false }
  const places = await selectPlaces(tx, search, page)
  const [total, found] = [sum(places, ({ total }) => total), sum(places, (place) => place.found)]
  const rare = search.words.filter((_, i) => sum(places, ({ each }) => each?.[i] ?? 0) <= total * COMMON)
  const planned = { ...search, parts: toParts(rare.length > 0 ? rare : search.words) }
  if (found * (100 / SAMPLE_PERCENT) < few * 2) {
    const all = await searchUsers(tx, planned, { limit: few + 1 })
    if (all.length <= few) return { pks: all, isAll: true }
  }
  const isCommon = found > total * DENSE
  if (group && (isCommon || !(await isLarge(tx, group, page.order.by))))
    return { pks: await selectMemberPage(tx, search, page), isAll: false }
  // The order of the list leads to the page sooner.
  if (isCommon && !page.after) return undefined
  return { pks: await selectPage(tx, planned, { page, places }), isAll: false }
}

/**
 * Returns whether the group has so large a share of all memberships that reading it takes longer than the index of
 * words.
 * @param groups the primary keys of the groups that count as one
 */
async function isLarge(tx: Tx, groups: readonly number[], by: UserOrder['by']): Promise<boolean> {
  const [row] = await query<{ members: number; total: number }>(
    tx,
    sql`select count(*)::integer as total,
        (count(*) filter (where group_pk in (${toKeyList(groups)})))::integer as members
      from memberships tablesample system (${sql.lit(SAMPLE_PERCENT)}) repeatable (1) where name_key is not null`,
  )
  // The index by e-mail does not have the words, so it reads the row of each member.
  return row !== undefined && row.members > row.total * (by === 'name' ? DENSE : DENSE / 10)
}

function sum(places: readonly Place[], count: (place: Place) => number): number {
  return places.reduce((all, place) => all + count(place), 0)
}

async function selectPage(
  tx: Tx,
  search: PlannedSearch,
  { page, places }: { readonly page: UserSearchPage; readonly places: readonly Place[] },
): Promise<number[]> {
  const needed = page.offset + page.limit
  const pks: number[] = []
  for (let from = 0, least = 1; from < places.length && pks.length < needed; least *= 2) {
    const some = choosePlaces(places.slice(from), { needed: needed - pks.length, least })
    pks.push(...(await readPlaces(tx, search, { page, places: some })))
    from += some.length
  }
  return pks.slice(page.offset, needed)
}

/** Chooses the next places: as many as will do by the sample, and at least some, so that there are few readings. */
function choosePlaces(
  places: readonly Place[],
  { needed, least }: { readonly needed: number; readonly least: number },
): Place[] {
  let expected = 0
  const end = places.findIndex((place, i) => {
    if (i >= MAX_PLACES || (i >= least && expected > needed)) return true
    expected += (place.found * 100) / SAMPLE_PERCENT / 2
    return false
  })
  return places.slice(0, end === -1 ? places.length : end)
}

/**
 * Returns the places of an order, in this order, with an estimate of how many users there have the words. Places before
 * the end of the page before are left out.
 */
async function selectPlaces(
  tx: Tx,
  search: UserSearch,
  { order: { by, ascending }, after }: UserSearchPage,
): Promise<Place[]> {
  const key = by === 'name' ? sql`users.name_key` : sql`coalesce(users.email_key, ${LAST})`
  const each = search.words.map(
    (word) => sql`(count(*) filter (where users.name_key like ${toPattern(word)}))::integer`,
  )
  const [direction, sign] = ascending ? [sql`asc`, sql`>=`] : [sql`desc`, sql`<=`]
  const rest = after ? sql`where place.start ${sign} user_place(${after.key ?? LAST})` : sql``
  return query<Place>(
    tx,
    sql`select * from (
        select place.start, lead(place.start) over (order by place.start) as following,
          coalesce(sample.total, 0)::integer as total, coalesce(sample.found, 0)::integer as found, sample.each
        from user_places as place left join (
          select user_place(${key}) as start, count(*) as total, count(*) filter (where ${haveWords(search)}) as found,
            array[${sql.join(each)}] as each
          from users tablesample system (${sql.lit(SAMPLE_PERCENT)}) repeatable (1) group by 1
        ) as sample on sample.start = place.start
        where place.provider_pk = ${search.providerPk} and place.sort = ${by}
      ) as place ${rest} order by place.start ${direction}`,
  )
}

/**
 * Reads the users of some places who have the words, in the order of the list, as many as the page needs.
 * @param places in the order of the list
 * @returns the primary keys; `page.offset` counts from the first of these places
 */
export async function readPlaces(
  tx: Tx,
  search: PlannedSearch,
  { page, places }: { readonly page: UserSearchPage; readonly places: readonly Place[] },
): Promise<number[]> {
  const { order, after } = page
  const last = page.limit + page.offset
  const isDense = ({ total, found }: Place): boolean => found > Math.max(total * DENSE, 3)
  const cut = sql`order by ${toOrderSql(order)} limit ${last}`
  // The index by name has all of its columns, so the rows of the users who are skipped are not read.
  const columns = sql.raw(
    order.by === 'name'
      ? 'users.pk, users.id, users.name_key'
      : 'users.pk, users.email_key, users.organization_pk',
  )
  const following = after ? isAfter(after, order.ascending) : sql<SqlBool>`true`
  const rest = and([following, page.where ?? sql<SqlBool>`true`])
  const sparse = places.filter((place) => !isDense(place)).map(({ start }) => start)
  const ofSparse = sql`select found.* from unnest(${sparse}::text[]) as place cross join lateral (
    select ${columns} from users where ${areFound(search, order.by, sql`place`)} and ${rest} ${cut}) as found`
  const selectIn = (range: RawBuilder<SqlBool>): RawBuilder<unknown> => sql`select ${columns} from users
    where ${IS_LISTED} and ${range} and users.provider_pk = ${search.providerPk}
      and ${haveWords(search)} and ${areInGroups(search.groups)} and ${rest} ${cut}`
  const ofDense = places.filter(isDense).flatMap((place) => listRanges(place, page).map(selectIn))
  const joined = (parts: readonly RawBuilder<unknown>[]): RawBuilder<unknown> => {
    const all = parts.map((part) => sql`(${part})`)
    return sql`select users.pk from (${sql.join(all, sql` union all `)}) as users ${cut}`
  }
  const found = sparse.length > 0 ? await queryKeys(tx, joined([ofSparse])) : []
  if (ofDense.length === 0) return found
  if (found.length > 0)
    ofDense.push(sql`select ${columns} from users where users.pk in (${toKeyList(found)})`)
  const rows = await queryAlongIndex<{ pk: number }>(tx, joined(ofDense))
  return rows.map(({ pk }) => pk)
}

/**
 * Returns the conditions on the users of a place, each a range of the index of the order. The ranges begin at the end of
 * the page before; `isAfter` is exact.
 */
function listRanges(
  { start, following }: Place,
  { order: { by, ascending }, after }: UserSearchPage,
): RawBuilder<SqlBool>[] {
  const key = by === 'name' ? sql`users.name_key` : sql`users.email_key`
  const bounds = [sql<SqlBool>`${key} >= ${start}`]
  if (following !== null) bounds.push(sql`${key} < ${following}`)
  if (after && after.key !== null) bounds.push(sql`${key} ${sql.raw(ascending ? '>=' : '<=')} ${after.key}`)
  const range = and(bounds)
  // The last place by e-mail has the users without one: last upwards, first downwards.
  if (by === 'name' || following !== null || (after && after.key !== null && !ascending)) return [range]
  const without = sql<SqlBool>`users.email_key is null`
  return after?.key === null && ascending ? [without] : [range, without]
}
