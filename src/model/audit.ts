import type { CallerName } from './context.ts'

/** What can be done, by one name each, used in access rules, the audit log, metrics and logs. */
export type Operation = Write | Read

type Write =
  | 'CreateUser'
  | 'DeleteUser'
  | 'CreateTenant'
  | 'UpdateTenant'
  | 'DeleteTenant'
  | 'CreateAccount'
  | 'LinkAccount'
  | 'UpdateAccount'
  | 'DeleteAccount'
  | 'CreateCredential'
  | 'UpdateCredential'
  | 'DeleteCredential'
  | 'CreateOrganization'
  | 'DeleteOrganization'
  | 'RelateOrganization'
  | 'CreatePortal'
  | 'DeletePortal'
  | 'CreateClient'
  | 'DeleteClient'
  | 'CreateRefreshToken'
  | 'RevokeRefreshToken'
  | 'RotateKey'
  | 'RetryAccounts'
  | 'ReapplyAccount'
  | 'SuspendForeignAccount'

/** Audited only when refused. */
type Read =
  | 'ListTenants'
  | 'QueryTenants'
  | 'GetTenant'
  | 'HeadTenant'
  | 'ListAccounts'
  | 'QueryAccounts'
  | 'GetAccount'
  | 'GetAccountByCanonicalId'
  | 'HeadAccount'
  | 'ListCredentials'
  | 'QueryCredentials'
  | 'GetCredential'
  | 'GetUsage'
  | 'ListBuckets'
  | 'GetAnonymousUser'
  | 'GetConsole'
  | 'GetS3Capabilities'
  | 'GetInfo'
  | 'IssueToken'
  | 'RefreshToken'

export type AuditStatus = 'Succeeded' | 'Failed'

/** What a list held before and after a change, and the difference. */
export interface ListChange {
  readonly before: readonly string[]
  readonly after: readonly string[]
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/** Who did what to whom, when, under which correlation id, with which outcome and which fields changed. */
export interface AuditEntry {
  readonly id: string
  /** ISO 8601, UTC, milliseconds. */
  readonly at: string
  readonly operation: Operation
  readonly status: AuditStatus
  /** `created`, `repeated`, `replayed`, `restored`, `linked`, `related`, `updated`, `deleted`, `revoked`, `begun`, `resealed`, `retried`, `reapplied`; or, for a failed attempt, the error code. */
  readonly outcome: string
  readonly caller: CallerName
  readonly portal: string | null
  /** The id of the organization that the operation was about, or, where none was reached, of the caller's. */
  readonly organization: string | null
  /** The id of the user, tenant or other thing that the operation was about. */
  readonly target: string | null
  readonly correlationId: string
  /** The names of the changed members, never their values: the log outlives the people in it. */
  readonly changedFields: readonly string[]
  /** For lists of ids that are replaced as a whole, by member: the wire knows no versions, so a lost update shows here. */
  readonly changes?: Readonly<Record<string, ListChange>>
}
