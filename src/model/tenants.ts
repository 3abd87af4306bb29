import { isEmail } from './email.ts'
import type { Issue } from './error.ts'
import { checkText } from './text.ts'

/** A customer's place on an object-storage platform. */
export interface Tenant {
  readonly pk: number
  /** `tenant_id` on the wire; ours, and never changed. */
  readonly id: string
  readonly organizationPk: number
  readonly organizationId: string
  readonly providerPk: number
  readonly platform: string
  readonly name: string
  /** Cloud Director org ids mapped onto the tenant, as received, in the order received. */
  readonly orgIds: readonly string[]
}

export interface NewTenant {
  readonly name: string
  readonly orgIds: readonly string[]
}

export const ACCOUNT_ROLES = [
  'PROVIDER_ADMIN',
  'TENANT_ADMIN',
  'TENANT_USER',
  'ANONYMOUS',
  'UNKNOWN',
] as const
export type AccountRole = (typeof ACCOUNT_ROLES)[number]

/** A user's presence on a platform: what is wanted, and how much of it has been applied. */
export interface Account {
  readonly pk: number
  readonly providerPk: number
  readonly tenantPk: number
  readonly tenantId: string
  readonly userPk: number
  readonly userId: string
  readonly platform: string
  readonly canonicalUserId: string
  readonly orgId: string
  readonly orgUserId: string
  readonly username: string
  readonly email: string | null
  readonly role: AccountRole
  readonly active: boolean
  readonly desiredVersion: number
  readonly appliedVersion: number
  readonly createdAt: string
}

/** What Cloud Director says of a user of one of its orgs. The ids are opaque, compared exactly and kept as received. */
export interface NewAccount {
  readonly orgId: string
  readonly orgUserId: string
  readonly username: string | null
  readonly email: string | null
  readonly role: AccountRole
  readonly active: boolean
}

/** One S3 access key of one account. */
export interface Credential {
  readonly accessKey: string
  readonly secretKey: string
  readonly active: boolean
  readonly createdAt: string
}

/** A credential with the account whose it is. */
export interface OwnedCredential extends Credential {
  readonly account: Account
}

/** The most credentials of one account. */
export const MAX_CREDENTIALS = 1_000

/** The id that a platform shows as the owner of buckets and objects: `tenant$user`. */
export function canonicalUserId(tenantId: string, userId: string): string {
  return `${tenantId}$${userId}`
}

/** The ids that a canonical one is made of; undefined for one that is not of this form. */
export function splitCanonicalId(id: string): { tenantId: string; userId: string } | undefined {
  const [tenantId, userId, ...more] = id.split('$')
  return tenantId && userId && more.length === 0 ? { tenantId, userId } : undefined
}

export function checkNewTenant(tenant: NewTenant): Issue[] {
  return [...checkText('name', tenant.name, { min: 1 }), ...checkOrgIds(tenant.orgIds)]
}

export function checkOrgIds(orgIds: readonly string[]): Issue[] {
  return orgIds.flatMap((id, i) => checkText(`cd_tenant_ids[${i}]`, id, { min: 1 }))
}

export function checkNewAccount(account: NewAccount): Issue[] {
  const issues = [
    ...checkText('cd_tenant_id', account.orgId, { min: 1 }),
    ...checkText('cd_user_id', account.orgUserId, { min: 1 }),
    ...checkText('username', account.username),
  ]
  if (account.email !== null) {
    issues.push(...checkText('email', account.email))
    if (!isEmail(account.email))
      issues.push({ path: 'email', rule: 'email', message: 'must be an e-mail address' })
  }
  return issues
}
