import { type Account, checkNewAccount, type NewAccount } from '../model/accounts.ts'
import { diff } from '../model/audit.ts'
import type { Context } from '../model/context.ts'
import type { Credential } from '../model/credentials.ts'
import { DirectoryError } from '../model/error.ts'
import type { Page, PageRequest } from '../model/pages.ts'
import type { Tenant } from '../model/tenants.ts'
import {
  insertAccount,
  selectAccountBeingRemoved,
  selectAccountByPk,
  selectAccountOfOrgUser,
} from '../store/accounts/accounts.ts'
import { markAccountRemoved, updateAccountEnabled } from '../store/accounts/changes.ts'
import { type LeaseTerms, newLease } from '../store/accounts/leases.ts'
import { hasEnabledCredential, updateLinkedAccount } from '../store/accounts/people.ts'
import { selectAccountPage } from '../store/accounts/queries.ts'
import { ensureCredential, issueCredential } from './account-credentials.ts'
import { type Directory, getOwnerForm } from './directory.ts'
import { type AccountFilter, resolveAccountFilter } from './filters.ts'
import {
  type AccountIds,
  accountNotFound,
  findAccountByCanonicalId,
  findAccountIncludingRemoved,
  findAccountsOfUser,
  findCustomerId,
  getReachableAccount,
  getReachableTenant,
} from './reach.ts'
import { runRead, runUnit, type Unit } from './unit.ts'
import { findOrInsertOwner } from './users.ts'

/** What `createAccount` returns. */
export interface CreatedAccount {
  readonly account: Account
  /** The credential of a new account; null for an existing account. */
  readonly credential: Credential | null
  /** True if nothing was created, because the removal of this account of the same user is not finished. */
  readonly beingRemoved: boolean
}

/**
 * Gives a Cloud Director user an account in a tenant, with exactly one credential. Repeating the create returns the
 * existing account, unchanged; if all of its credentials were deleted, it gets a new one. If a user of the customer has
 * the account's e-mail and no account yet, this user becomes the owner of the account, so that one person is one user.
 *
 * The platform has the account once the reconciler has applied it.
 * @param request.lease claims the new account in this commit, for the process that then applies it
 * @throws {DirectoryError} `not_permitted`, `invalid`, `tenant_not_found`, `store_unavailable`; `platform_unavailable`
 *   if the tenant's platform is not configured
 */
export function createAccount(
  dir: Directory,
  ctx: Context,
  request: { tenantId: string; account: NewAccount; lease?: LeaseTerms },
): Promise<CreatedAccount> {
  const { tenantId, account, lease } = request
  const subject = { operation: 'CreateAccount', target: tenantId, issues: checkNewAccount(account) } as const
  return runUnit(dir, ctx, subject, async (unit) => {
    const tenant = await getReachableTenant(unit, tenantId)
    const orgUser = { orgId: account.orgId, id: account.orgUserId }
    const existing = await selectAccountOfOrgUser(unit.tx, tenant.pk, orgUser)
    if (existing) {
      await unit.audit({ outcome: 'repeated', organization: tenant.organizationId, target: existing.userId })
      const withCredential = await ensureCredential(dir, unit, existing)
      return { account: withCredential, credential: null, beingRemoved: false }
    }
    // If that account owns data, it will be restored, and a new one would be a second account.
    const removal = await selectAccountBeingRemoved(unit.tx, tenant.pk, orgUser)
    if (removal) return { account: removal, credential: null, beingRemoved: true }
    return insertNewAccount(dir, unit, { tenant, account, lease })
  })
}

async function insertNewAccount(
  dir: Directory,
  unit: Unit,
  { tenant, account, lease }: { tenant: Tenant; account: NewAccount; lease: LeaseTerms | undefined },
): Promise<CreatedAccount> {
  const { organizationPk, organizationId: organization, platform } = tenant
  const owner = await findOrInsertOwner(unit, {
    organization: { pk: organizationPk, id: organization },
    platform,
    email: account.email,
  })
  if (owner.account !== null) return linkAccount(dir, unit, { tenant, account, pk: owner.account })
  const canonicalUserId = getOwnerForm(dir, platform).toCanonicalId({ tenantId: tenant.id, userId: owner.id })
  const pk = await insertAccount(unit.tx, {
    tenant: tenant.pk,
    user: owner.pk,
    madeUser: !owner.linked,
    platform,
    canonicalUserId,
    orgId: account.orgId,
    orgUserId: account.orgUserId,
    username: toUsername(account),
    email: account.email,
    role: account.role,
    enabled: account.active,
    lease: lease && newLease(lease, new Date(unit.now)),
    now: unit.now,
  })
  const credential = await issueCredential(dir, unit, { pk, canonicalUserId, userId: owner.id })
  await unit.audit(
    owner.linked
      ? { operation: 'LinkAccount', outcome: 'linked', organization, target: owner.id }
      : { outcome: 'created', organization, target: owner.id, changedFields: listFields(account) },
  )
  return { account: (await selectAccountByPk(unit.tx, pk)) as Account, credential, beingRemoved: false }
}

/** OSIS needs a name in every response. The id stands in for a missing name. */
function toUsername({ username, orgUserId }: NewAccount): string {
  return username ?? orgUserId
}

