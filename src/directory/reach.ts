import type { Account } from '../model/accounts.ts'
import type { Client } from '../model/clients.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import { foldId, isUuid } from '../model/ids.ts'
import type { Organization, OrganizationKind } from '../model/organizations.ts'
import type { Tenant } from '../model/tenants.ts'
import type { User } from '../model/users.ts'
import {
  selectAccount,
  selectAccountByCanonicalId,
  selectAccountIncludingRemoved,
  selectAccountsOfUser,
} from '../store/accounts/accounts.ts'
import type { Tx, UserArea } from '../store/port.ts'
import { selectClient } from '../store/tables/clients.ts'
import {
  isRelated,
  selectOrganization,
  selectOrganizationByPk,
  selectOrganizationIncludingDeleted,
} from '../store/tables/organizations.ts'
import { selectTenant, selectTenantIncludingRemoved } from '../store/tables/tenants.ts'
import { selectUsersInArea, type UserState } from '../store/tables/users-in-area.ts'
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
  const isWithin = await isReachable(scope, found)
  if (found && isWithin && (kind ?? found.kind) === found.kind) return found
  const what = kind === 'customer' || kind === 'reseller' ? kind : 'organization'
  throw new DirectoryError(`${what}_not_found`, `There is no ${kind ?? 'organization'} with the id ${id}.`)
}

/**
 * Refuses a call in the context of a reseller that names another one. It comes before every look-up, so that the
 * response does not say whether that other one exists.
 * @throws {DirectoryError} `reseller_not_own`
 */
export function assertOwnReseller({ organization }: Context, id: string | undefined): void {
  if (organization.kind === 'reseller' && id !== undefined && foldId(id) !== organization.id)
    throw new DirectoryError('reseller_not_own', 'A reseller acts in its own context only.')
}

/**
 * Returns the reseller in whose context a call acts: the one that the caller names, or the calling reseller.
 * @param request.customer the customer that the call is about; a provider gets `reseller_not_related` without a
 *   relation
 * @returns null when the provider or the customer itself acts
 * @throws {DirectoryError} `reseller_not_found`, `reseller_not_own`, `reseller_not_related`
 */
export async function getReseller(
  { tx, ctx }: Scope,
  request: { id: string | undefined; customer?: Organization },
): Promise<Organization | null> {
  assertOwnReseller(ctx, request.id)
  const own = ctx.organization
  if (own.kind === 'reseller') return own
  if (request.id === undefined) return null
  const reseller = await selectOrganization(tx, foldId(request.id))
  const customer = own.kind === 'customer' ? own : request.customer
  const isRelatedTo = !customer || (await isRelated(tx, customer.pk, reseller?.pk ?? 0))
  const isKnown = reseller?.kind === 'reseller' && reseller.providerPk === own.providerPk
  // A customer does not learn which other resellers exist.
  if (!isKnown || (own.kind === 'customer' && !isRelatedTo))
    throw new DirectoryError('reseller_not_found', `There is no reseller with the id ${request.id}.`)
  if (!isRelatedTo)
    throw new DirectoryError('reseller_not_related', 'The customer has no relation with that reseller.')
  return reseller
}

/**
 * Returns the provider above the organization of the context.
 * @throws {Error} if there is none
 */
export async function getProvider({ tx, ctx }: Pick<Scope, 'tx' | 'ctx'>): Promise<Organization> {
  const { kind, providerPk } = ctx.organization
  const provider = kind === 'provider' ? ctx.organization : await selectOrganizationByPk(tx, providerPk)
  if (!provider) throw new Error('the organization of the context has no provider')
  return provider
}

/**
 * Returns whether an organization is the one of the context, or lies below it.
 * @param other undefined for one that does not exist: it needs the same look-ups as one out of reach
 */
export async function isReachable(
  { tx, ctx, reach }: Scope,
  other: Organization | undefined,
): Promise<boolean> {
  if (reach !== 'below') return reach === 'directory'
  const own = ctx.organization
  if (other?.pk === own.pk) return true
  if (own.kind === 'provider') return other?.providerPk === own.pk
  return own.kind === 'reseller' && isRelated(tx, other?.pk ?? 0, own.pk)
}

/** A user as callers name them. */
export interface UserRef {
  /** The id of the user, or their e-mail, compared without case. */
  readonly user: string
  /** Only a user in the context of this reseller. A calling reseller may leave out its own id. */
  readonly resellerId?: string | undefined
  /** Only a user of this organization. An organization of another kind is reported as missing. */
  readonly organization?: { readonly id: string; readonly kind?: OrganizationKind } | undefined
}

/** A user with the organization that they belong to. */
export interface ReachableUser {
  readonly user: User
  readonly organization: Organization
}

/**
 * Returns an organization whose clients are in reach: any below a provider; otherwise the caller's own alone.
 * @throws {DirectoryError} `organization_not_found`
 */
export async function getClientOwner(scope: Scope, id: string): Promise<Organization> {
  const own = scope.ctx.organization
  if (own.kind === 'provider') return getReachableOrganization(scope, { id })
  if (own.id === foldId(id)) return own
  throw new DirectoryError('organization_not_found', `There is no organization with the id ${id}.`)
}

