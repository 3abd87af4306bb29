import type { Operation } from '../model/audit.ts'
import type { CallerKind, Context, Permission } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import type { OrganizationKind } from '../model/organizations.ts'

/** One kind of caller that may run an operation. All three members must match the context of the call. */
export interface Grant {
  readonly caller: CallerKind
  readonly permissions: readonly Permission[]
  /** Kinds of the organization that the caller acts for. */
  readonly organizations: readonly OrganizationKind[]
}

/**
 * The objects that an operation can read or change: `nothing`, the caller's `own` rows, the organization of the context
 * with everything `below` it, or the whole `directory`.
 */
export type Reach = 'nothing' | 'own' | 'below' | 'directory'

/** Who may run an operation, and the objects that it can then read or change. */
export interface Rule {
  readonly grants: readonly Grant[]
  readonly reach: Reach
}

const OPERATOR: Grant = {
  caller: 'operator',
  permissions: ['administrator'],
  organizations: ['provider'],
}
const ADMINISTRATOR_CLIENT: Grant = {
  caller: 'client',
  permissions: ['administrator'],
  organizations: ['provider', 'reseller', 'customer'],
}
const VIEWER_CLIENT: Grant = { ...ADMINISTRATOR_CLIENT, permissions: ['viewer'] }
const ADMINISTRATOR_PERSON: Grant = {
  caller: 'person',
  permissions: ['administrator'],
  organizations: ['provider', 'reseller'],
}
const OSIS_CLIENT: Grant = { caller: 'client', permissions: ['osis'], organizations: ['provider'] }

/** Only the command line may run the operation. It reaches one provider. */
const OPERATE: Rule = { grants: [OPERATOR], reach: 'below' }
/** Only the command line may run the operation. It reaches all providers of the store. */
const MAINTAIN: Rule = { grants: [OPERATOR], reach: 'directory' }
const MANAGE_USERS: Rule = {
  grants: [OPERATOR, ADMINISTRATOR_CLIENT, ADMINISTRATOR_PERSON],
  reach: 'below',
}
/** Callers follow the jobs that they have begun; viewers may read them too. */
const READ_JOBS: Rule = {
  grants: [OPERATOR, ADMINISTRATOR_CLIENT, VIEWER_CLIENT, ADMINISTRATOR_PERSON],
  reach: 'below',
}
/** Cloud Director may run the operation, and so may the command line in its place. */
const USE_STORAGE: Rule = { grants: [OPERATOR, OSIS_CLIENT], reach: 'below' }
/** The operation is also served to callers who are not authenticated. */
const READ_PUBLIC: Rule = {
  grants: [OPERATOR, ADMINISTRATOR_CLIENT, VIEWER_CLIENT, OSIS_CLIENT, ADMINISTRATOR_PERSON],
  reach: 'nothing',
}
const READ_SETTINGS: Rule = { grants: [OPERATOR, OSIS_CLIENT], reach: 'nothing' }
/**
 * Lets clients of the partner portal get an access token. OSIS clients do not use it: they authenticate on each call,
 * or use LOG_IN_TO_OSIS in bearer mode.
 */
const LOG_IN: Rule = { grants: [ADMINISTRATOR_CLIENT, VIEWER_CLIENT], reach: 'nothing' }
const LOG_IN_TO_OSIS: Rule = { grants: [OSIS_CLIENT], reach: 'own' }

/** The access rules: one for each operation. `runUnit` and `runRead` enforce them. */
export const ACCESS: Readonly<Record<Operation, Rule>> = {
  CreateUser: MANAGE_USERS,
  DeleteUser: OPERATE,
  ListUsers: MANAGE_USERS,
  ListGroups: MANAGE_USERS,

  CreateTenant: USE_STORAGE,
  UpdateTenant: USE_STORAGE,
  DeleteTenant: USE_STORAGE,
  MoveTenant: OPERATE,
  ListTenants: USE_STORAGE,
  QueryTenants: USE_STORAGE,
  GetTenant: USE_STORAGE,
  HeadTenant: USE_STORAGE,

  CreateAccount: USE_STORAGE,
  LinkAccount: USE_STORAGE,
  UpdateAccount: USE_STORAGE,
  DeleteAccount: USE_STORAGE,
  ListAccounts: USE_STORAGE,
  QueryAccounts: USE_STORAGE,
  GetAccount: USE_STORAGE,
  GetAccountByCanonicalId: USE_STORAGE,
  HeadAccount: USE_STORAGE,

  CreateCredential: USE_STORAGE,
  UpdateCredential: USE_STORAGE,
  DeleteCredential: USE_STORAGE,
  ListCredentials: USE_STORAGE,
  QueryCredentials: USE_STORAGE,
  GetCredential: USE_STORAGE,

  GetUsage: USE_STORAGE,
  ListBuckets: USE_STORAGE,
  GetAnonymousUser: READ_SETTINGS,
  GetConsole: READ_SETTINGS,
  GetS3Capabilities: READ_SETTINGS,
  GetInfo: READ_PUBLIC,

  IssueToken: LOG_IN,
  CreateRefreshToken: LOG_IN_TO_OSIS,
  RefreshToken: LOG_IN_TO_OSIS,
  RevokeRefreshToken: MAINTAIN,
  ListRefreshTokens: MAINTAIN,

  GetSetup: MAINTAIN,
  CreateOrganization: OPERATE,
  DeleteOrganization: OPERATE,
  RelateOrganization: OPERATE,
  ListOrganizations: MAINTAIN,
  CreatePortal: OPERATE,
  DeletePortal: MAINTAIN,
  ListPortals: MAINTAIN,
  CreateClient: OPERATE,
  DeleteClient: MAINTAIN,
  ListClients: MAINTAIN,

  GetJob: READ_JOBS,
  ListJobs: MAINTAIN,
  StopJob: MAINTAIN,
  ResumeJob: MAINTAIN,

  RetryAccounts: MAINTAIN,
  ReapplyAccount: MAINTAIN,
  ListFailures: MAINTAIN,
  CheckAccounts: OPERATE,
  SuspendForeignAccount: OPERATE,
  AdoptCluster: MAINTAIN,
  RotateKey: MAINTAIN,
  RotateSigningKey: MAINTAIN,
  ListSigningKeys: MAINTAIN,
  RestoreDirectory: MAINTAIN,
  ListAudit: MAINTAIN,
  VerifyAudit: MAINTAIN,
}

/** Returns whether the caller may run this kind of operation. It does not check the object of the operation. */
export function isPermitted(ctx: Context, operation: Operation): boolean {
  return ACCESS[operation].grants.some(
    ({ caller, permissions, organizations }) =>
      caller === ctx.caller.kind &&
      permissions.includes(ctx.permission) &&
      organizations.includes(ctx.organization.kind),
  )
}

/**
 * Throws unless the caller may run an operation.
 * @throws {DirectoryError} `not_permitted`
 */
export function assertPermitted(ctx: Context, operation: Operation): void {
  if (!isPermitted(ctx, operation)) throw notPermitted(ctx, operation)
}

/** Returns the refusal of an operation that the caller may not run. */
export function notPermitted(
  { caller, permission, organization }: Context,
  operation: Operation,
): DirectoryError {
  const who = `A ${caller.kind} of a ${organization.kind} with the permission ${permission}`
  return new DirectoryError('not_permitted', `${who} may not run ${operation}.`)
}
