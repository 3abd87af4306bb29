import type { Directory } from '../../directory/directory.ts'
import { retryUser } from '../../directory/unapplied.ts'
import { getUserAccount } from '../../directory/user-account.ts'
import type { PersonAccount } from '../../model/accounts.ts'
import {
  addPersonAccount,
  addPersonCredential,
  changePersonAccount,
  changePersonCredential,
  removePersonCredential,
} from '../../provisioning/people.ts'
import type { PlatformView } from '../../provisioning/platform-view.ts'
import type { Reconciler } from '../../provisioning/reconciler.ts'
import type { Route } from '../route.ts'
import * as accounts from './contract/accounts.ts'
import { serve } from './operation.ts'

/** What the operations about accounts need. */
export interface AccountParts {
  readonly dir: Directory
  readonly reconciler: Reconciler
  readonly platform: PlatformView
}

/** The operations about the account of one user, and its keys. */
export const accountRoutes: readonly Route<AccountParts>[] = [
  serve(accounts.getUserAccount, async ({ ctx, params }, { dir }: AccountParts) => {
    const found = await getUserAccount(dir, ctx, params.id)
    return { accounts: found.accounts.map(toView), keys: [...found.keys] }
  }),
  serve(accounts.getUserUsage, async ({ ctx, params }, { platform }: AccountParts) => {
    const { usage, buckets } = await platform.readContentOfUser(ctx, params.id)
    return { usage, buckets: buckets.map(({ name, createdAt }) => ({ name, createdAt })) }
  }),
  serve(accounts.suspendAccount, async ({ ctx, params }, parts: AccountParts) =>
    toView(hideError(ctx, await changePersonAccount(parts, ctx, { userId: params.id, active: false }))),
  ),
  serve(accounts.resumeAccount, async ({ ctx, params }, parts: AccountParts) =>
    toView(hideError(ctx, await changePersonAccount(parts, ctx, { userId: params.id, active: true }))),
  ),
  serve(accounts.giveAccount, async ({ ctx, params }, parts: AccountParts) => {
    const { account } = await addPersonAccount(parts, ctx, { userId: params.id })
    return toView(hideError(ctx, account))
  }),
  serve(accounts.retryAccount, async ({ ctx, params }, { dir }: AccountParts) => {
    return { retried: await retryUser(dir, ctx, params.id) }
  }),
  serve(accounts.compareUserAccount, async ({ ctx, params }, { platform }: AccountParts) => {
    const found = await platform.compareAccountOfUser(ctx, params.id)
    return { ...found, drift: [...found.drift] }
  }),
  serve(accounts.mendUserAccount, async ({ ctx, params }, { platform }: AccountParts) => {
    const found = await platform.mendAccountOfUser(ctx, params.id)
    return { ...found, drift: [...found.drift] }
  }),
  serve(accounts.createKey, async ({ ctx, params }, parts: AccountParts) => {
    const { key, account } = await addPersonCredential(parts, ctx, { userId: params.id })
    return { ...key, platformState: account.platformState }
  }),
  serve(accounts.updateKey, async ({ ctx, params, body }, parts: AccountParts) => {
    const request = { accessKey: params.accessKey, active: body.active }
    const { key, account } = await changePersonCredential(parts, ctx, request)
    return { ...key, platformState: account.platformState }
  }),
  serve(accounts.deleteKey, async ({ ctx, params }, parts: AccountParts) => {
    return { gone: await removePersonCredential(parts, ctx, { accessKey: params.accessKey }) }
  }),
]

/** Leaves out the words of an error for all but the provider: they may name parts of the platform. */
function hideError(
  { organization }: { readonly organization: { readonly kind: string } },
  account: PersonAccount,
): PersonAccount {
  return organization.kind === 'provider' ? account : { ...account, error: null }
}

function toView({ pk: _, ...account }: PersonAccount) {
  return account
}