/** Returns a client whose organization is in reach, as in `getClientOwner`; undefined for others. */
export async function findReachableClient({ tx, ctx }: Scope, id: string): Promise<Client | undefined> {
  const own = ctx.organization
  const client = await selectClient(tx, foldId(id))
  const owner = own.kind === 'provider' ? client?.organization.providerPk : client?.organization.pk
  return owner === own.pk ? client : undefined
}

/**
 * Returns a client whose organization is in reach, as in `getClientOwner`.
 * @throws {DirectoryError} `client_not_found`
 */
export async function getReachableClient(scope: Scope, id: string): Promise<Client> {
  const client = await findReachableClient(scope, id)
  if (client) return client
  throw new DirectoryError('client_not_found', `There is no client with the id ${id}.`)
}

/**
 * Returns a user within reach. A user in the context of another reseller is not.
 * @param state which users count; `live` when left out
 * @throws {DirectoryError} `user_not_found`; `email_ambiguous` if several users have the e-mail; `reseller_not_found`,
 *   `reseller_not_own`, `customer_not_found`, `organization_not_found` for what narrows the search
 */
export async function getReachableUser(
  scope: Scope,
  ref: UserRef,
  state: UserState = 'live',
): Promise<ReachableUser> {
  const area = await getUserArea(scope, ref)
  const named = isUuid(ref.user) ? { id: foldId(ref.user) } : { email: ref.user }
  const found = await selectUsersInArea(scope.tx, area, { ...named, state, limit: 2 })
  const [user] = found
  if (found.length > 1) throw emailAmbiguous()
  const organization = user && (await selectOrganizationByPk(scope.tx, user.organizationPk))
  if (user && organization) return { user, organization }
  const what = 'id' in named ? 'id' : 'e-mail address'
  const kind = state === 'deleted' ? 'deleted user' : 'user'
  throw new DirectoryError('user_not_found', `There is no ${kind} with the ${what} ${ref.user}.`)
}

/**
 * Returns a user within reach, deleted or not; also of a customer that was deleted.
 * @throws {DirectoryError} `user_not_found`
 */
export async function getUserOfAnyState(scope: Scope, id: string): Promise<ReachableUser> {
  const area = { ...(await getUserArea(scope, {})), ofDeleted: true }
  const [user] = await selectUsersInArea(scope.tx, area, { id: foldId(id), state: 'any', limit: 1 })
  const organization = user && (await selectOrganizationIncludingDeleted(scope.tx, user.organizationPk))
  if (user && organization) return { user, organization }
  throw new DirectoryError('user_not_found', `There is no user with the id ${id}.`)
}

/** Returns whether a live user is within reach. */
export async function isUserInReach(scope: Scope, id: string): Promise<boolean> {
  const area = await getUserArea(scope, {})
  return (await selectUsersInArea(scope.tx, area, { id, state: 'live', limit: 1 })).length > 0
}

function emailAmbiguous(): DirectoryError {
  const message =
    'must say which user is meant: several have this e-mail address; or send the id of the user instead'
  return new DirectoryError('email_ambiguous', 'Several users have this e-mail address.', {
    issues: [{ path: 'customerId', rule: 'ambiguous', message }],
  })
}

/**
 * Returns the users that a call reaches: those of the context, narrowed by what the caller names.
 * @throws {DirectoryError} `reseller_not_found`, `reseller_not_own`, `customer_not_found`, `organization_not_found`
 */
export async function getUserArea(scope: Scope, narrow: Omit<UserRef, 'user'>): Promise<UserArea> {
  const { ctx, reach } = scope
  if (reach !== 'below') throw new Error(`an operation with the reach ${reach} looks for users`)
  const { kind, pk, providerPk } = ctx.organization
  const reseller = await getReseller(scope, { id: narrow.resellerId })
  const organization = narrow.organization && (await getReachableOrganization(scope, narrow.organization))
  return {
    providerPk,
    organizationPk: organization?.pk ?? (kind === 'customer' ? pk : undefined),
    resellerPk: reseller?.pk,
  }
}

/** Returns the user within reach of an organization who had this e-mail, compared without case, and was deleted last. */
export async function findDeletedUser(
  scope: Scope,
  { organization, email }: { organization: Pick<Organization, 'pk'>; email: string },
): Promise<User | undefined> {
  const area = { ...(await getUserArea(scope, {})), organizationPk: organization.pk }
  const [user] = await selectUsersInArea(scope.tx, area, { email, state: 'deleted', limit: 1 })
  return user
}

/** Returns the id of the reseller in whose context a user is, for views; a reseller's own users are in its context. */
export async function findResellerId(
  { tx }: Scope,
  { user, organization }: ReachableUser,
): Promise<string | null> {
  if (organization.kind === 'reseller') return organization.id
  const reseller = user.resellerPk === null ? undefined : await selectOrganizationByPk(tx, user.resellerPk)
  return reseller?.id ?? null
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
