import type { CallerName } from './context.ts'
import type { ErrorCode } from './error.ts'

/** Operations that change something, or leave an audit entry for another reason. */
const WRITES = [
  ...(['CreateUser', 'CreateResellerUser', 'CreateProviderUser', 'UpdateUser', 'DeleteUser'] as const),
  ...(['ImportUsers', 'UndoImport', 'EraseUser', 'SuspendUser', 'ResumeUser', 'RestoreUser'] as const),
  ...(['CreateTenant', 'UpdateTenant', 'DeleteTenant', 'MoveTenant', 'UpdateTenantAccounts'] as const),
  ...(['CreateAccounts', 'FollowOrganization', 'CreateUserAccount', 'UpdateUserAccount'] as const),
  ...(['DeleteUserAccount', 'CreateUserCredential', 'UpdateUserCredential'] as const),
  ...(['DeleteUserCredential', 'CreateAccount', 'LinkAccount', 'UpdateAccount', 'DeleteAccount'] as const),
  ...(['CreateCredential', 'UpdateCredential', 'DeleteCredential', 'CreateOrganization'] as const),
  ...(['DeleteOrganization', 'RelateOrganization', 'UnrelateOrganization', 'CreateCustomer'] as const),
  ...(['UpdateCustomer', 'UpdateCustomerIdentifier', 'DeleteCustomer', 'SuspendCustomer'] as const),
  ...(['ResumeCustomer', 'CreateReseller', 'UpdateReseller', 'UpdateResellerIdentifier'] as const),
  ...(['DeleteReseller', 'CreatePortal', 'UpdatePortal', 'DeletePortal', 'CreateClient'] as const),
  ...(['RotateClient', 'DeleteClient', 'SignIn', 'SignOut', 'EndSession', 'CreateSignInLink'] as const),
  ...(['DeleteSignInLink', 'BindIdentity', 'IssueToken', 'CreateRefreshToken', 'RefreshToken'] as const),
  ...(['RevokeRefreshToken', 'RotateKey', 'RotateSigningKey', 'RestoreDirectory'] as const),
  ...(['RetryAccounts', 'RetryUser', 'MendAccount', 'ReapplyAccount', 'SuspendForeignAccount'] as const),
  ...(['AdoptCluster', 'StopJob', 'CreateWebhook', 'DeleteWebhook', 'ReplayWebhook'] as const),
  ...(['TestWebhook', 'ResumeJob', 'ExportAudit', 'VerifyAudit'] as const),
] as const

/**
 * Operations that leave an audit entry only when the caller may not run them; those of credentials also when they
 * return secrets.
 */
const READS = [
  ...(['GetMe', 'ListSessions', 'ListPeople', 'GetUser', 'ListUsers', 'ListCustomerUsers'] as const),
  ...(['ListImports', 'ListGroups', 'FindObjects', 'ExplainUser', 'ExplainAccount'] as const),
  ...(['ExplainRequest', 'ExplainAccess', 'CompareAccount', 'ListTenants', 'QueryTenants'] as const),
  ...(['GetTenant', 'HeadTenant', 'GetCustomerTenant', 'ListUserCredentials', 'ListAccounts'] as const),
  ...(['QueryAccounts', 'GetAccount', 'GetAccountByCanonicalId', 'HeadAccount'] as const),
  ...(['ListCredentials', 'QueryCredentials', 'GetCredential', 'GetUsage', 'ListBuckets'] as const),
  ...(['GetAnonymousUser', 'GetConsole', 'GetS3Capabilities', 'GetInfo', 'ListRefreshTokens'] as const),
  ...(['GetSetup', 'ListSigningKeys', 'ListOrganizations', 'GetCustomer', 'ListCustomers'] as const),
  ...(['GetReseller', 'ListResellers', 'ListPortals', 'ListClients', 'GetClient'] as const),
  ...(['ListUnapplied', 'GetUserAccount', 'GetUserUsage', 'GetReceipt', 'GetJob', 'GetWebhook'] as const),
  ...(['ListWebhooks', 'ListDeadLetters', 'ListJobs', 'CheckAccounts', 'ListAudit'] as const),
  ...(['ListAuditLogs', 'ListTimeline'] as const),
] as const

/** The name of each operation: in access rules, the audit log, metrics, logs and the API documents. */
export const OPERATIONS = [...WRITES, ...READS] as const
export type Operation = (typeof OPERATIONS)[number]

