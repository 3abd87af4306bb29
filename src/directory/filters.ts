import type { Account } from '../model/accounts.ts'
import { type Condition, whereEqual } from '../model/conditions.ts'
import type { Tenant } from '../model/tenants.ts'
import type { CredentialCriteria, CredentialFields } from '../store/accounts/credentials.ts'
import { type AccountCriteria, type AccountFields, hasAccountOfOrg } from '../store/accounts/queries.ts'
import { isOrgOfTenantNamed, selectTenantByOrg } from '../store/tables/tenants.ts'
import { findAccountsOfUser, findReachableTenant, getProviderPk, type Scope } from './reach.ts'

/** Which accounts a caller asks for, in the caller's ids. A member that is left out matches everything. */
export interface AccountFilter {
  readonly tenantId?: string | undefined
  readonly userId?: string | undefined
  readonly canonicalUserId?: string | undefined
  /** The id of a Cloud Director org or of a tenant: Object Storage Extension sends either. */
  readonly orgId?: string | undefined
  readonly orgUserId?: string | undefined
  readonly username?: string | undefined
  /**
   * A user name, or a user's id in the directory or in Cloud Director. If it is the name of the selected tenant, it
   * matches all accounts of that tenant.
   */
  readonly displayName?: string | undefined
  readonly active?: boolean | undefined
}

/** Translates a filter into primary keys. Returns undefined if it names something that does not exist. */
export async function resolveAccountFilter(
  scope: Scope,
  filter: AccountFilter,
): Promise<AccountCriteria | undefined> {
  const provider = getProviderPk(scope)
  const { userId, canonicalUserId, orgUserId, username, displayName, active } = filter
  const within = await findFilterScope(scope, filter)
  if (!within) return undefined
  const user = userId === undefined ? undefined : await findUserPk(scope, userId)
  if (userId !== undefined && user === undefined) return undefined
  const { tenant, orgId } = within
  const equal = { tenant, orgId, user, canonicalUserId, orgUserId, username, active }
  const tests: Condition<AccountFields>[] = [...whereEqual<AccountFields>(equal).all]
  if (displayName !== undefined && !(await isTenantName(scope, within, displayName)))
    tests.push(await toNamed(scope, displayName))
  return { provider, where: { all: tests } }
}

/** Returns the condition that an account has the text as its username, its Cloud Director user or its user's id. */
async function toNamed(scope: Scope, text: string): Promise<Condition<AccountFields>> {
  const user = await findUserPk(scope, text)
  const named: Condition<AccountFields>[] = [
    { field: 'username', is: text },
    { field: 'orgUserId', is: text },
  ]
  return { any: user === undefined ? named : [...named, { field: 'user', is: user }] }
}

/** Returns the primary key of a user who has an account. */
async function findUserPk(scope: Scope, userId: string): Promise<number | undefined> {
  return (await findAccountsOfUser(scope, userId))[0]?.userPk
}

/** The part of a provider that the tenant and the org of a filter select. */
interface FilterScope {
  readonly tenant?: number
  readonly tenantName?: string
  readonly orgId?: string
}

/** Finds the tenant and the org of a filter. Returns undefined if they do not exist or exclude each other. */
async function findFilterScope(
  scope: Scope,
  { tenantId, orgId }: Pick<AccountFilter, 'tenantId' | 'orgId'>,
): Promise<FilterScope | undefined> {
  const tenant = tenantId === undefined ? undefined : await findReachableTenant(scope, tenantId)
  if (tenantId !== undefined && !tenant) return undefined
  if (orgId === undefined) return toFilterScope(tenant)
  const alias = await findReachableTenant(scope, orgId)
  if (!alias || (await hasAccountOfOrg(scope.tx, getProviderPk(scope), orgId)))
    return { ...toFilterScope(tenant), orgId }
  return !tenant || tenant.pk === alias.pk ? toFilterScope(alias) : undefined
}

function toFilterScope(tenant: Tenant | undefined): FilterScope {
  return tenant ? { tenant: tenant.pk, tenantName: tenant.name } : {}
}

/**
 * Returns whether a text is the name of the selected tenant. The filter selects it with its id, or with an org that is
 * mapped to it.
 */
async function isTenantName(
  scope: Scope,
  { tenant, tenantName, orgId }: FilterScope,
  text: string,
): Promise<boolean> {
  if (tenant !== undefined || orgId === undefined) return text === tenantName
  return isOrgOfTenantNamed(scope.tx, getProviderPk(scope), orgId, text)
}

/** Which credentials a caller asks for, in the caller's ids. A member that is left out matches everything. */
export interface CredentialFilter {
  readonly tenantId?: string | undefined
  readonly userId?: string | undefined
  readonly accessKey?: string | undefined
  /** The id of a Cloud Director org or of a tenant: Object Storage Extension sends either. */
  readonly orgId?: string | undefined
  readonly orgUserId?: string | undefined
  readonly active?: boolean | undefined
}

/** Translates a filter into primary keys. Returns undefined if it names something that does not exist. */
export async function resolveCredentialFilter(
  scope: Scope,
  filter: CredentialFilter,
): Promise<CredentialCriteria | undefined> {
  const provider = getProviderPk(scope)
  const { userId, accessKey, orgUserId, active } = filter
  const within = await findFilterScope(scope, filter)
  if (!within) return undefined
  const accounts =
    userId === undefined
      ? undefined
      : (await findAccountsOfUser(scope, userId)).filter((one) => isOwner(one, { ...within, orgUserId }))
  if (accounts?.length === 0) return undefined
  const { tenant, orgId } = within
  // The accounts have been compared with what the filter says of the owner.
  const ofOwner: Condition<CredentialFields> = accounts
    ? { field: 'account', in: accounts.map(({ pk }) => pk) }
    : whereEqual({ tenant, orgId, orgUserId })
  return { provider, where: { all: [ofOwner, whereEqual<CredentialFields>({ accessKey, active })] } }
}

function isOwner(
  account: Account,
  { tenant, orgId, orgUserId }: FilterScope & Pick<CredentialFilter, 'orgUserId'>,
): boolean {
  return (
    (tenant === undefined || tenant === account.tenantPk) &&
    (orgId === undefined || orgId === account.orgId) &&
    (orgUserId === undefined || orgUserId === account.orgUserId)
  )
}

/** Which tenants a caller asks for. A member that is left out matches everything. */
export interface TenantFilter {
  readonly tenantId?: string | undefined
  /** The id of a mapped org or of the tenant: Object Storage Extension sends either. */
  readonly orgId?: string | undefined
}

/**
 * Finds the tenant that a filter selects. An org id is first looked for among the mapped orgs, then among the tenants
 * (section 6.4 of the contract of OSIS).
 * @param filter.prefer the platform whose tenant counts if an org is mapped on several
 * @returns the primary key of the tenant; null if there is none; undefined if the filter matches every tenant
 */
export async function resolveTenantFilter(
  scope: Scope,
  { tenantId, orgId, prefer }: TenantFilter & { prefer: string },
): Promise<number | null | undefined> {
  const provider = getProviderPk(scope)
  const byId = tenantId === undefined ? undefined : await findReachableTenant(scope, tenantId)
  if (tenantId !== undefined && !byId) return null
  if (orgId === undefined) return byId?.pk
  const byOrg =
    (await selectTenantByOrg(scope.tx, provider, { id: orgId, prefer })) ??
    (await findReachableTenant(scope, orgId))
  if (!byOrg || (byId && byId.pk !== byOrg.pk)) return null
  return byOrg.pk
}
