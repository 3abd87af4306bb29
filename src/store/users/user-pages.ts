import { type RawBuilder, type SqlBool, sql } from 'kysely'
import { type Condition, listConjuncts } from '../../model/conditions.ts'
import type { Page, PageRequest } from '../../model/pages.ts'
import { countCodePoints } from '../../model/text.ts'
import type { ListedUser, UserOrder } from '../../model/user-lists.ts'
import { countMatching, planPage } from '../paging.ts'
import { MIN_SEARCHED, type PageEnd, type QueryBuilder, type Tx, type UserSearch } from '../port.ts'
import { queryKeys } from '../raw-query.ts'
import { listFound, selectListedUsers } from './listed-users.ts'
import { findEnd, listRangesAfter, noteEnd, type PageEnds, selectPageEnd } from './page-ends.ts'
import { choosePath, chooseWholePath, SORTED_AREA, toWalk } from './user-paths.ts'
import { findRankedStart } from './user-ranks.ts'
import {
  selectMatching,
  toOrderSql,
  toRestSql,
  type UserCriteria,
  type UserFields,
  type UserPath,
} from './user-sql.ts'
import { selectUserTotal } from './user-totals.ts'

/** An area with up to this many users is read as a whole, to count what matches in it. */
const SMALL_AREA = 10_000
/** The most users that a search looks up one by one. */
export const MAX_FOUND = 1_000
/** A page with up to this many users before or after it is found by skipping them. */
const NEAR = 2_000
/** Beyond this many users, a page of a search by name reads the index by name: that is faster than skipping matches. */
const MAX_SKIPPED = 100_000

/** A page of users. */
export interface UserPage extends Page<ListedUser> {
  /** Whether there are more users after the page. */
  readonly more: boolean
}

/** How to cut a page out of a list. */
interface Cut {
  readonly order: UserOrder
  readonly page: PageRequest
  /** Where pages ended that were read before. */
  readonly ends?: PageEnds | undefined
}

/**
 * Returns a page of the matching users. The total is exact without conditions, in an area of at most 10,000 users, and
 * for words or groups that at most 1,000 users have. Otherwise counting would take too long, and the total is that of
 * the area: never less than what matches, so that a reader who computes the number of pages misses no user.
 * @param cut.ends if the page before was read a short time ago, the page follows it as it was
 */
export async function selectUserPage(tx: Tx, criteria: UserCriteria, cut: Cut): Promise<UserPage> {
  const { order, page, ends } = cut
  const total = await selectUserTotal(tx, criteria)
  const isPlain = listConjuncts(criteria.where).length === 0
  const after = ends && findEnd(ends, { criteria, order, offset: page.offset })
  const found = await findPage(tx, criteria, { ...cut, total, isPlain, after })
  const last = found.items.at(-1)
  // The end is of no use if the total shows that the search found few users: such a search is always sorted as a whole.
  if (ends && last && found.more && found.total === total) {
    const end = await selectPageEnd(tx, order.by, last.user.pk)
    const part = { criteria, order, offset: page.offset + found.items.length }
    if (end) noteEnd(ends, part, { end: { ...end, total }, isFirst: page.offset === 0 })
  }
  return found
}

async function findPage(
  tx: Tx,
  criteria: UserCriteria,
  { total, isPlain, after, ...cut }: Cut & { total: number; isPlain: boolean; after: PageEnd | undefined },
): Promise<UserPage> {
  if (total <= (isPlain ? SORTED_AREA : SMALL_AREA)) {
    const found = await cutArea(tx, criteria, { ...cut, total, after: isPlain ? after : undefined })
    if (found) return found
    if (!isPlain) return cutWhole(tx, criteria, { ...cut, path: await chooseWholePath(tx, criteria, total) })
  }
  const search = isPlain ? undefined : toSearch(criteria)
  if (search) return selectFound(tx, criteria, { ...cut, total, search, after })
  if (after) {
    const following = await selectFollowing(tx, criteria, { ...cut, total, after })
    return isPlain ? { ...following, total } : following
  }
  if (!isPlain) return walkArea(tx, criteria, { ...cut, total })
  return cutCounted(tx, criteria, { ...cut, total, path: await choosePath(tx, criteria, { ...cut, total }) })
}

