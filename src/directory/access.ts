import type { Operation } from '../model/audit.ts'
import type { CallerKind, Context, Permission } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import { ORGANIZATION_KINDS, type OrganizationKind } from '../model/organizations.ts'

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
  organizations: ORGANIZATION_KINDS,
}
const VIEWER_CLIENT: Grant = { ...ADMINISTRATOR_CLIENT, permissions: ['viewer'] }
const ADMINISTRATOR_PERSON: Grant = {
  caller: 'person',
  permissions: ['administrator'],
  organizations: ['provider', 'reseller'],
}
const VIEWER_PERSON: Grant = { ...ADMINISTRATOR_PERSON, permissions: ['viewer'] }
const OSIS_CLIENT: Grant = { caller: 'client', permissions: ['osis'], organizations: ['provider'] }

/** Only the command line may run the operation. It reaches one provider. */
const OPERATE: Rule = { grants: [OPERATOR], reach: 'below' }
/** Only the command line may run the operation. It reaches all providers of the store. */
const MAINTAIN: Rule = { grants: [OPERATOR], reach: 'directory' }
/** Administrators may run the operation: for their organization, and what is below it. */
const MANAGE: Rule = {
  grants: [OPERATOR, ADMINISTRATOR_CLIENT, ADMINISTRATOR_PERSON],
  reach: 'below',
}
/** Viewers may run the operation too: it changes nothing and returns no secrets. */
const READ: Rule = { grants: [...MANAGE.grants, VIEWER_CLIENT, VIEWER_PERSON], reach: 'below' }
/** Customers may not run the operation: it is about what a provider or a reseller does for them, or about several. */
const MANAGE_AS_PARTNER: Rule = onlyFor(['provider', 'reseller'], MANAGE)
const READ_AS_PARTNER: Rule = onlyFor(['provider', 'reseller'], READ)
/** Only a provider may run the operation, and not in the portal of a reseller, where it acts as that reseller. */
const MANAGE_AS_PROVIDER: Rule = onlyFor(['provider'], MANAGE)
const READ_AS_PROVIDER: Rule = onlyFor(['provider'], READ)
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
/** People enter the console, leave it, and see who they are. */
const ENTER: Rule = { grants: [ADMINISTRATOR_PERSON, VIEWER_PERSON], reach: 'own' }
/** People see their own sessions; the operator sees all. */
const LIST_SESSIONS: Rule = { grants: [OPERATOR, ...ENTER.grants], reach: 'own' }
/** People run the operation in the console. It decides itself which people, portals and entries below them they reach. */
const USE_CONSOLE: Rule = { grants: LIST_SESSIONS.grants, reach: 'below' }
/** People of a provider check the chain of entries. There is one for the whole directory. */
const VERIFY_LOGS: Rule = { grants: onlyFor(['provider'], USE_CONSOLE).grants, reach: 'directory' }
const MANAGE_LINKS: Rule = { grants: [OPERATOR, ADMINISTRATOR_PERSON], reach: 'below' }
const LOG_IN_TO_OSIS: Rule = { grants: [OSIS_CLIENT], reach: 'own' }

/** Returns a rule without its grants for other kinds of organizations. */
function onlyFor(kinds: readonly OrganizationKind[], { grants, reach }: Rule): Rule {
  const narrowed = grants.map((grant) => ({
    ...grant,
    organizations: grant.organizations.filter((kind) => kinds.includes(kind)),
  }))
  return { grants: narrowed, reach }
}

