import {
  createPersonAccount,
  deletePersonAccount,
  type PersonRef,
  updatePersonAccount,
} from '../directory/person-accounts.ts'
import {
  createPersonCredential,
  deletePersonCredential,
  type KeyOfPerson,
  type KeyRef,
  type KeyView,
  updatePersonCredential,
} from '../directory/person-credentials.ts'
import { refuse } from '../directory/unit.ts'
import type { PersonAccount } from '../model/accounts.ts'
import type { Context } from '../model/context.ts'
import type { Credential } from '../model/credentials.ts'
import { DirectoryError } from '../model/error.ts'
import type { Reconciler } from './reconciler.ts'
import type { Provisioning } from './settling.ts'

// Accounts and keys of users, for the partner portal. Unlike OSIS, it does not promise that the platform has a change
// when a call returns: a call waits a moment, and then says whether the platform has it.

/** How long a call waits for the platform, in milliseconds. */
const WAIT_MS = 1_000

/** Waits a moment for the platform. Returns the account with what the platform then has of it. */
async function settle(reconciler: Reconciler, account: PersonAccount): Promise<PersonAccount> {
  if (account.platformState === 'applied' || !(await reconciler.settle(account, WAIT_MS))) return account
  return { ...account, platformState: 'applied', appliedVersion: account.desiredVersion, error: null }
}

/**
 * Gives a user an account; see `createPersonAccount`. Waits a moment for the platform.
 * @throws {DirectoryError} what `createPersonAccount` throws
 */
export async function addPersonAccount(
  { dir, reconciler }: Provisioning,
  ctx: Context,
  ref: PersonRef,
): Promise<{ account: PersonAccount; created: boolean }> {
  const { account, created } = await createPersonAccount(dir, ctx, ref)
  return { account: await settle(reconciler, account), created }
}

/**
 * Suspends or resumes the account of a user; see `updatePersonAccount`. Waits a moment for the platform.
 * @throws {DirectoryError} what `updatePersonAccount` throws
 */
export async function changePersonAccount(
  { dir, reconciler }: Provisioning,
  ctx: Context,
  request: PersonRef & { readonly active: boolean },
): Promise<PersonAccount> {
  return settle(reconciler, await updatePersonAccount(dir, ctx, request))
}

/**
 * Removes the account of a user; see `deletePersonAccount`. Waits a moment for the platform.
 * @returns whether the platform has removed it; if not, the removal goes on
 * @throws {DirectoryError} `account_not_empty` if it owns data and `purge` is not set; what `deletePersonAccount`
 *   throws
 */
export async function removePersonAccount(
  { dir, reconciler }: Provisioning,
  ctx: Context,
  request: PersonRef & { readonly purge: boolean },
): Promise<boolean> {
  const account = await deletePersonAccount(dir, ctx, request)
  const outcome = account ? await reconciler.settleRemoval(account, WAIT_MS) : 'gone'
  if (outcome !== 'data_left') return outcome === 'gone'
  const message =
    'The account owns buckets, and is kept; remove them first, or delete the account with its data.'
  const refusal = new DirectoryError('account_not_empty', message)
  return refuse(dir, ctx, { operation: 'DeleteUserAccount', target: request.userId }, refusal)
}

/**
 * Gives a user one more key; see `createPersonCredential`. Waits a moment for the platform.
 * @throws {DirectoryError} what `createPersonCredential` throws
 */
export async function addPersonCredential(
  { dir, reconciler }: Provisioning,
  ctx: Context,
  ref: PersonRef,
): Promise<KeyOfPerson<Credential>> {
  const { key, account } = await createPersonCredential(dir, ctx, ref)
  return { key, account: await settle(reconciler, account) }
}

/**
 * Disables or enables a key of a user; see `updatePersonCredential`. Waits a moment for the platform.
 * @throws {DirectoryError} what `updatePersonCredential` throws
 */
export async function changePersonCredential(
  { dir, reconciler }: Provisioning,
  ctx: Context,
  request: KeyRef & { readonly active: boolean },
): Promise<KeyOfPerson<KeyView>> {
  const { key, account } = await updatePersonCredential(dir, ctx, request)
  return { key, account: await settle(reconciler, account) }
}

/**
 * Deletes a key of a user; see `deletePersonCredential`. Waits a moment for the platform.
 * @returns whether the platform has removed it; if not, the removal goes on
 * @throws {DirectoryError} what `deletePersonCredential` throws
 */
export async function removePersonCredential(
  { dir, reconciler }: Provisioning,
  ctx: Context,
  ref: KeyRef,
): Promise<boolean> {
  const account = await settle(reconciler, await deletePersonCredential(dir, ctx, ref))
  return account.platformState === 'applied'
}
