import type { CallerName } from './context.ts'
import type { ErrorCode } from './error.ts'

/** Operations that change something, or leave an audit entry for another reason. */
export const WRITES = [
  'CreateUser',
  'CreateResellerUser',
  'CreateProviderUser',
  'UpdateUser',
  'DeleteUser',
  'ImportUsers',
  'UndoImport',
  'EraseUser',
  'SuspendUser',
  'ResumeUser',
  'RestoreUser',
  'CreateTenant',
  'UpdateTenant',
  'DeleteTenant',
  'MoveTenant',
  'UpdateTenantAccounts',
  'CreateAccounts',
  'FollowOrganization',
  'CreateUserAccount',
  'UpdateUserAccount',
  'DeleteUserAccount',
  'CreateUserCredential',
  'UpdateUserCredential',
  'DeleteUserCredential',
  'CreateAccount',
  'LinkAccount',
  'UpdateAccount',
  'DeleteAccount',
  'CreateCredential',
  'UpdateCredential',
  'DeleteCredential',
  'CreateOrganization',
  'DeleteOrganization',
  'RelateOrganization',
  'UnrelateOrganization',
  'CreateCustomer',
  'UpdateCustomer',
  'UpdateCustomerIdentifier',
  'DeleteCustomer',
  'SuspendCustomer',
  'ResumeCustomer',
  'CreateReseller',
  'UpdateReseller',
  'UpdateResellerIdentifier',
  'DeleteReseller',
  'CreatePortal',
  'UpdatePortal',
  'DeletePortal',
  'CreateClient',
  'RotateClient',
  'DeleteClient',
  'SignIn',
  'SignOut',
  'EndSession',
  'CreateSignInLink',
  'DeleteSignInLink',
  'BindIdentity',
  'IssueToken',
  'CreateRefreshToken',
  'RefreshToken',
  'RevokeRefreshToken',
  'RotateKey',
  'RotateSigningKey',
  'RestoreDirectory',
  'RetryAccounts',
  'RetryUser',
  'MendAccount',
  'ReapplyAccount',
  'SuspendForeignAccount',
  'AdoptCluster',
  'StopJob',
  'CreateWebhook',
  'UpdateWebhook',
  'DeleteWebhook',
  'ReplayWebhook',
  'RotateWebhook',
  'TestWebhook',
  'ResumeJob',
  'ExportAudit',
  'VerifyAudit',
] as const

/** Operations that leave an audit entry only when the caller may not run them, except for `RECORDED_READS`. */
const READS = [
  'GetMe',
  'ListSessions',
  'ListPeople',
  'GetUser',
  'ListUsers',
  'ListCustomerUsers',
  'ListImports',
  'ListGroups',
  'FindObjects',
  'ExplainUser',
  'ExplainAccount',
  'ExplainRequest',
  'ExplainAccess',
  'CompareAccount',
  'ListTenants',
  'QueryTenants',
  'GetTenant',
  'HeadTenant',
  'GetCustomerTenant',
  'ListUserCredentials',
  'ListAccounts',
  'QueryAccounts',
  'GetAccount',
  'GetAccountByCanonicalId',
  'HeadAccount',
  'ListCredentials',
  'QueryCredentials',
  'GetCredential',
  'GetUsage',
  'ListBuckets',
  'GetAnonymousUser',
  'GetConsole',
  'GetS3Capabilities',
  'GetInfo',
  'ListRefreshTokens',
  'GetSetup',
  'ListSigningKeys',
  'ListOrganizations',
  'GetCustomer',
  'ListCustomers',
  'GetReseller',
  'ListResellers',
  'ListPortals',
  'ListClients',
  'GetClient',
  'ListUnapplied',
  'GetUserAccount',
  'GetUserUsage',
  'GetReceipt',
  'GetJob',
  'GetWebhook',
  'ListWebhooks',
  'ListDeadLetters',
  'ListJobs',
  'CheckAccounts',
  'ListAudit',
  'ListAuditLogs',
  'ListTimeline',
] as const

/** Reads that leave an audit entry also when they succeed, because they return secrets. */
export const RECORDED_READS = [
  'GetCredential',
  'ListCredentials',
  'QueryCredentials',
] as const satisfies readonly (typeof READS)[number][]
export type RecordedRead = (typeof RECORDED_READS)[number]

/** The name of each operation: in access rules, the audit log, metrics, logs and the API documents. */
export const OPERATIONS = [...WRITES, ...READS] as const
export type Operation = (typeof OPERATIONS)[number]

export type AuditStatus = 'Succeeded' | 'Failed'

/** The status of an entry as lists show it: that of an account changes until the platform has it. */
export const LOG_STATUSES = ['Succeeded', 'Failed', 'Processing'] as const
export type LogStatus = (typeof LOG_STATUSES)[number]

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
  'firstName',
  'middleName',
  'lastName',
  'email',
  'phone',
  'username',
  'displayName',
  'taxId',
  'addressLine1',
  'addressLine2',
  'city',
  'zip',
  'zipCode',
])

/** Returns whether the values of a member are personal: a name, an address, or another way to reach a person. */
export function isPersonal(name: string): boolean {
  return PERSONAL_MEMBERS.has(name)
}

/**
 * Returns the changes of an entry that names no person.
 * @throws {Error} if a member is personal: its values must be sealed with the key of a person
 */
export function assertNotPersonal(changes: readonly Change[]): readonly Change[] {
  const personal = changes.find(({ name }) => isPersonal(name))
  if (personal)
    throw new Error(`an audit entry has the personal member ${personal.name}, and no person to seal it`)
  return changes
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
  'created',
  'repeated',
  'replayed',
  'restored',
  'linked',
  'related',
  'unrelated',
  'moved',
  'updated',
  'suspended',
  'resumed',
  'deleted',
  'erased',
  'revoked',
  'begun',
  'ended',
  'stopped',
  'resealed',
  'replaced',
  'issued',
  'read',
  'retried',
  'reapplied',
  'exported',
  'rotated',
  'tested',
  'whole',
  'damaged',
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
