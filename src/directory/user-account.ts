import type { PersonAccount } from '../model/accounts.ts'
import type { Context } from '../model/context.ts'
import { MAX_CREDENTIALS } from '../model/credentials.ts'
import { DirectoryError } from '../model/error.ts'
import { selectCredentials } from '../store/accounts/credentials.ts'
import { selectPersonAccounts, selectRemovalsOfUser } from '../store/accounts/views.ts'
import type { Directory } from './directory.ts'
import type { KeyView } from './person-credentials.ts'
import { getUserOfAnyState } from './reach.ts'
import { runRead } from './unit.ts'

/** What a user has on platforms, and the keys of it. */
export interface UserAccount {
  /** One on each platform, also one whose removal is not finished. */
  readonly accounts: readonly PersonAccount[]
  /** The keys without their secrets, oldest first. */
  readonly keys: readonly (KeyView & { readonly platform: string })[]
}

/**
 * Returns what a user within reach has on platforms, with the keys; also of a deleted user. Why an attempt failed is in
 * words for the provider alone, because it may name parts of the platform; others get the cause.
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `store_unavailable`
 */
export function getUserAccount(dir: Directory, ctx: Context, userId: string): Promise<UserAccount> {
  return runRead(dir, ctx, 'GetUserAccount', async (scope) => {
    const { user } = await getUserOfAnyState(scope, userId)
    const found = await selectPersonAccounts(scope.tx, user.pk)
    const hides = ctx.organization.kind !== 'provider'
    const keys: (KeyView & { platform: string })[] = []
    for (const { pk, platform, state } of found) {
      if (state === 'removed') continue
      const some = await selectCredentials(scope.tx, pk, { limit: MAX_CREDENTIALS })
      for (const { accessKey, active, createdAt } of some)
        keys.push({ accessKey, active, createdAt, platform })
    }
    return { accounts: hides ? found.map((one) => ({ ...one, error: null })) : found, keys }
  })
}

/** The account of a user, for a caller who reads it from its platform. */
export interface PlacedAccount {
  readonly pk: number
  readonly platform: string
  readonly canonicalUserId: string
}

/**
 * Finds the account of a user within reach that exists.
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `account_not_found`, `store_unavailable`
 */
export function findAccountToMeasure(dir: Directory, ctx: Context, userId: string): Promise<PlacedAccount> {
  return runRead(dir, ctx, 'GetUserUsage', async (scope) => {
    const { user } = await getUserOfAnyState(scope, userId)
    const account = (await selectPersonAccounts(scope.tx, user.pk)).find(({ state }) => state !== 'removed')
    return account ?? noAccount(user.id)
  })
}

/**
 * Finds the account of a user within reach, for a comparison with its platform. If the user has none, it is one that was
 * removed: the platform must not have it.
 * @param operation what the caller does with it
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `account_not_found` if the user has never had one,
 *   `store_unavailable`
 */
export function findAccountToCompare(
  dir: Directory,
  ctx: Context,
  { userId, operation }: { readonly userId: string; readonly operation: 'CompareAccount' | 'MendAccount' },
): Promise<PlacedAccount> {
  return runRead(dir, ctx, operation, async (scope) => {
    const { user } = await getUserOfAnyState(scope, userId)
    const all = await selectRemovalsOfUser(scope.tx, user.pk)
    return all.find(({ state }) => state === 'kept') ?? all.at(-1) ?? noAccount(user.id)
  })
}

function noAccount(userId: string): never {
  throw new DirectoryError('account_not_found', `The user ${userId} has no account.`)
}
