import type { Page, PageRequest } from '../../model/pages.ts'
import type { ListedUser, UserOrder } from '../../model/user-lists.ts'
import { countMatching, planPage } from '../paging.ts'
import type { Tx } from '../port.ts'
import { selectListedUsers } from './listed-users.ts'
import { selectMatching, toOrderSql, type UserCriteria } from './user-sql.ts'

/** Returns a page of the matching users, and the number of all that match. */
export async function selectUserPage(
  tx: Tx,
  criteria: UserCriteria,
  { order, page }: { order: UserOrder; page: PageRequest },
): Promise<Page<ListedUser>> {
  const total = await countMatching(tx, (db) => selectMatching(db, criteria, 'order'))
  const plan = planPage(page, total)
  if (!plan) return { items: [], total }
  const isReversed = plan.direction === 'desc'
  const walked = { by: order.by, ascending: order.ascending !== isReversed }
  const rows = await tx.query((db) =>
    selectMatching(db, criteria, 'order')
      .select('users.pk')
      .orderBy(toOrderSql(walked))
      .limit(plan.limit)
      .offset(plan.offset),
  )
  const pks = rows.map((row) => row.pk)
  return { items: await selectListedUsers(tx, isReversed ? pks.reverse() : pks), total }
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