/** The access rules: one for each operation. `runUnit` and `runRead` enforce them. */
export const ACCESS: Readonly<Record<Operation, Rule>> = {
  CreateUser: MANAGE,
  CreateResellerUser: MANAGE_AS_PARTNER,
  CreateProviderUser: MANAGE_AS_PROVIDER,
  UpdateUser: MANAGE,
  DeleteUser: MANAGE,
  EraseUser: MANAGE_AS_PROVIDER,
  SuspendUser: MANAGE,
  ResumeUser: MANAGE,
  RestoreUser: MANAGE,
  ImportUsers: MANAGE,
  UndoImport: OPERATE,
  ListImports: OPERATE,
  GetUser: READ,
  ListUsers: READ_AS_PARTNER,
  ListCustomerUsers: READ,
  ListGroups: READ,
  FindObjects: READ,
  ExplainUser: READ,
  ExplainAccount: READ,
  ExplainRequest: READ_AS_PARTNER,
  ExplainAccess: READ,
  CompareAccount: MANAGE,

  CreateTenant: USE_STORAGE,
  UpdateTenant: USE_STORAGE,
  DeleteTenant: USE_STORAGE,
  MoveTenant: OPERATE,
  UpdateTenantAccounts: MANAGE_AS_PROVIDER,
  CreateAccounts: MANAGE_AS_PROVIDER,
  FollowOrganization: MANAGE_AS_PARTNER,
  ListTenants: USE_STORAGE,
  QueryTenants: USE_STORAGE,
  GetTenant: USE_STORAGE,
  HeadTenant: USE_STORAGE,
  GetCustomerTenant: READ,

  CreateAccount: USE_STORAGE,
  LinkAccount: USE_STORAGE,
  UpdateAccount: USE_STORAGE,
  DeleteAccount: USE_STORAGE,
  ListAccounts: USE_STORAGE,
  QueryAccounts: USE_STORAGE,
  GetAccount: USE_STORAGE,
  GetAccountByCanonicalId: USE_STORAGE,
  HeadAccount: USE_STORAGE,

  CreateUserAccount: MANAGE,
  UpdateUserAccount: MANAGE,
  DeleteUserAccount: MANAGE,
  CreateUserCredential: MANAGE,
  UpdateUserCredential: MANAGE,
  DeleteUserCredential: MANAGE,
  ListUserCredentials: READ,
  GetUserAccount: READ,
  GetUserUsage: READ,
  GetReceipt: READ_AS_PARTNER,

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

  SignIn: ENTER,
  SignOut: ENTER,
  GetMe: ENTER,
  BindIdentity: ENTER,
  ListSessions: LIST_SESSIONS,
  EndSession: USE_CONSOLE,
  CreateSignInLink: MANAGE_LINKS,
  DeleteSignInLink: MANAGE_LINKS,
  ListPeople: USE_CONSOLE,

  IssueToken: LOG_IN,
  CreateRefreshToken: LOG_IN_TO_OSIS,
  RefreshToken: LOG_IN_TO_OSIS,
  RevokeRefreshToken: MAINTAIN,
  ListRefreshTokens: MAINTAIN,

  GetSetup: MAINTAIN,
  CreateOrganization: OPERATE,
  DeleteOrganization: OPERATE,
  RelateOrganization: MANAGE_AS_PROVIDER,
  UnrelateOrganization: MANAGE_AS_PROVIDER,
  ListOrganizations: MAINTAIN,
  CreateCustomer: MANAGE_AS_PARTNER,
  UpdateCustomer: MANAGE_AS_PARTNER,
  UpdateCustomerIdentifier: MANAGE_AS_PARTNER,
  SuspendCustomer: MANAGE_AS_PARTNER,
  ResumeCustomer: MANAGE_AS_PARTNER,
  DeleteCustomer: MANAGE_AS_PROVIDER,
  ListCustomers: READ_AS_PARTNER,
  GetCustomer: READ,
  CreateReseller: MANAGE_AS_PROVIDER,
  UpdateReseller: MANAGE_AS_PROVIDER,
  UpdateResellerIdentifier: MANAGE_AS_PROVIDER,
  DeleteReseller: MANAGE_AS_PROVIDER,
  ListResellers: READ_AS_PROVIDER,
  GetReseller: READ_AS_PARTNER,
  CreatePortal: OPERATE,
  UpdatePortal: MANAGE_AS_PROVIDER,
  DeletePortal: MAINTAIN,
  ListPortals: USE_CONSOLE,
  CreateClient: MANAGE_AS_PARTNER,
  RotateClient: MANAGE_AS_PARTNER,
  DeleteClient: MANAGE_AS_PARTNER,
  ListClients: READ_AS_PARTNER,
  GetClient: READ_AS_PARTNER,

  CreateWebhook: MANAGE_AS_PARTNER,
  UpdateWebhook: MANAGE_AS_PARTNER,
  DeleteWebhook: MANAGE_AS_PARTNER,
  ReplayWebhook: MANAGE_AS_PARTNER,
  RotateWebhook: MANAGE_AS_PARTNER,
  TestWebhook: MANAGE_AS_PARTNER,
  GetWebhook: READ_AS_PARTNER,
  ListWebhooks: READ_AS_PARTNER,
  ListDeadLetters: READ_AS_PARTNER,

  GetJob: READ,
  ListJobs: MAINTAIN,
  StopJob: MAINTAIN,
  ResumeJob: MAINTAIN,

  RetryAccounts: MANAGE_AS_PROVIDER,
  RetryUser: MANAGE_AS_PARTNER,
  MendAccount: MANAGE_AS_PARTNER,
  ReapplyAccount: MAINTAIN,
  ListUnapplied: READ_AS_PROVIDER,
  CheckAccounts: OPERATE,
  SuspendForeignAccount: OPERATE,
  AdoptCluster: MAINTAIN,
  RotateKey: MAINTAIN,
  RotateSigningKey: MAINTAIN,
  ListSigningKeys: MAINTAIN,
  RestoreDirectory: MAINTAIN,
  ListAudit: MAINTAIN,
  ListAuditLogs: READ_AS_PARTNER,
  ListTimeline: READ_AS_PARTNER,
  ExportAudit: USE_CONSOLE,
  VerifyAudit: VERIFY_LOGS,
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
