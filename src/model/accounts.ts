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

/**
 * How a platform names the owner of buckets and objects. The canonical id is stored with the account when it is
 * created, and never changes.
 */
export interface OwnerForm {
  toCanonicalId(ids: { readonly tenantId: string; readonly userId: string }): string
  /** Returns undefined for an id of another form. */
  fromCanonicalId(canonicalId: string): { tenantId: string; userId: string } | undefined
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
