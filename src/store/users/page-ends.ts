import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { UserOrder } from '../../model/user-lists.ts'
import type { PageEnd, Tx } from '../port.ts'
import type { UserCriteria } from './user-sql.ts'

/** The end of a page, and how many users the area of its list had then. */
export interface KnownEnd extends PageEnd {
  readonly total: number
}

/**
 * Remembers for a short time where pages of lists ended. The next page is read from there, so that a client who reads
 * page after page does not pay for the users before it. It follows the page as the client has seen it, even if users
 * were added or deleted meanwhile.
 */
export interface PageEnds {
  get(name: string): KnownEnd | undefined
  set(name: string, end: KnownEnd): unknown
  delete(name: string): unknown
  keys(): Iterable<string>
}

/** A list, and a number of its first users. */
interface ListPart {
  readonly criteria: UserCriteria
  readonly order: UserOrder
  readonly offset: number
}

function nameList({ criteria, order }: ListPart): string {
  const { providerPk, organizationPk, resellerPk } = criteria.area
  const area = [providerPk, organizationPk ?? null, resellerPk ?? null]
  return JSON.stringify([area, criteria.deleted, criteria.where, criteria.beingDeleted, order])
}

/** Returns where the first users of a list ended when they were last read, if that was a short time ago. */
export function findEnd(ends: PageEnds, part: ListPart): PageEnd | undefined {
  return part.offset === 0 ? undefined : ends.get(`${nameList(part)}${part.offset}`)
}

/**
 * Notes where a page ended. If the first page has changed since it was last read, the ends of all other pages are
 * forgotten: the client may read these pages in any order, and they must follow each other.
 * @param part.offset the number of users up to the end of the page
 * @param page.isFirst whether the page is the first one
 */
export function noteEnd(
  ends: PageEnds,
  part: ListPart,
  { end, isFirst }: { readonly end: KnownEnd; readonly isFirst: boolean },
): void {
  const list = nameList(part)
  const name = `${list}${part.offset}`
  const known = ends.get(name)
  const isSame = known?.pk === end.pk && known.key === end.key && known.total === end.total
  if (isFirst && !isSame) for (const other of [...ends.keys()]) if (other.startsWith(list)) ends.delete(other)
  ends.set(name, end)
}

/** Returns the place of a user in an order. */
export async function selectPageEnd(tx: Tx, by: UserOrder['by'], pk: number): Promise<PageEnd | undefined> {
  const [row] = await tx.query((db) =>
    db
      .selectFrom('users')
      .select(['pk', 'id', 'organization_pk', 'name_key', 'email_key'])
      .where('pk', '=', pk),
  )
  if (!row) return undefined
  const key = by === 'name' ? row.name_key : row.email_key
  return { by, key, id: row.id, organizationPk: row.organization_pk, pk: row.pk }
}

/**
 * Returns the conditions on the users after an end of a page: those who meet the first one come first. Each is a range
 * of an index.
 */
export function listRangesAfter(
  { by, key, id, organizationPk, pk }: PageEnd,
  ascending: boolean,
): RawBuilder<SqlBool>[] {
  const sign = sql.raw(ascending ? '>' : '<')
  if (by === 'name') return [sql`(users.name_key, users.id) ${sign} (${key}, ${id})`]
  // Users without an e-mail come last upwards, and first downwards.
  if (key === null) {
    const ofSameKey = sql<SqlBool>`users.email_key is null
      and (users.organization_pk, users.pk) ${sign} (${organizationPk}, ${pk})`
    return ascending ? [ofSameKey] : [ofSameKey, sql`users.email_key is not null`]
  }
  const after = sql<SqlBool>`(users.email_key, users.organization_pk, users.pk) ${sign}
    (${key}, ${organizationPk}, ${pk})`
  return ascending ? [after, sql`users.email_key is null`] : [after]
}

/** Returns the condition that a user comes after the end of a page. */
export function isAfter(end: PageEnd, ascending: boolean): RawBuilder<SqlBool> {
  const ranges = listRangesAfter(end, ascending).map((range) => sql`(${range})`)
  return sql`coalesce(${sql.join(ranges, sql` or `)}, false)`
}