export type AuditStatus = 'Succeeded' | 'Failed'

/** The status of an entry as lists of the portal show it: that of an account changes until the platform has it. */
export type LogStatus = AuditStatus | 'Processing'

/** The value of a member in an entry. */
export type AuditValue = string | number | boolean | null | readonly AuditValue[]

/** One changed member of the target. A list holds ids. */
export interface Change {
  readonly name: string
  readonly before: AuditValue
  readonly after: AuditValue
}

/**
 * A change whose values are encrypted with the key of a person. Without that key, they are lost. So the log keeps no
 * personal values of a person who was erased, and its hashes stay valid.
 */
export interface SealedChange {
  readonly name: string
  /** The id of the person, or of the organization whose contact the person is. */
  readonly person: string
  readonly sealed: string
}

/** A change as an entry holds it. */
export type RecordedChange = Change | SealedChange

/** Members with personal values. An entry holds their changes sealed. */
const PERSONAL_MEMBERS: ReadonlySet<string> = new Set([
  ...['firstName', 'middleName', 'lastName', 'email', 'phone', 'username', 'displayName', 'taxId'],
  ...['addressLine1', 'addressLine2', 'city', 'zip', 'zipCode'],
])

/** Returns whether the values of a member are personal: a name, an address, or another way to reach a person. */
export function isPersonal(name: string): boolean {
  return PERSONAL_MEMBERS.has(name)
}

/**
 * Compares two states of an object, for an audit entry.
 * @param after members that are missing did not change
 * @param names the members to compare; all of `after` when left out
 * @returns a change for each member that differs, in the order of `names`
 */
export function diff(before: object, after: object, names: readonly string[] = Object.keys(after)): Change[] {
  const [old, now] = [before, after] as [Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>]
  return names
    .filter((name) => now[name] !== undefined)
    .map((name) => ({ name, before: toValue(old[name]), after: toValue(now[name]) }))
    .filter((change) => JSON.stringify(change.before) !== JSON.stringify(change.after))
}

function toValue(value: unknown): AuditValue {
  return (value ?? null) as AuditValue
}

/** What the target of an entry can be, as far as a reader can follow it. */
export const TARGET_KINDS = ['user', 'organization', 'client', 'key'] as const
export type TargetKind = (typeof TARGET_KINDS)[number]

/** What a successful operation did, as a closed list. `repeated`: nothing, because it was so already. */
export const OUTCOMES = [
  ...(['created', 'repeated', 'replayed', 'restored', 'linked', 'related', 'unrelated', 'moved'] as const),
  ...([
    'updated',
    'suspended',
    'resumed',
    'deleted',
    'erased',
    'revoked',
    'begun',
    'ended',
    'stopped',
  ] as const),
  ...([
    'resealed',
    'replaced',
    'issued',
    'read',
    'retried',
    'reapplied',
    'exported',
    'rotated',
    'tested',
  ] as const),
  ...(['whole', 'damaged'] as const),
] as const

/** What became of an operation: what it did, or the code of the error that refused it. */
export type EntryOutcome = (typeof OUTCOMES)[number] | ErrorCode

/** One entry of the audit log: who did what to which target, when, and with which outcome. */
export interface AuditEntry {
  readonly id: string
  /** ISO 8601, UTC, milliseconds. */
  readonly at: string
  readonly operation: Operation
  readonly status: AuditStatus
  /** What became of the operation; the error code for a refusal. */
  readonly outcome: EntryOutcome
  readonly caller: CallerName
  readonly portal: string | null
  /** The id of the organization that the operation was about; the caller's own if none was found before a refusal. */
  readonly organization: string | null
  /** The id of the user, tenant or other thing that the operation was about. */
  readonly target: string | null
  readonly correlationId: string
  /** The source address of the request; null for the command line, and for entries of Usher 0.1.0. */
  readonly address: string | null
  /**
   * The id of the reseller in whose context the operation ran, or whose rows it was about; null for none. No other
   * reseller sees the entry.
   */
  readonly reseller: string | null
  /** The names of the changed members. */
  readonly changedFields: readonly string[]
  /** The changes of members; none for a create. OSIS has no versions: this shows what one caller overwrote. */
  readonly changes?: readonly RecordedChange[]
}
