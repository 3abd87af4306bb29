import type { CallerName } from './context.ts'

/** The name of each operation: in access rules, the audit log, metrics, logs and the API documents. */
export type Operation = Write | Read

type Write =
  | 'CreateUser'
  | 'DeleteUser'
  | 'CreateTenant'
  | 'UpdateTenant'
  | 'DeleteTenant'
  | 'MoveTenant'
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
  | 'IssueToken'
  | 'CreateRefreshToken'
  | 'RefreshToken'
  | 'RevokeRefreshToken'
  | 'RotateKey'
  | 'RotateSigningKey'
  | 'RestoreDirectory'
  | 'RetryAccounts'
  | 'ReapplyAccount'
  | 'SuspendForeignAccount'
  | 'AdoptCluster'
  | 'StopJob'
  | 'ResumeJob'

/**
 * Operations that leave an audit entry only when the caller may not run them; those of credentials also when they return
 * secrets.
 */
type Read =
  | 'ListUsers'
  | 'ListGroups'
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
  | 'ListRefreshTokens'
  | 'GetSetup'
  | 'ListSigningKeys'
  | 'ListOrganizations'
  | 'ListPortals'
  | 'ListClients'
  | 'ListFailures'
  | 'GetJob'
  | 'ListJobs'
  | 'CheckAccounts'
  | 'ListAudit'
  | 'VerifyAudit'

export type AuditStatus = 'Succeeded' | 'Failed'

/** A list before and after a change, and the difference. */
export interface ListChange {
  readonly before: readonly string[]
  readonly after: readonly string[]
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/** One entry of the audit log: who did what to which target, when, and with which outcome. */
export interface AuditEntry {
  readonly id: string
  /** ISO 8601, UTC, milliseconds. */
  readonly at: string
  readonly operation: Operation
  readonly status: AuditStatus
  /**
   * `created`, `repeated`, `replayed`, `restored`, `linked`, `related`, `updated`, `deleted`, `revoked`, `begun`,
   * `resealed`, `replaced`, `issued`, `read`, `retried`, `reapplied`; the error code for a refusal.
   */
  readonly outcome: string
  readonly caller: CallerName
  readonly portal: string | null
  /** The id of the organization that the operation was about; the caller's own if none was found before a refusal. */
  readonly organization: string | null
  /** The id of the user, tenant or other thing that the operation was about. */
  readonly target: string | null
  readonly correlationId: string
  /** The source address of the request; null for the command line, and for entries of Usher 0.1.0. */
  readonly address: string | null
  /** The names of the changed members, never their values, since the log outlives the people in it. */
  readonly changedFields: readonly string[]
  /**
   * For each member that holds a list of ids: the list before and after the change. OSIS has no versions, so one caller
   * can overwrite the change of another; this makes it visible.
   */
  readonly changes?: Readonly<Record<string, ListChange>>
}
