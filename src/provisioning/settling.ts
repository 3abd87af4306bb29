import { type CreatedAccount, createAccount, deleteAccount, updateAccount } from '../directory/accounts.ts'
import {
  type CredentialIds,
  createCredential,
  deleteCredential,
  updateCredential,
} from '../directory/credentials.ts'
import type { Directory } from '../directory/directory.ts'
import type { AccountIds } from '../directory/reach.ts'
import { createTenant, deleteTenant, findTenantBeingRemoved } from '../directory/tenants.ts'
import { refuse } from '../directory/unit.ts'
import type { Account, NewAccount } from '../model/accounts.ts'
import type { Context } from '../model/context.ts'
import type { OwnedCredential } from '../model/credentials.ts'
import { DirectoryError } from '../model/error.ts'
import type { NewTenant, Tenant } from '../model/tenants.ts'
import type { Reconciler } from './reconciler.ts'

/** How long a call waits for the platform, in milliseconds. Object Storage Extension calls while a person waits. */
const SETTLE_MS = 5_000
/** How long a removal with data waits, in milliseconds. Ceph RGW needs seconds for that, and longer for much data. */
const PURGE_MS = 25_000

/** What the functions below need. They change an account and wait until the platform has the change. */
export interface Provisioning {
  readonly dir: Directory
  readonly reconciler: Reconciler
}

/**
 * Creates a tenant. If a former tenant of the same customer is being removed, waits until the platform has removed its
 * accounts.
 * @throws {DirectoryError} what `createTenant` throws
 */
export async function addTenant(
  { dir, reconciler }: Provisioning,
  ctx: Context,
  request: NewTenant,
): Promise<Tenant> {
  const former = await findTenantBeingRemoved(dir, ctx, request.orgIds)
  if (former) await reconciler.settleTenant(former.pk, SETTLE_MS)
  return createTenant(dir, ctx, request)
}

/**
 * Creates the account of a Cloud Director user, and waits until the platform has it. If a former account of the user is
 * being removed, waits for that first.
 * @returns the account; if it existed already, it is not changed
 * @throws {DirectoryError} `account_being_removed` if the removal takes too long; `platform_unavailable`: the account is
 *   kept; and what `createAccount` throws
 */
export async function addAccount(
  { dir, reconciler }: Provisioning,
  ctx: Context,
  request: { tenantId: string; account: NewAccount },
): Promise<Account> {
  const deadline = performance.now() + SETTLE_MS
  const create = (): Promise<CreatedAccount> =>
    createAccount(dir, ctx, { ...request, lease: reconciler.leaseTerms })
  let created = await create()
  while (created.beingRemoved && (await reconciler.settle(created.account, deadline - performance.now())))
    created = await create()
  const { account, credential, beingRemoved } = created
  if (beingRemoved)
    return refuse(dir, ctx, { operation: 'CreateAccount', target: request.tenantId }, removalNotFinished())
  const settled = credential
    ? await reconciler.settleNew(account, credential, deadline - performance.now())
    : await reconciler.settle(account, deadline - performance.now())
  if (!settled) throw unavailable({ kept: 'The user is kept' })
  return account
}

function removalNotFinished(): DirectoryError {
  const message = "The removal of this user's account is not finished; repeat the call."
  return new DirectoryError('account_being_removed', message)
}

/**
 * Activates or suspends an account, and waits until the platform has done the same.
 * @throws {DirectoryError} `platform_unavailable`: the status is kept; and what `updateAccount` throws
 */
export async function changeAccount(
  { dir, reconciler }: Provisioning,
  ctx: Context,
  request: AccountIds & { active: boolean },
): Promise<Account> {
  const account = await updateAccount(dir, ctx, request)
  await assertSettled(reconciler, account, { kept: 'The status is kept' })
  return account
}

/**
 * Deletes an account, and waits until the platform has removed it.
 * @param request.purge whether its data is removed too
 * @throws {DirectoryError} `account_not_empty` if it owns data and `purge` is not set; `platform_unavailable`: the
 *   removal goes on; and what `deleteAccount` throws
 */
