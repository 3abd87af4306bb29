import type { PageRequest } from '../../model/pages.ts'
import type { UserOrder } from '../../model/user-lists.ts'
import type { Tx } from '../port.ts'
import type { UserCriteria, UserPath } from './user-sql.ts'
import { selectUserTotal } from './user-totals.ts'

/** An area with up to this many users is sorted for each page of a list without conditions. */
export const SORTED_AREA = 20_000
/** Reading the row of a deleted user takes as long as looking at this many in the index by name. */
const LOOKED_AT = 10

/** Returns the path that is in the order of a list. */
export function toWalk({ by }: UserOrder): UserPath {
  return by === 'email' ? 'email' : 'order'
}

/**
 * Chooses the path to a page of a list without conditions.
 * @param cut.total how many users the area has
 */
export async function choosePath(
  tx: Tx,
  criteria: UserCriteria,
  { order, page, total }: { order: UserOrder; page: PageRequest; total: number },
): Promise<UserPath> {
  if (total > SORTED_AREA) return toWalk(order)
  if (order.by === 'name' && !criteria.deleted) return 'area'
  // The order by e-mail, and deleted users, need whole rows of the area: a near page is found sooner among all users.
  const all = await selectTotalOfAll(tx, criteria)
  return ((page.offset + page.limit) * all) / Math.max(total, 1) < total ? toWalk(order) : 'area'
}

/**
 * Chooses the path to all users of a small area who meet a condition.
 * @param total how many users the area has
 */
export async function chooseWholePath(tx: Tx, criteria: UserCriteria, total: number): Promise<UserPath> {
  if (!criteria.deleted) return 'area'
  // The index by name has the deleted users of all areas: names leave out most of them before their rows are read.
  return (await selectTotalOfAll(tx, criteria)) < total * LOOKED_AT ? 'order' : 'area'
}

function selectTotalOfAll(tx: Tx, criteria: UserCriteria): Promise<number> {
  const { providerPk } = criteria.area
  return selectUserTotal(tx, { ...criteria, area: { providerPk } })
}
