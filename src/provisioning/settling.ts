import { createAccount, deleteAccount } from '../directory/accounts.ts'
import type { Directory } from '../directory/directory.ts'
import { deleteTenant } from '../directory/tenants.ts'
import { refuse } from '../directory/unit.ts'
import type { Account, NewAccount } from '../model/accounts.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import type { Reconciler } from './reconciler.ts'

/** How long a call waits for the platform: Object Storage Extension calls while a human waits. */
export const SETTLE_MS = 5_000
/** The same where data is removed: Ceph RGW takes seconds for that now and then, and more for much of it. */
const PURGE_MS = 25_000

const REPEAT = 'repeat the call'

/** What it takes to change something and see it applied. */
export interface Provisioning {
  readonly dir: Directory
  readonly reconciler: Reconciler
}

/**
 * Waits until the platform has what was wanted of an account when it was read.
 * @param kept what is to be said when it does not in time: the directory keeps what was written
 * @param advice what the caller does then; not everything may be asked for twice
 * @throws {DirectoryError} `platform_unavailable`
 */
export async function assertSettled(
  reconciler: Reconciler,
  account: Pick<Account, 'pk' | 'appliedVersion' | 'desiredVersion'>,
  kept: string,
  advice = REPEAT,
): Promise<void> {
  if (!(await reconciler.settle(account, SETTLE_MS))) throw unavailable(kept, advice)
}

/**
 * Gives a Cloud Director user an account, and sees it on the platform.
 * @throws {DirectoryError} `platform_unavailable`, and what `createAccount` throws
 */
export async function addAccount(
  { dir, reconciler }: Provisioning,
  ctx: Context,
  request: { tenantId: string; account: NewAccount },
): Promise<Account> {
  const lease = reconciler.leaseTerms
  const { account, credential } = await createAccount(dir, ctx, { ...request, lease })
  const settled = credential
    ? await reconciler.settleNew(account, credential, SETTLE_MS)
    : await reconciler.settle(account, SETTLE_MS)
  if (!settled) throw unavailable('The user is kept')
  return account
}

/**
 * Deletes an account, and sees it gone from the platform.
 * @throws {DirectoryError} `account_not_empty` when it owns data and `purge` is not set, `platform_unavailable`, and
 *   what `deleteAccount` throws
 */
export async function removeAccount(
  { dir, reconciler }: Provisioning,
  ctx: Context,
  request: { tenantId: string; userId: string; purge: boolean },
): Promise<void> {
  const account = await deleteAccount(dir, ctx, request)
  if (!account) return
  const outcome = await reconciler.settleRemoval(account, request.purge ? PURGE_MS : SETTLE_MS)
  if (outcome === 'late') throw unavailable('The removal goes on')
  if (outcome === 'data_left') {
    const message = 'The user owns buckets; remove them first, or purge the user.'
    const refusal = new DirectoryError('account_not_empty', message)
    await refuse(dir, ctx, { operation: 'DeleteAccount', target: request.userId }, refusal)
  }
}

/**
 * Deletes a tenant, and sees its accounts gone from the platform.
 * @throws {DirectoryError} `platform_unavailable`, and what `deleteTenant` throws
 */
export async function removeTenant(
  { dir, reconciler }: Provisioning,
  ctx: Context,
  request: { tenantId: string; purge: boolean },
): Promise<void> {
  let tenant = await deleteTenant(dir, ctx, request)
  // Another process may have created an account in the same moment; from now on none does (docs/decisions/0012).
  if (!dir.store.singleProcess) tenant = await deleteTenant(dir, ctx, request)
  if (tenant && !(await reconciler.settleTenant(tenant.pk, request.purge ? PURGE_MS : SETTLE_MS)))
    throw unavailable('The removal goes on')
}

function unavailable(kept: string, advice = REPEAT): DirectoryError {
  const message = `The platform cannot be reached at the moment. ${kept}; ${advice}.`
  return new DirectoryError('platform_unavailable', message)
}