export async function removeAccount(
  { dir, reconciler }: Provisioning,
  ctx: Context,
  request: AccountIds & { purge: boolean },
): Promise<void> {
  const account = await deleteAccount(dir, ctx, request)
  if (!account) return
  const outcome = await reconciler.settleRemoval(account, request.purge ? PURGE_MS : SETTLE_MS)
  if (outcome === 'late') throw unavailable({ kept: 'The removal goes on' })
  if (outcome === 'data_left') {
    const message = 'The user owns buckets; remove them first, or purge the user.'
    const refusal = new DirectoryError('account_not_empty', message)
    await refuse(dir, ctx, { operation: 'DeleteAccount', target: request.userId }, refusal)
  }
}

/**
 * Creates one more credential of an account, and waits until the platform has it.
 * @throws {DirectoryError} `platform_unavailable`: the credential is kept; and what `createCredential` throws
 */
export async function addCredential(
  { dir, reconciler }: Provisioning,
  ctx: Context,
  ids: AccountIds,
): Promise<OwnedCredential> {
  const credential = await createCredential(dir, ctx, ids)
  await assertSettled(reconciler, credential.account, {
    kept: 'The credential is kept',
    advice: 'it will work by itself, and another call would make another one',
  })
  return credential
}

/**
 * Activates or disables a credential, and waits until the platform has done the same.
 * @throws {DirectoryError} `platform_unavailable`: the status is kept; and what `updateCredential` throws
 */
export async function changeCredential(
  { dir, reconciler }: Provisioning,
  ctx: Context,
  request: CredentialIds & { active: boolean },
): Promise<OwnedCredential> {
  const credential = await updateCredential(dir, ctx, request)
  await assertSettled(reconciler, credential.account, { kept: 'The status is kept' })
  return credential
}

/**
 * Deletes a credential, and waits until the platform has removed it.
 * @throws {DirectoryError} `platform_unavailable`: the deletion goes on; and what `deleteCredential` throws
 */
export async function removeCredential(
  { dir, reconciler }: Provisioning,
  ctx: Context,
  ids: CredentialIds,
): Promise<void> {
  const account = await deleteCredential(dir, ctx, ids)
  if (account) await assertSettled(reconciler, account, { kept: 'The deletion goes on' })
}

/**
 * Deletes a tenant, and waits until the platform has removed its accounts.
 * @param request.purge whether its accounts and their data are removed too
 * @throws {DirectoryError} `platform_unavailable`: the removal goes on; and what `deleteTenant` throws
 */
export async function removeTenant(
  { dir, reconciler }: Provisioning,
  ctx: Context,
  request: { tenantId: string; purge: boolean },
): Promise<void> {
  await deleteTenant(dir, ctx, request)
  // The second deletion catches accounts that another process created at the same moment (docs/decisions/0012).
  const tenant = await deleteTenant(dir, ctx, request)
  if (tenant && !(await reconciler.settleTenant(tenant.pk, request.purge ? PURGE_MS : SETTLE_MS)))
    throw unavailable({ kept: 'The removal goes on' })
}

interface Late {
  /** What the directory keeps although the platform does not have it yet. */
  readonly kept: string
  /** What the caller should do next. */
  readonly advice?: string
}

/**
 * Waits, for SETTLE_MS at most, until the platform has the desired version of `account`; later changes do not count.
 * @throws {DirectoryError} `platform_unavailable` if that takes too long
 */
async function assertSettled(reconciler: Reconciler, account: Account, late: Late): Promise<void> {
  if (!(await reconciler.settle(account, SETTLE_MS))) throw unavailable(late)
}

function unavailable({ kept, advice = 'repeat the call' }: Late): DirectoryError {
  const message = `The platform cannot be reached at the moment. ${kept}; ${advice}.`
  return new DirectoryError('platform_unavailable', message)
}
