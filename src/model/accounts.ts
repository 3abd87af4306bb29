import { isEmail } from './email.ts'
import type { Issue } from './error.ts'
import { checkText } from './text.ts'

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

/** The id that a platform shows as the owner of buckets and objects: `tenant$user`. */
export function canonicalUserId(tenantId: string, userId: string): string {
  return `${tenantId}$${userId}`
}

/** The ids that a canonical one is made of; undefined for one that is not of this form. */
export function splitCanonicalId(id: string): { tenantId: string; userId: string } | undefined {
  const [tenantId, userId, ...more] = id.split('$')
  return tenantId && userId && more.length === 0 ? { tenantId, userId } : undefined
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
