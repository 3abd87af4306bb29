import type { Context } from '../model/context.ts'
import type { Group, User } from '../model/users.ts'
import { selectMemberships } from '../store/tables/groups.ts'
import { selectUsers } from '../store/tables/users.ts'
import type { Directory } from './directory.ts'
import { getReachableOrganization } from './reach.ts'
import { runRead } from './unit.ts'

/** A user with the groups that they are in. */
export type ListedUser = User & { readonly groups: readonly Group[] }

/**
 * Lists the users of an organization, ordered by e-mail, users without an e-mail first.
 * @param request.after the e-mail of the last user of the page before
 * @throws {DirectoryError} `not_permitted`, `organization_not_found`, `store_unavailable`
 */
export function listUsers(
  dir: Directory,
  ctx: Context,
  request: { organizationId: string; after?: string | undefined; limit: number },
): Promise<ListedUser[]> {
  return runRead(dir, ctx, 'ListUsers', async (scope) => {
    const { tx } = scope
    const organization = await getReachableOrganization(scope, { id: request.organizationId })
    const users = await selectUsers(tx, organization.pk, request)
    return Promise.all(users.map(async (user) => ({ ...user, groups: await selectMemberships(tx, user.pk) })))
  })
}