/** Returns a page of a small area, if the engine reads all of its users faster than `cutWhole` does. */
async function cutArea(
  tx: Tx,
  { area, where, deleted, beingDeleted }: UserCriteria,
  { order, page, total, after }: Cut & { total: number; after: PageEnd | undefined },
): Promise<UserPage | undefined> {
  const { providerPk } = area
  const search = { providerPk, words: listWords(where), groups: listGroups(where) }
  // A search has no other conditions.
  if (deleted || search.words.length + search.groups.length < listConjuncts(where).length) return undefined
  const rest = toRestSql({ area: { providerPk }, beingDeleted }, [])
  const { offset, limit } = page
  const cut = { order, offset: after ? 0 : offset, limit: limit + 1, after, where: rest }
  const found = await tx.userIndex.searchArea(tx, { area, search }, cut)
  if (!found) return undefined
  const items = await selectListedUsers(tx, found.pks.slice(0, limit))
  return { items, total: found.total ?? total, more: found.pks.length > limit }
}

/** Reads a page from the end of the page before. */
async function selectFollowing(
  tx: Tx,
  criteria: UserCriteria,
  { order, page, total, after }: Cut & { total: number; after: PageEnd },
): Promise<UserPage> {
  const path = await choosePath(tx, criteria, { order, page: { ...page, offset: 0 }, total })
  const users: ListedUser[] = []
  for (const range of listRangesAfter(after, order.ascending)) {
    const left = page.limit + 1 - users.length
    if (left === 0) break
    const following = { order, page: { offset: 0, limit: left }, path, range }
    users.push(...(await selectInOrder(tx, criteria, following)))
  }
  return toBroadPage(users, { page, total })
}

/** Returns a page of what words and groups find among very many users. */
async function selectFound(
  tx: Tx,
  criteria: UserCriteria,
  { search, total, after, ...cut }: Cut & { total: number; search: UserSearch; after: PageEnd | undefined },
): Promise<UserPage> {
  const rest = toRestSql(criteria, listWords(criteria.where).filter(isShort))
  const { offset, limit } = cut.page
  // With a page before this one, the search is known to find many users.
  const few = after ? 0 : MAX_FOUND
  const { area } = criteria
  const page = {
    order: cut.order,
    offset: after ? 0 : offset,
    limit: limit + 1,
    where: rest,
    area,
    few,
    after,
  }
  const isNear = after !== undefined || cut.order.by === 'email' || offset <= MAX_SKIPPED
  const found = isNear ? await tx.userIndex.searchPage(tx, search, page) : undefined
  if (!found) return walkArea(tx, criteria, { ...cut, total })
  if (!found.isAll) return toBroadPage(await selectListedUsers(tx, found.pks), { ...cut, total })
  const where: Condition<UserFields> = { all: [criteria.where, { field: 'pk', in: found.pks }] }
  return cutWhole(tx, { ...criteria, where }, { ...cut, path: 'keys' })
}

/** Reads the users of an area in the order of a list of unknown length. */
async function walkArea(
  tx: Tx,
  criteria: UserCriteria,
  { order, page, total }: Cut & { total: number },
): Promise<UserPage> {
  const { offset, limit } = page
  const walked = { order, page: { offset, limit: limit + 1 }, path: toWalk(order) }
  const users = offset >= total ? [] : await selectInOrder(tx, criteria, walked)
  return toBroadPage(users, { page, total })
}

function listGroups(where: Condition<UserFields>): (readonly number[])[] {
  return listConjuncts(where).flatMap((one) => ('in' in one && one.field === 'group' ? [one.in] : []))
}

function listWords(where: Condition<UserFields>): string[] {
  return listConjuncts(where).flatMap((one) => ('contains' in one ? [one.contains] : []))
}

/** Returns whether the index for searches cannot find a word. */
function isShort(word: string): boolean {
  return countCodePoints(word) < MIN_SEARCHED
}

/** Returns what the index for searches can find of a condition; undefined if it can find nothing. */
export function toSearch({ area, where, deleted }: UserCriteria): UserSearch | undefined {
  const words = listWords(where).filter((word) => !isShort(word))
  const groups = listGroups(where)
  // The index does not have deleted users; there are few.
  if (deleted || (words.length === 0 && groups.length === 0)) return undefined
  return { providerPk: area.providerPk, words, groups }
}

/** Cuts a page out of a list whose length is known: from its nearer end. */
async function cutCounted(
  tx: Tx,
  criteria: UserCriteria,
  { order, page, total, path }: Cut & { total: number; path: UserPath },
): Promise<UserPage> {
  const plan = planPage(page, total)
  if (!plan) return { items: [], total, more: false }
  const far = plan.offset > NEAR ? await selectFarPks(tx, criteria, { order, page, total }) : undefined
  if (far) return { items: await selectListedUsers(tx, far), total, more: page.offset + page.limit < total }
  const isReversed = plan.direction === 'desc'
  const items = await selectInOrder(tx, criteria, {
    order: { by: order.by, ascending: order.ascending !== isReversed },
    page: plan,
    path,
  })
  return { items: isReversed ? items.reverse() : items, total, more: page.offset + page.limit < total }
}

