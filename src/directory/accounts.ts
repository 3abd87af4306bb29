import { type Account, checkNewAccount, type NewAccount, type OwnerForm } from '../model/accounts.ts'
import type { Context } from '../model/context.ts'
import type { Credential } from '../model/credentials.ts'
import { assertValid, DirectoryError } from '../model/error.ts'
import { newId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/pages.ts'
import type { Tenant } from '../model/tenants.ts'
import {
  hasAccount,
  insertAccount,
  selectAccountByPk,
  selectAccountOfOrgUser,
} from '../store/accounts/accounts.ts'
import { isBeingRemoved, markAccountRemoved, updateAccountActive } from '../store/accounts/changes.ts'
import { type LeaseTerms, newLease } from '../store/accounts/leases.ts'
import { selectAccountPage, selectCanonicalIds } from '../store/accounts/queries.ts'
import { insertUser, selectUserByEmail, touchUser } from '../store/tables/users.ts'
import { issueCredential } from './credentials.ts'
import type { Directory } from './directory.ts'
import { type AccountFilter, resolveAccountFilter } from './filters.ts'
import {
  type AccountIds,
  findAccountByCanonicalId,
  findAccountIncludingRemoved,
  findCustomerId,
  findReachableTenant,
  getReachableAccount,
  getReachableTenant,
  type Scope,
} from './reach.ts'
import { runRead, runUnit, type Unit } from './unit.ts'

/**
 * Gives a Cloud Director user an account in a tenant, with exactly one credential. The same create again gets
 * the account that exists, unchanged. A user of the customer who has the same e-mail and no account yet is
 * given this one: one person, one record.
 *
 * The account is wanted from now on; whoever needs it on the platform settles it.
 * @param request.lease claims a new account in the same commit, for the process that applies it at once
 * @returns the credential of a new account; null when it was there already
 * @throws {DirectoryError} `not_permitted`, `invalid`, `tenant_not_found`, `account_being_removed`, `platform_unavailable`
 *   if the tenant's platform is not configured, `store_unavailable`
 */
export function createAccount(
  dir: Directory,
  ctx: Context,
  request: { tenantId: string; account: NewAccount; lease?: LeaseTerms },
): Promise<{ account: Account; credential: Credential | null }> {
  const { tenantId, account, lease } = request
  return runUnit(dir, ctx, { operation: 'CreateAccount', target: tenantId }, async (unit) => {
    assertValid(checkNewAccount(account))
    const tenant = await getReachableTenant(unit, tenantId)
    const organization = tenant.organizationId
    const orgUser = { orgId: account.orgId, id: account.orgUserId }
    const existing = await selectAccountOfOrgUser(unit.tx, tenant.pk, orgUser)
    if (existing) {
      await unit.audit({ outcome: 'repeated', organization, target: existing.userId })
      return { account: existing, credential: null }
    }
    if (await isBeingRemoved(unit.tx, tenant.pk, orgUser)) throw beingRemoved()
    const owner = (await findOwner(unit, tenant, account)) ?? (await createOwner(unit, tenant, account))
    const { pk, credential } = await openAccount(dir, unit, { tenant, owner, account, lease })
    if (owner.linked) {
      await unit.audit({ operation: 'LinkAccount', outcome: 'linked', organization, target: owner.id })
    } else {
      await unit.audit({
        outcome: 'created',
        organization,
        target: owner.id,
        changedFields: contentOf(account),
      })
    }
    return { account: (await selectAccountByPk(unit.tx, pk)) as Account, credential }
  })
}

/** Data may yet keep the old account where it is, and then there would be two. */
function beingRemoved(): DirectoryError {
  const message = "The removal of this user's account is not finished; repeat the call."
  return new DirectoryError('account_being_removed', message)
}

interface Owner {
  readonly pk: number
  readonly id: string
  readonly linked: boolean
}

/** The user of the customer whose account this is, judging by the e-mail. */
async function findOwner(unit: Unit, tenant: Tenant, { email }: NewAccount): Promise<Owner | undefined> {
  const { tx, now } = unit
  const user = email === null ? undefined : await selectUserByEmail(tx, tenant.organizationPk, email)
  if (!user || (await hasAccount(tx, user.pk, tenant.platform))) return undefined
  // A change of the user, so that one who is deleted at this moment is not given an account behind the deletion's back.
  await touchUser(tx, user.pk, now)
  return { pk: user.pk, id: user.id, linked: true }
}

/** A new user. An e-mail that another user of the customer holds stays on the account alone: orgs may share it, users not. */
async function createOwner(unit: Unit, tenant: Tenant, account: NewAccount): Promise<Owner> {
  const user = {
    id: newId(),
    organizationPk: tenant.organizationPk,
    resellerPk: null,
    firstName: null,
    lastName: null,
    now: unit.now,
  }
  const pk =
    (await insertUser(unit.tx, { ...user, email: account.email })) ??
    (await insertUser(unit.tx, { ...user, email: null }))
  return { pk: pk as number, id: user.id, linked: false }
}

interface Opening {
  readonly tenant: Tenant
  readonly owner: Owner
  readonly account: NewAccount
  readonly lease: LeaseTerms | undefined
}

async function openAccount(
  dir: Directory,
  unit: Unit,
  { tenant, owner, account, lease }: Opening,
): Promise<{ pk: number; credential: Credential }> {
  const pk = await insertAccount(unit.tx, {
    tenant: tenant.pk,
    user: owner.pk,
    madeUser: !owner.linked,
    platform: tenant.platform,
    canonicalUserId: getOwnerForm(dir, tenant).toCanonicalId({ tenantId: tenant.id, userId: owner.id }),
    orgId: account.orgId,
    orgUserId: account.orgUserId,
    // The wire wants a name in every answer; a nameless user is known by its id.
    username: account.username ?? account.orgUserId,
    email: account.email,
    role: account.role,
    active: account.active,
    lease: lease && newLease(lease, new Date(unit.now)),
    now: unit.now,
  })
  return { pk, credential: await issueCredential(dir, unit, pk) }
}

/** Without the platform's settings the id that it will show is unknown, and the id of an account never changes. */
function getOwnerForm(dir: Directory, { platform }: Tenant): OwnerForm {
  const form = dir.ownerForms.get(platform)
  if (form) return form
  throw new DirectoryError('platform_unavailable', `The platform ${platform} is not configured.`)
}

function contentOf(account: NewAccount): string[] {
  const fields = ['orgId', 'orgUserId', 'role', 'active']
  if (account.username !== null) fields.push('username')
  if (account.email !== null) fields.push('email')
  return fields
}

/** @throws {DirectoryError} `user_not_found`, also for a user of another provider's tenant */
export function getAccount(dir: Directory, ctx: Context, ids: AccountIds): Promise<Account> {
  return runRead(dir, ctx, 'GetAccount', (scope) => getReachableAccount(scope, ids))
}

/** One page of the accounts that match, oldest first, with the exact number of all of them. */
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
 * The account that the platform shows under an id, for example as the owner of a bucket.
 * @throws {DirectoryError} `user_not_found`
 */
export function getAccountByCanonicalId(dir: Directory, ctx: Context, canonicalId: string): Promise<Account> {
  return runRead(dir, ctx, 'GetAccountByCanonicalId', async (scope) => {
    const account = await findAccountByCanonicalId(scope, canonicalId)
    if (account) return account
    throw new DirectoryError('user_not_found', `There is no user with the canonical id ${canonicalId}.`)
  })
}

/** Accounts on one platform, by the ids that the platform knows. */
export interface PlatformAccounts {
  readonly platform: string
  readonly canonicalIds: readonly string[]
}

/**
 * Lists the accounts whose usage a caller asks for.
 * @param of one user's of a tenant, all of a tenant's, or, without a tenant, everything on the platform
 * @returns null for everything on the platform
 * @throws {DirectoryError} `not_permitted`, `tenant_not_found`, `user_not_found`, `store_unavailable`
 */
export function listMeasuredAccounts(
  dir: Directory,
  ctx: Context,
  of: { tenantId?: string | undefined; userId?: string | undefined },
): Promise<PlatformAccounts | null> {
  const { tenantId, userId } = of
  return runRead(dir, ctx, 'GetUsage', async (scope) => {
    if (tenantId === undefined) return null
    if (userId === undefined) return listAccountsOfTenant(scope, await getReachableTenant(scope, tenantId))
    const { platform, canonicalUserId } = await getReachableAccount(scope, { tenantId, userId })
    return { platform, canonicalIds: [canonicalUserId] }
  })
}

/**
 * Lists the accounts whose buckets a caller asks for: all of a tenant.
 * @returns null for an unknown tenant
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function listBucketOwners(
  dir: Directory,
  ctx: Context,
  tenantId: string,
): Promise<PlatformAccounts | null> {
  return runRead(dir, ctx, 'ListBuckets', async (scope) => {
    const tenant = await findReachableTenant(scope, tenantId)
    return tenant ? listAccountsOfTenant(scope, tenant) : null
  })
}

async function listAccountsOfTenant({ tx }: Scope, { pk, platform }: Tenant): Promise<PlatformAccounts> {
  return { platform, canonicalIds: await selectCanonicalIds(tx, pk) }
}

/**
 * Activates or suspends an account. Its credentials keep their own status: one works while both are active.
 *
 * The new state is wanted from now on; whoever needs it on the platform settles it.
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
    if (account.active === active) {
      await unit.audit({ outcome: 'repeated', organization })
      return account
    }
    await updateAccountActive(unit.tx, account.pk, { active, now: unit.now })
    await unit.audit({ outcome: 'updated', organization, changedFields: ['active'] })
    return (await selectAccountByPk(unit.tx, account.pk)) as Account
  })
}

/**
 * Deletes an account: hidden from now on, and gone from the platform once it is settled. Without `purge` the
 * platform keeps an account that owns data, and so does the directory then.
 * @returns what there is to be settled; undefined when there is no such account any more
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function deleteAccount(
  dir: Directory,
  ctx: Context,
  request: AccountIds & { purge: boolean },
): Promise<Account | undefined> {
  return runUnit(dir, ctx, { operation: 'DeleteAccount', target: request.userId }, async (unit) => {
    const found = await findAccountIncludingRemoved(unit, request)
    if (!found || (!found.exists && isApplied(found.account))) return undefined
    const { account, exists } = found
    const { purge } = request
    // A removal under way is joined, and made a purge if it was none.
    if (!exists && !purge) return account
    await markAccountRemoved(unit.tx, account.pk, { purge, now: unit.now })
    await unit.audit({
      outcome: 'deleted',
      organization: await findCustomerId(unit.tx, account),
      changedFields: purge ? ['deletedAt', 'data'] : ['deletedAt'],
    })
    return (await selectAccountByPk(unit.tx, account.pk)) as Account
  })
}

function isApplied(account: Account): boolean {
  return account.appliedVersion >= account.desiredVersion
}
