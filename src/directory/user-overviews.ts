import type { PersonAccount } from '../model/accounts.ts'
import type { Context } from '../model/context.ts'
import { MAX_CREDENTIALS } from '../model/credentials.ts'
import type { Organization } from '../model/organizations.ts'
import type { ListedUser } from '../model/user-lists.ts'
import type { Group, User } from '../model/users.ts'
import { selectCredentials } from '../store/accounts/credentials.ts'
import { selectPersonAccounts } from '../store/accounts/views.ts'
import { selectOrganizationNames } from '../store/audit/log-names.ts'
import { selectMemberships } from '../store/tables/groups.ts'
import { selectErasedAt } from '../store/tables/person-keys.ts'
import { selectUserExtras, type UserRowExtras } from '../store/users/user-rows.ts'
import type { WalkedPage } from '../store/users/user-walks.ts'
import { isPermitted } from './access.ts'
import { toLogReader } from './audit-entries.ts'
import type { Directory } from './directory.ts'
import type { KeyView } from './person-credentials.ts'
import { findResellerId, getUserOfAnyState } from './reach.ts'
import { runRead } from './unit.ts'
import { listUserActions, type PossibleAction } from './user-actions.ts'
import { listUsers, type UserListRequest, type UserWalkRequest, walkUsers } from './user-lists.ts'

/** A reseller by its id and name. */
export interface ResellerName {
  readonly id: string
  readonly name: string
}

/** A row of a list of users: with names, so that the reader needs no other call. */
export interface UserRow extends Omit<ListedUser, 'organization' | 'resellerId'>, UserRowExtras {
  /** The reseller in whose context the user is; null for none. */
  readonly reseller: ResellerName | null
}

/**
 * Lists users as `listUsers` does, with the names of organizations and the states of accounts.
 * @throws {DirectoryError} as `listUsers`
 */
export async function listUserRows(
  dir: Directory,
  ctx: Context,
  request: UserListRequest,
): Promise<{ readonly items: readonly UserRow[]; readonly more: boolean }> {
  const { items, more } = await listUsers(dir, ctx, request)
  return { items: await describeUsers(dir, ctx, items), more }
}

/**
 * Lists users as `walkUsers` does, with the names of organizations and the states of accounts.
 * @throws {DirectoryError} as `listUsers`
 */
export async function walkUserRows(
  dir: Directory,
  ctx: Context,
  request: UserWalkRequest,
): Promise<Omit<WalkedPage, 'users'> & { readonly items: readonly UserRow[] }> {
  const { users, ...page } = await walkUsers(dir, ctx, request)
  return { items: await describeUsers(dir, ctx, users), ...page }
}

function describeUsers(dir: Directory, ctx: Context, users: readonly ListedUser[]): Promise<UserRow[]> {
  return runRead(dir, ctx, 'ListUsers', async ({ tx }) => {
    const extras = await selectUserExtras(
      tx,
      users.map(({ user }) => user),
    )
    const ids = users.flatMap(({ resellerId }) => (resellerId === null ? [] : [resellerId]))
    const names = await selectOrganizationNames(tx, [...new Set(ids)], toLogReader(ctx))
    return users.flatMap(({ user, groups, resellerId }) => {
      const extra = extras.get(user.pk)
      return extra ? [{ user, groups, ...extra, reseller: toReseller(resellerId, names) }] : []
    })
  })
}

function toReseller(id: string | null, names: ReadonlyMap<string, string>): ResellerName | null {
  const name = id === null ? undefined : names.get(id)
  return id !== null && name !== undefined ? { id, name } : null
}

/** Everything about one user that a page shows, without what their platform stores. */
export interface UserOverview {
  readonly user: User
  readonly organization: Pick<Organization, 'id' | 'name' | 'kind'>
  readonly reseller: ResellerName | null
  readonly groups: readonly Group[]
  /** ISO 8601; null for a user who was not erased. */
  readonly erasedAt: string | null
  /** Errors of platforms are for the provider alone. */
  readonly accounts: readonly PersonAccount[]
  /** The keys of the first account, without their secrets. */
  readonly keys: readonly KeyView[]
  /** What the caller can do with the user, and why not. */
  readonly actions: readonly PossibleAction[]
}

/**
 * Returns everything about a user in reach, deleted or not.
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `store_unavailable`
 */
export function getUserOverview(dir: Directory, ctx: Context, id: string): Promise<UserOverview> {
  return runRead(dir, ctx, 'GetUser', async (scope) => {
    const { tx } = scope
    const found = await getUserOfAnyState(scope, id)
    const accounts = await selectPersonAccounts(tx, found.user.pk)
    const [account] = accounts.filter(({ state }) => state !== 'removed')
    const resellerId = await findResellerId(scope, found)
    const names = await selectOrganizationNames(tx, resellerId === null ? [] : [resellerId], toLogReader(ctx))
    const isProvider = ctx.organization.kind === 'provider'
    const groups = await selectMemberships(tx, found.user.pk)
    const erasedAt = (await selectErasedAt(tx, found.user.id)) ?? null
    return {
      ...{ ...found, groups, erasedAt },
      reseller: toReseller(resellerId, names),
      actions: await listUserActions(scope, { ...found, groups, erasedAt, accounts }),
      accounts: isProvider ? accounts : accounts.map((one) => ({ ...one, error: null })),
      keys:
        account && isPermitted(ctx, 'ListUserCredentials')
          ? (await selectCredentials(tx, account.pk, { limit: MAX_CREDENTIALS })).map(
              ({ accessKey, active, createdAt }) => ({ accessKey, active, createdAt }),
            )
          : [],
    }
  })
}
