import type { Cause } from './causes.ts'
import { checkEmail } from './email.ts'
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

/** A user's presence on a platform: the desired state, and the version of it that has been applied. */
export interface Account {
  readonly pk: number
  readonly providerPk: number
  readonly tenantPk: number
  readonly tenantId: string
  readonly userPk: number
  readonly userId: string
  readonly platform: string
  /** The owner of buckets and objects, as the platform names it. */
  readonly canonicalUserId: string
  /**
   * The ids that Cloud Director gave to the org and to the user in it. For an account without Cloud Director the org is
   * empty, and the id of the user stands in for the other id and the name.
   */
  readonly orgId: string
  readonly orgUserId: string
  readonly username: string
  readonly email: string | null
  readonly role: AccountRole
  /** The account's own status. */
  readonly enabled: boolean
  /** Whether the account works: it, its person and its customer are active. */
  readonly active: boolean
  readonly desiredVersion: number
  /** The desired version that the platform was last seen to have; 0 for none. */
  readonly appliedVersion: number
  /** ISO 8601, UTC. */
  readonly createdAt: string
}

/**
 * An account to create: the Cloud Director user that it is for. The ids are opaque: they are compared exactly and kept
 * as received.
 */
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
  /** Splits a canonical id into its parts. Returns undefined for an id of another form. */
  fromCanonicalId(canonicalId: string): { tenantId: string; userId: string } | undefined
}

/** Why an account does not work although it exists. */
export const INACTIVE_REASONS = [
  'customer_deleted',
  'customer_suspended',
  'user_deleted',
  'user_suspended',
  'account_suspended',
] as const
export type InactiveReason = (typeof INACTIVE_REASONS)[number]

/** What the platform must have of an account, and whether it has it: it failed if the account is parked. */
export const ACCOUNT_STATES = ['active', 'suspended', 'removed'] as const
export const PLATFORM_STATES = ['applied', 'pending', 'failed'] as const

/** What a person has on one platform. */
export interface PersonAccount {
  readonly pk: number
  readonly platform: string
  readonly tenantId: string
  readonly canonicalUserId: string
  /** The ids that Cloud Director has of it; null for an account without Cloud Director. */
  readonly orgId: string | null
  readonly orgUserId: string | null
  readonly username: string | null
  readonly state: (typeof ACCOUNT_STATES)[number]
  /** Why a suspended account is suspended; null for other states. */
  readonly reason: InactiveReason | null
  readonly platformState: (typeof PLATFORM_STATES)[number]
  /** Why the last attempt to apply it failed, for operators: it may name parts of the platform. */
  readonly error: string | null
  /** Why the last attempt failed; null if it did not. */
  readonly cause: Cause | null
  /** The attempts since its desired state last changed or was applied, and when the next one is due, ISO 8601. */
  readonly attempts: number
  readonly dueAt: string
  /** When it was parked, ISO 8601: it is then tried once an hour. Null if it is not. */
  readonly parkedAt: string | null
  /** The account's own status. */
  readonly enabled: boolean
  /** How many keys it has. */
  readonly credentials: number
  /** When its desired state last changed, ISO 8601. */
  readonly changedAt: string
  readonly desiredVersion: number
  readonly appliedVersion: number
}

/** What became of an account that a person has, or has had. */
export interface AccountRemoval {
  readonly pk: number
  readonly platform: string
  readonly canonicalUserId: string
  /** `kept`: it exists, because it was never removed, or because it owns data. */
  readonly state: 'kept' | 'removing' | 'removed'
  /** Whether the removal deletes its data too. */
  readonly isPurged: boolean
  /** When the removal was recorded, ISO 8601; null for one that is kept. */
  readonly toldAt: string | null
  /** When the platform was seen not to have it, ISO 8601; null until then, and for removals before this was kept. */
  readonly goneAt: string | null
  /** Why the last attempt failed; null if it did not. */
  readonly error: string | null
  readonly cause: Cause | null
  /** How many of its keys are gone, and how many there still are. */
  readonly removedKeys: number
  readonly keys: number
}

/** Where the people of a customer get accounts, although Cloud Director does not name them. */
export interface AccountPlace {
  readonly tenantPk: number
  readonly tenantId: string
  readonly platform: string
  readonly ownerForm: OwnerForm
}

/**
 * Checks a new account by the rules that hold for every caller.
 * @returns one issue for each rule that is broken; `path` is the name of the member
 */
export function checkNewAccount(account: NewAccount): Issue[] {
  return [
    ...checkText('orgId', account.orgId, { min: 1 }),
    ...checkText('orgUserId', account.orgUserId, { min: 1 }),
    ...checkText('username', account.username),
    ...checkEmail('email', account.email),
  ]
}
