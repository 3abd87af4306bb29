import { type SqlBool, sql } from 'kysely'
import { type Condition, EVERYTHING, listConjuncts } from '../../model/conditions.ts'
import type { AccountWord, ListedUser } from '../../model/user-lists.ts'
import type { Tx } from '../port.ts'
import { toKeyList } from '../tables/key-lists.ts'
import { selectListedUsers } from './listed-users.ts'
import { MAX_FOUND, toSearch, type UserPosition } from './user-pages.ts'
import { SORTED_AREA } from './user-paths.ts'
import {
  compileUserCondition,
  selectMatching,
  toOrderSql,
  type UserCriteria,
  type UserFields,
} from './user-sql.ts'
import { selectUserTotal } from './user-totals.ts'

/** The most users that one call looks at, if no index finds them. */
const MAX_EXAMINED = 2_000
/** The same in the context of a reseller, to which few of the users in the order of the list may belong. */
const MAX_EXAMINED_IN_CONTEXT = 500

/** Which users a walk has, and where it begins. */
export interface UserWalk {
  readonly criteria: UserCriteria
  /** Only users whose account is in one of these states; all when left out. */
  readonly states?: readonly AccountWord[] | undefined
  readonly after?: UserPosition | undefined
  readonly limit: number
}

/** A page of a walk, by name. */
export interface WalkedPage {
  readonly users: readonly ListedUser[]
  /** Where the next page begins; undefined on the last page. */
  readonly next: UserPosition | undefined
  /** Whether the call stopped looking before the page was full. */
  readonly partial: boolean
}

interface Row {
  readonly pk: number
  readonly key: string
  readonly id: string
}

/**
 * Returns the users that follow a place in the order by name. It looks at a limited number of users, so a page may have
 * few, or none, although there are more.
 */
export async function selectUserWalk(tx: Tx, walk: UserWalk): Promise<WalkedPage> {
  const { criteria, states, limit } = walk
  const byState: Condition<UserFields>[] = states ? [{ field: 'account', in: states }] : []
  const where = { all: [criteria.where, ...byState] }
  const found = await findByIndex(tx, criteria, states)
  if (found?.length === 0) return { users: [], next: undefined, partial: false }
  const { rows, examined } = found
    ? { rows: await selectRows(tx, criteria, { ...walk, where, found }), examined: undefined }
    : await examine(tx, { ...criteria, where }, walk)
  const shown = rows.slice(0, limit)
  const isFull = rows.length > limit
  const last = isFull ? shown.at(-1) : examined
  const users = await selectListedUsers(
    tx,
    shown.map(({ pk }) => pk),
  )
  return { users, next: last && { key: last.key, id: last.id }, partial: !isFull && examined !== undefined }
}

/** Looks at the next users of the list, and returns those that match. */
async function examine(
  tx: Tx,
  criteria: UserCriteria,
  walk: UserWalk,
): Promise<{ readonly rows: readonly Row[]; readonly examined: Row | undefined }> {
  const isPlain = listConjuncts(criteria.where).length === 0
  const most = criteria.area.resellerPk === undefined ? MAX_EXAMINED : MAX_EXAMINED_IN_CONTEXT
  const limit = isPlain ? walk.limit + 1 : most
  const rows = await selectRows(tx, criteria, { ...walk, where: EVERYTHING, limit: limit - 1 })
  if (isPlain) return { rows, examined: undefined }
  return {
    rows: await keepMatching(tx, criteria, rows),
    examined: rows.length === limit ? rows.at(-1) : undefined,
  }
}

/** Returns the next users, and one more than the page has if there are more. */
async function selectRows(
  tx: Tx,
  criteria: UserCriteria,
  {
    after,
    limit,
    where,
    found,
  }: UserWalk & { readonly where: Condition<UserFields>; readonly found?: number[] },
): Promise<Row[]> {
  const all = found ? { all: [where, { field: 'pk', in: found } as const] } : where
  const path = found ? 'keys' : await toPath(tx, criteria)
  return tx.query((db) =>
    selectMatching(db, { ...criteria, where: all }, path)
      .select(['users.pk', 'users.name_key as key', 'users.id'])
      .$if(after !== undefined, (query) =>
        query.where((eb) =>
          eb(eb.refTuple('users.name_key', 'users.id'), '>', eb.tuple(after?.key ?? '', after?.id ?? '')),
        ),
      )
      .orderBy(toOrderSql({ by: 'name', ascending: true }))
      .limit(limit + 1),
  )
}

async function toPath(tx: Tx, criteria: UserCriteria): Promise<'area' | 'order'> {
  const { deleted, area } = criteria
  const isInOrder = area.resellerPk === undefined || area.organizationPk !== undefined
  if (deleted || isInOrder) return 'order'
  return (await selectUserTotal(tx, criteria)) <= SORTED_AREA ? 'area' : 'order'
}

/** Returns those rows that match, in the same order. */
async function keepMatching(tx: Tx, { where }: UserCriteria, rows: readonly Row[]): Promise<Row[]> {
  if (rows.length === 0) return []
  const found = await tx.query((db) =>
    db
      .selectFrom('users')
      .select('users.pk')
      .where(sql<SqlBool>`users.pk in (${toKeyList(rows.map(({ pk }) => pk))})`)
      .where(compileUserCondition(db, where)),
  )
  const pks = new Set(found.map(({ pk }) => pk))
  return rows.filter(({ pk }) => pks.has(pk))
}

const UNAPPLIED: ReadonlySet<AccountWord> = new Set(['waiting', 'failing', 'parked'])

/**
 * Returns the users that an index finds by their words or the states of their accounts, with others; undefined if there
 * are too many.
 */
async function findByIndex(
  tx: Tx,
  criteria: UserCriteria,
  states: readonly AccountWord[] | undefined,
): Promise<number[] | undefined> {
  const search = toSearch(criteria)
  const found = search && (await tx.userIndex.searchUsers(tx, search, { limit: MAX_FOUND + 1 }))
  if (found && found.length <= MAX_FOUND) return found
  if (!states?.every((state) => UNAPPLIED.has(state))) return undefined
  const rows = await tx.query((db) =>
    db
      .selectFrom('accounts')
      .select('user_pk')
      .whereRef('applied_version', '<', 'desired_version')
      .limit(MAX_FOUND + 1),
  )
  return rows.length > MAX_FOUND ? undefined : [...new Set(rows.map(({ user_pk }) => user_pk))]
}