/**
 * Reads the primary keys of a page that is far from both ends of the list of all users.
 * @returns undefined if there are no totals for the list, or the page has users without an e-mail
 */
export async function selectFarPks(
  tx: Tx,
  criteria: UserCriteria,
  { order, page, total }: Cut & { total: number },
): Promise<number[] | undefined> {
  const { area, deleted, beingDeleted } = criteria
  const isAll = area.organizationPk === undefined && area.resellerPk === undefined
  if (!isAll || deleted || beingDeleted.length > 0) return undefined
  const count = Math.min(page.limit, total - page.offset)
  const before = order.ascending ? page.offset : total - page.offset - count
  const start = await findRankedStart(tx, area.providerPk, { by: order.by, offset: before })
  if (!start) return undefined
  const pks = await queryKeys(tx, (db) =>
    selectMatching(db, criteria, toWalk(order))
      .select('users.pk')
      .where(order.by === 'name' ? 'users.name_key' : 'users.email_key', '>=', start.from)
      .orderBy(toOrderSql({ by: order.by, ascending: true }))
      .limit(count)
      .offset(start.offset),
  )
  if (pks.length < count) return undefined
  return order.ascending ? pks : pks.reverse()
}

/** Counts a short list, and cuts a page out of it. */
async function cutWhole(
  tx: Tx,
  criteria: UserCriteria,
  { order, page, path }: Cut & { path: UserPath },
): Promise<UserPage> {
  const select = (db: QueryBuilder) => selectMatching(db, criteria, path)
  const rows = await tx.query((db) =>
    select(db)
      .select(['users.pk', sql<number>`count(*) over ()`.as('total')])
      .orderBy(toOrderSql(order))
      .limit(page.limit)
      .offset(page.offset),
  )
  // A page past the end has no row that says how many there are.
  const total =
    rows.length > 0 || page.offset === 0 ? Number(rows[0]?.total ?? 0) : await countMatching(tx, select)
  const items = await selectListedUsers(
    tx,
    rows.map(({ pk }) => pk),
  )
  return { items, total, more: page.offset + rows.length < total }
}

/**
 * Returns a page of a list of unknown length.
 * @param users those of the page, and one more if there is one
 * @param cut.total the total, if the page is not the last one
 */
function toBroadPage(
  users: ListedUser[],
  { page: { offset, limit }, total }: Pick<Cut, 'page'> & { total: number },
): UserPage {
  const more = users.length > limit
  const isLast = !more && (users.length > 0 || offset === 0)
  return { items: users.slice(0, limit), total: isLast ? offset + users.length : total, more }
}

/**
 * Reads users in the order of a list.
 * @param cut.range a further condition: a range of the order
 */
async function selectInOrder(
  tx: Tx,
  criteria: UserCriteria,
  {
    order,
    page,
    path,
    range = sql`true`,
  }: { order: UserOrder; page: PageRequest; path: UserPath; range?: RawBuilder<SqlBool> },
): Promise<ListedUser[]> {
  const find = (db: QueryBuilder) =>
    selectMatching(db, criteria, path)
      .where(range)
      .orderBy(toOrderSql(order))
      .limit(page.limit)
      .offset(page.offset)
  const { area, where } = criteria
  // The path `area` sorts all users of the area before it cuts.
  const readsMore = page.offset > 0 || path === 'area'
  const leavesOut = area.resellerPk !== undefined || listConjuncts(where).length > 0
  if (!readsMore && !leavesOut) return listFound(tx, find)
  // The index has the primary keys, so only the rows of the page are read.
  return selectListedUsers(tx, await queryKeys(tx, (db) => find(db).select('users.pk')))
}

/**
 * Returns the users that follow another one in the order by name, at most `limit`.
 * @param page.after the last user of the page before
 */
export async function selectUsersAfter(
  tx: Tx,
  criteria: UserCriteria,
  { after, limit }: { after: UserPosition | undefined; limit: number },
): Promise<{ users: ListedUser[]; last: UserPosition | undefined }> {
  const rows = await tx.query((db) =>
    selectMatching(db, criteria, 'order')
      .select(['users.pk', 'users.name_key', 'users.id'])
      .$if(after !== undefined, (query) =>
        query.where((eb) =>
          eb(eb.refTuple('users.name_key', 'users.id'), '>', eb.tuple(after?.key ?? '', after?.id ?? '')),
        ),
      )
      .orderBy(toOrderSql({ by: 'name', ascending: true }))
      .limit(limit),
  )
  const last = rows.at(-1)
  const users = await selectListedUsers(
    tx,
    rows.map((row) => row.pk),
  )
  return { users, last: last && { key: last.name_key, id: last.id } }
}

/** The place of a user in the order by name. */
export interface UserPosition {
  readonly key: string
  readonly id: string
}
