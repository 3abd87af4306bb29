import type { Context } from '../model/context.ts'
import { markAccountsOfUserRemoved } from '../store/accounts/changes.ts'
import { markUserDeleted } from '../store/tables/users.ts'
import type { Directory } from './directory.ts'
import { getReachableUser } from './reach.ts'
import { runUnit } from './unit.ts'

/**
 * Deletes a user. The directory hides the user at once; their accounts are removed from the platforms after that.
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `store_unavailable`
 */
export function deleteUser(dir: Directory, ctx: Context, id: string): Promise<void> {
  return runUnit(dir, ctx, { operation: 'DeleteUser', target: id }, async (unit) => {
    const { user, organization } = await getReachableUser(unit, id)
    await markUserDeleted(unit.tx, user.pk, unit.now)
    await markAccountsOfUserRemoved(unit.tx, user.pk, unit.now)
    await unit.audit({
      outcome: 'deleted',
      organization: organization.id,
      target: user.id,
      changedFields: ['deletedAt'],
    })
  })
}
