import { markOrganizationEmptied } from '../../store/tables/companies.ts'
import {
  clearSomeContexts,
  deleteRelationsOfReseller,
  selectUsersOfOrganization,
} from '../../store/tables/deleted-organizations.ts'
import { markUserDeleted } from '../../store/tables/users.ts'
import { LATE_MS, USERS_AT_ONCE } from './delete-customer.ts'
import type { JobKind } from './kind.ts'

interface Cursor {
  readonly users: number
  /** Users of customers that were in the context of the reseller. */
  readonly moved: number
  /** When the deletion began, in milliseconds since 1970. */
  readonly begunAt: number
}

/**
 * Removes what a deleted reseller leaves: its users, the contexts of users of its customers, and its relations. The
 * audit entry at the end is the receipt.
 */
export const DELETE_RESELLER: JobKind<{ readonly organizationPk: number }, Cursor> = {
  operation: 'DeleteReseller',
  async step(unit, { input: { organizationPk }, cursor, done, target }) {
    const { tx, now } = unit
    const { users, moved, begunAt } = cursor ?? { users: 0, moved: 0, begunAt: Date.parse(now) }
    const pks = await selectUsersOfOrganization(tx, organizationPk, USERS_AT_ONCE)
    for (const pk of pks) await markUserDeleted(tx, pk, now)
    const cleared =
      pks.length > 0 ? 0 : await clearSomeContexts(tx, organizationPk, { limit: USERS_AT_ONCE, now })
    const next = { users: users + pks.length, moved: moved + cleared, begunAt }
    if (pks.length + cleared > 0) return { cursor: next, done: done + pks.length + cleared }
    const waitMs = begunAt + LATE_MS - Date.parse(now)
    if (waitMs > 0) return { cursor: next, waitMs }
    const relations = await deleteRelationsOfReseller(tx, organizationPk)
    await markOrganizationEmptied(tx, organizationPk, now)
    await unit.audit({
      ...{ outcome: 'deleted', organization: target, reseller: target },
      changes: [
        { name: 'users', before: users, after: 0 },
        { name: 'contexts', before: moved, after: 0 },
        { name: 'relations', before: relations, after: 0 },
      ],
    })
    return { result: { users, contexts: moved, relations } }
  },
}