/** Lists the members that are not empty, for the audit log. */
function listFields(account: NewAccount): string[] {
  const fields = ['orgId', 'orgUserId', 'role', 'active']
  if (account.username !== null) fields.push('username')
  if (account.email !== null) fields.push('email')
  return fields
}

/**
 * Returns the account with these ids of a tenant and a user.
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `store_unavailable`
 */
export function getAccount(dir: Directory, ctx: Context, ids: AccountIds): Promise<Account> {
  return runRead(dir, ctx, 'GetAccount', (scope) => getReachableAccount(scope, ids))
}

/**
 * Lists a page of the accounts that match a filter, oldest first.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function queryAccounts(
  dir: Directory,
  ctx: Context,
  request: { filter: AccountFilter; page: PageRequest },
): Promise<Page<Account>> {
  return runRead(dir, ctx, 'QueryAccounts', async (scope) => {
    const criteria = await resolveAccountFilter(scope, request.filter)
    return criteria ? selectAccountPage(scope.tx, criteria, request.page) : { items: [], total: 0 }
  })
}

/**
 * Returns the account that has this canonical id on the platform, for example the owner of a bucket.
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `store_unavailable`
 */
export function getAccountByCanonicalId(dir: Directory, ctx: Context, canonicalId: string): Promise<Account> {
  return runRead(dir, ctx, 'GetAccountByCanonicalId', async (scope) => {
    const account = await findAccountByCanonicalId(scope, canonicalId)
    if (account) return account
    throw new DirectoryError('user_not_found', `There is no user with the canonical id ${canonicalId}.`)
  })
}

/**
 * Activates or suspends an account. It works while its person and its customer are active too. Its credentials keep
 * their own status. The platform follows once the reconciler has applied the change.
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `store_unavailable`
 */
export function updateAccount(
  dir: Directory,
  ctx: Context,
  request: AccountIds & { active: boolean },
): Promise<Account> {
  return runUnit(dir, ctx, { operation: 'UpdateAccount', target: request.userId }, async (unit) => {
    const account = await getReachableAccount(unit, request)
    const organization = await findCustomerId(unit.tx, account)
    const { active } = request
    if (account.enabled === active) {
      await unit.audit({ outcome: 'repeated', organization })
      return account
    }
    await updateAccountEnabled(unit.tx, account.pk, { enabled: active, now: unit.now })
    const changes = diff({ active: account.enabled }, { active })
    await unit.audit({ outcome: 'updated', organization, changes })
    return (await selectAccountByPk(unit.tx, account.pk)) as Account
  })
}

/**
 * Deletes an account. The directory hides it at once; the reconciler removes it from the platform.
 * @param request.purge whether data is removed too. If not, an account that owns data is restored in the directory
 * @returns the account that the caller then waits for (see `Reconciler.settle`); undefined if it does not exist or has
 *   been removed
 * @throws {DirectoryError} `not_permitted`, `user_not_found` if the user has an account, but in another tenant;
 *   `store_unavailable`
 */
export function deleteAccount(
  dir: Directory,
  ctx: Context,
  request: AccountIds & { purge: boolean },
): Promise<Account | undefined> {
  return runUnit(dir, ctx, { operation: 'DeleteAccount', target: request.userId }, async (unit) => {
    const found = await findAccountIncludingRemoved(unit, request)
    // The user keeps that account: reporting a success would hide it.
    if (!found && (await findAccountsOfUser(unit, request.userId)).length > 0) throw accountNotFound(request)
    if (!found || (!found.exists && isApplied(found.account))) return undefined
    const { account, exists } = found
    const { purge } = request
    // A running removal goes on. If this call asks for a purge, it becomes one.
    if (!exists && !purge) return account
    await markAccountRemoved(unit.tx, account.pk, { purge, now: unit.now })
    await unit.audit({
      outcome: 'deleted',
      organization: await findCustomerId(unit.tx, account),
      changedFields: purge ? ['deletedAt', 'data'] : ['deletedAt'],
      changes: diff({}, { deletedAt: unit.now }),
    })
    return (await selectAccountByPk(unit.tx, account.pk)) as Account
  })
}

function isApplied(account: Account): boolean {
  return account.appliedVersion >= account.desiredVersion
}

/**
 * Gives the account that a person has without Cloud Director the names of its Cloud Director user. Its data and keys
 * stay. A key is added if none works: Cloud Director needs one. The account stays disabled if it was.
 */
async function linkAccount(
  dir: Directory,
  unit: Unit,
  { tenant, account, pk }: { tenant: Tenant; account: NewAccount; pk: number },
): Promise<CreatedAccount> {
  const { tx, now } = unit
  const before = (await selectAccountByPk(tx, pk)) as Account
  const { orgId, orgUserId, email, role } = account
  const enabled = before.enabled && account.active
  await updateLinkedAccount(tx, pk, {
    ...{ orgId, orgUserId, email, role, enabled, now },
    username: toUsername(account),
  })
  if (!(await hasEnabledCredential(tx, pk))) await issueCredential(dir, unit, before)
  await unit.audit({
    operation: 'LinkAccount',
    outcome: 'linked',
    organization: tenant.organizationId,
    target: before.userId,
    changedFields: listFields(account),
  })
  return { account: (await selectAccountByPk(tx, pk)) as Account, credential: null, beingRemoved: false }
}
