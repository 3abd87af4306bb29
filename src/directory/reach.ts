import type { Account } from '../model/accounts.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import { foldId } from '../model/ids.ts'
import type { Organization, OrganizationKind } from '../model/organizations.ts'
import type { Tenant } from '../model/tenants.ts'
import type { User } from '../model/users.ts'
import {
  selectAccount,
  selectAccountByCanonicalId,
  selectAccountIncludingRemoved,
  selectAccountsOfUser,
} from '../store/accounts/accounts.ts'
import type { Tx } from '../store/port.ts'
import { isRelated, selectOrganization, selectOrganizationByPk } from '../store/tables/organizations.ts'
import { selectTenant, selectTenantIncludingRemoved } from '../store/tables/tenants.ts'
import { selectUser } from '../store/tables/users.ts'
import type { Reach } from './access.ts'

// All look-ups of organizations, users, tenants and accounts with an id from a caller are in this file. Each applies
// the reach of the running operation: an object out of reach is reported exactly like one that does not exist. The ids
// are folded here, so callers may send UUIDs in either letter case.

/** One running operation: its transaction, the context of its caller, and its reach according to the access table. */
export interface Scope {
  readonly tx: Tx
  readonly ctx: Context
  readonly reach: Reach
}

/** The ids by which callers name an account. */
export interface AccountIds {
  readonly tenantId: string
  readonly userId: string
}

/**
 * Returns an organization within reach.
 * @param request.kind an organization of another kind is reported as missing
 * @throws {DirectoryError} `customer_not_found`, `reseller_not_found` or `organization_not_found`, depending on
 *   the kind
 */
export async function getReachableOrganization(
  scope: Scope,
  request: { id: string; kind?: OrganizationKind | undefined },
): Promise<Organization> {
  const { id, kind } = request
  const found = await selectOrganization(scope.tx, foldId(id))
  if (found && (kind ?? found.kind) === found.kind && (await isReachable(scope, found))) return found
  const what = kind === 'customer' || kind === 'reseller' ? kind : 'organization'
  throw new DirectoryError(`${what}_not_found`, `There is no ${kind ?? 'organization'} with the id ${id}.`)
}

/**
 * Returns the reseller for which a customer's users are managed: the one that the caller names, or the calling
 * reseller.
 * @param request.id undefined when the caller named none
 * @returns null when the provider or the customer itself acts
 * @throws {DirectoryError} `reseller_not_found`, `reseller_not_own`, `reseller_not_related`
 */
export async function getReseller(
  { tx, ctx }: Scope,
  request: { id: string | undefined; customer: Organization },
): Promise<Organization | null> {
  const own = ctx.organization
  if (request.id === undefined) return own.kind === 'reseller' ? own : null
  const reseller = await selectOrganization(tx, foldId(request.id))
  if (reseller?.kind !== 'reseller' || reseller.providerPk !== own.providerPk)
    throw new DirectoryError('reseller_not_found', `There is no reseller with the id ${request.id}.`)
  if (own.kind === 'reseller' && reseller.pk !== own.pk)
    throw new DirectoryError('reseller_not_own', 'A reseller acts in its own context only.')
  if (!(await isRelated(tx, request.customer.pk, reseller.pk)))
    throw new DirectoryError('reseller_not_related', 'The customer has no relation with that reseller.')
  return reseller
}

/** Returns whether an organization is the one of the context, or lies below it. */
async function isReachable({ tx, ctx, reach }: Scope, other: Organization): Promise<boolean> {
  if (reach !== 'below') return reach === 'directory'
  const own = ctx.organization
  if (other.pk === own.pk) return true
  if (own.kind === 'provider') return other.providerPk === own.pk
  return own.kind === 'reseller' && isRelated(tx, other.pk, own.pk)
}

/**
 * Returns a user who has not been deleted, with their organization.
 * @throws {DirectoryError} `user_not_found`
 */
export async function getReachableUser(
  scope: Scope,
  id: string,
): Promise<{ user: User; organization: Organization }> {
  const user = await selectUser(scope.tx, foldId(id))
  if (user?.deletedAt === null) {
    const organization = await selectOrganizationByPk(scope.tx, user.organizationPk)
    if (organization && (await isReachable(scope, organization))) return { user, organization }
  }
  throw new DirectoryError('user_not_found', `There is no user with the id ${id}.`)
}

/**
 * Returns the primary key of the provider whose tenants and accounts are in reach.
 * @throws {Error} when the access rule lets organizations run the operation that are not providers
 */
export function getProviderPk({ ctx, reach }: Scope): number {
  const { organization } = ctx
  if (reach === 'below' && organization.kind === 'provider') return organization.pk
  throw new Error(`an operation with the reach ${reach} of a ${organization.kind} looks for tenants`)
}

/** Returns a tenant within reach, or undefined. */
export async function findReachableTenant(scope: Scope, id: string): Promise<Tenant | undefined> {
  return selectTenant(scope.tx, getProviderPk(scope), id)
}

/**
 * Returns a tenant within reach.
 * @throws {DirectoryError} `tenant_not_found`
 */
export async function getReachableTenant(scope: Scope, id: string): Promise<Tenant> {
  const tenant = await findReachableTenant(scope, id)
  if (!tenant) throw new DirectoryError('tenant_not_found', `There is no tenant with the id ${id}.`)
  return tenant
}

/** Returns a tenant within reach; also a deleted tenant, as long as its removal has not ended. */
export async function findTenantIncludingRemoved(
  scope: Scope,
  id: string,
): Promise<{ tenant: Tenant; deleted: boolean } | undefined> {
  return selectTenantIncludingRemoved(scope.tx, getProviderPk(scope), id)
}

/** A tenant id keeps its case: it is not a UUID. */
function foldIds({ tenantId, userId }: AccountIds): AccountIds {
  return { tenantId, userId: foldId(userId) }
}

/**
 * Returns an account within reach.
 * @throws {DirectoryError} `user_not_found`
 */
export async function getReachableAccount(scope: Scope, ids: AccountIds): Promise<Account> {
  const account = await selectAccount(scope.tx, getProviderPk(scope), foldIds(ids))
  if (account) return account
  throw accountNotFound(ids)
}

/** Makes the refusal of a call that names an account which does not exist, or is out of reach. */
export function accountNotFound({ tenantId, userId }: AccountIds): DirectoryError {
  const message = `There is no user with the id ${userId} in the tenant ${tenantId}.`
  return new DirectoryError('user_not_found', message)
}

/** Returns an account within reach, also a removed one. */
export async function findAccountIncludingRemoved(
  scope: Scope,
  ids: AccountIds,
): ReturnType<typeof selectAccountIncludingRemoved> {
  return selectAccountIncludingRemoved(scope.tx, getProviderPk(scope), foldIds(ids))
}

/** Returns the account within reach that has this canonical id on its platform, or undefined. */
export async function findAccountByCanonicalId(
  scope: Scope,
  canonicalId: string,
): Promise<Account | undefined> {
  return selectAccountByCanonicalId(scope.tx, getProviderPk(scope), canonicalId)
}

/** Returns the accounts of one user that are within reach: at most one in each tenant. */
export async function findAccountsOfUser(scope: Scope, userId: string): Promise<Account[]> {
  return selectAccountsOfUser(scope.tx, getProviderPk(scope), foldId(userId))
}

/**
 * Returns the id of the customer that an account belongs to, for the audit log; null once its tenant has been deleted.
 */
export async function findCustomerId(tx: Tx, account: Account): Promise<string | null> {
  return (await selectTenant(tx, account.providerPk, account.tenantId))?.organizationId ?? null
}
