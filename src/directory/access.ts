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
const VIEWER_PERSON: Grant = { ...ADMINISTRATOR_PERSON, permissions: ['viewer'] }
const OSIS_CLIENT: Grant = { caller: 'client', permissions: ['osis'], organizations: ['provider'] }

/** Only the command line may run the operation. It reaches one provider. */
const OPERATE: Rule = { grants: [OPERATOR], reach: 'below' }
/** Only the command line may run the operation. It reaches all providers of the store. */
const MAINTAIN: Rule = { grants: [OPERATOR], reach: 'directory' }
const MANAGE_USERS: Rule = {
  grants: [OPERATOR, ADMINISTRATOR_CLIENT, ADMINISTRATOR_PERSON],
  reach: 'below',
}
/** Providers and resellers have webhooks, each for its own context; customers have none. */
const MANAGE_WEBHOOKS: Rule = {
  grants: [
    OPERATOR,
    { ...ADMINISTRATOR_CLIENT, organizations: ['provider', 'reseller'] },
    ADMINISTRATOR_PERSON,
  ],
  reach: 'below',
}
const READ_WEBHOOKS: Rule = {
  ...MANAGE_WEBHOOKS,
  grants: [...MANAGE_WEBHOOKS.grants, { ...VIEWER_CLIENT, organizations: ['provider', 'reseller'] }],
}
const OF_PROVIDER = { organizations: ['provider'] } as const
const OF_PARTNERS = { organizations: ['provider', 'reseller'] } as const
/** Administrators of the provider may run the operation: it cannot be undone, or is about all of its accounts. */
const MANAGE_PROVIDER: Rule = {
  grants: [
    OPERATOR,
    { ...ADMINISTRATOR_CLIENT, ...OF_PROVIDER },
    { ...ADMINISTRATOR_PERSON, ...OF_PROVIDER },
  ],
  reach: 'below',
}
/** Provider and resellers may read; not their customers. */
const READ_LOGS: Rule = {
  grants: [
    OPERATOR,
    { ...ADMINISTRATOR_CLIENT, ...OF_PARTNERS },
    { ...VIEWER_CLIENT, ...OF_PARTNERS },
    ADMINISTRATOR_PERSON,
    VIEWER_PERSON,
  ],
  reach: 'below',
}
/** The provider alone sees its platform. */
const READ_PLATFORM: Rule = onlyFor(['provider'], READ_LOGS)
/** Callers follow the jobs that they have begun; viewers may read them too. */
const READ_JOBS: Rule = {
  grants: [OPERATOR, ADMINISTRATOR_CLIENT, VIEWER_CLIENT, ADMINISTRATOR_PERSON, VIEWER_PERSON],
  reach: 'below',
}
/** Viewers may run the operation too: it changes nothing and returns no secrets. */
const READ_USERS: Rule = {
  grants: [...MANAGE_USERS.grants, VIEWER_CLIENT, VIEWER_PERSON],
  reach: 'below',
}
/** Customers may not run the operation: it is about the users of a reseller. */
const MANAGE_RESELLER_USERS: Rule = onlyFor(['provider', 'reseller'], MANAGE_USERS)
/** Customers may not run the operation: it is about the users of several organizations. */
const READ_USERS_OF_CUSTOMERS: Rule = onlyFor(['provider', 'reseller'], READ_USERS)
/** Only a provider may run the operation, and not in the portal of a reseller, where it acts as that reseller. */
const MANAGE_PROVIDER_USERS: Rule = onlyFor(['provider'], MANAGE_USERS)
const MANAGE_TENANTS: Rule = MANAGE_PROVIDER_USERS
/** Customers have no API accesses of their own to manage: their reseller or provider does. */
const MANAGE_CLIENTS: Rule = onlyFor(['provider', 'reseller'], MANAGE_USERS)
const READ_CLIENTS: Rule = onlyFor(['provider', 'reseller'], READ_USERS)
/** Customers may not run the operation: it is about customers as a whole. */
const MANAGE_CUSTOMERS: Rule = onlyFor(['provider', 'reseller'], MANAGE_USERS)
/** Only a provider may run the operation: it decides which resellers there are, and which customers they manage. */
const MANAGE_RESELLERS: Rule = onlyFor(['provider'], MANAGE_USERS)
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
/** People end their own sessions, and administrators those of people below them. */
const END_SESSIONS: Rule = { grants: LIST_SESSIONS.grants, reach: 'below' }
/** People of a provider see who may enter, and all portals; those of a reseller see its own. */
const READ_ACCESS: Rule = { grants: LIST_SESSIONS.grants, reach: 'below' }
/** People take the entries that they may see out of the console. */
const EXPORT_LOGS: Rule = READ_ACCESS
/** People of a provider check the chain of entries. There is one for the whole directory. */
const VERIFY_LOGS: Rule = { grants: onlyFor(['provider'], READ_ACCESS).grants, reach: 'directory' }
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
  CreateUser: MANAGE_USERS,
  CreateResellerUser: MANAGE_RESELLER_USERS,
  CreateProviderUser: MANAGE_PROVIDER_USERS,
  UpdateUser: MANAGE_USERS,
  DeleteUser: MANAGE_USERS,
  EraseUser: MANAGE_PROVIDER,
  SuspendUser: MANAGE_USERS,
  ResumeUser: MANAGE_USERS,
  RestoreUser: MANAGE_USERS,
  ImportUsers: MANAGE_USERS,
  UndoImport: OPERATE,
  ListImports: OPERATE,
  GetUser: READ_USERS,
  ListUsers: READ_USERS_OF_CUSTOMERS,
  ListCustomerUsers: READ_USERS,
  ListGroups: READ_USERS,
  FindObjects: READ_USERS,
  ExplainUser: READ_USERS,
  ExplainAccount: READ_USERS,
  ExplainRequest: READ_LOGS,
  ExplainAccess: READ_USERS,
  CompareAccount: MANAGE_USERS,

  CreateTenant: USE_STORAGE,
  UpdateTenant: USE_STORAGE,
  DeleteTenant: USE_STORAGE,
  MoveTenant: OPERATE,
  UpdateTenantAccounts: MANAGE_TENANTS,
  CreateAccounts: MANAGE_TENANTS,
  FollowOrganization: MANAGE_RESELLER_USERS,
  ListTenants: USE_STORAGE,
  QueryTenants: USE_STORAGE,
  GetTenant: USE_STORAGE,
  HeadTenant: USE_STORAGE,
  GetCustomerTenant: READ_USERS,

  CreateAccount: USE_STORAGE,
  LinkAccount: USE_STORAGE,
  UpdateAccount: USE_STORAGE,
  DeleteAccount: USE_STORAGE,
  ListAccounts: USE_STORAGE,
  QueryAccounts: USE_STORAGE,
  GetAccount: USE_STORAGE,
  GetAccountByCanonicalId: USE_STORAGE,
  HeadAccount: USE_STORAGE,

  CreateUserAccount: MANAGE_USERS,
  UpdateUserAccount: MANAGE_USERS,
  DeleteUserAccount: MANAGE_USERS,
  CreateUserCredential: MANAGE_USERS,
  UpdateUserCredential: MANAGE_USERS,
  DeleteUserCredential: MANAGE_USERS,
  ListUserCredentials: READ_USERS,
  GetUserAccount: READ_USERS,
  GetUserUsage: READ_USERS,
  GetReceipt: READ_LOGS,

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
  EndSession: END_SESSIONS,
  CreateSignInLink: MANAGE_LINKS,
  DeleteSignInLink: MANAGE_LINKS,
  ListPeople: READ_ACCESS,

  IssueToken: LOG_IN,
  CreateRefreshToken: LOG_IN_TO_OSIS,
  RefreshToken: LOG_IN_TO_OSIS,
  RevokeRefreshToken: MAINTAIN,
  ListRefreshTokens: MAINTAIN,

  GetSetup: MAINTAIN,
  CreateOrganization: OPERATE,
  DeleteOrganization: OPERATE,
  RelateOrganization: MANAGE_RESELLERS,
  UnrelateOrganization: MANAGE_RESELLERS,
  ListOrganizations: MAINTAIN,
  CreateCustomer: MANAGE_CUSTOMERS,
  UpdateCustomer: MANAGE_CUSTOMERS,
  UpdateCustomerIdentifier: MANAGE_CUSTOMERS,
  SuspendCustomer: MANAGE_CUSTOMERS,
  ResumeCustomer: MANAGE_CUSTOMERS,
  DeleteCustomer: MANAGE_RESELLERS,
  ListCustomers: onlyFor(['provider', 'reseller'], READ_USERS),
  GetCustomer: READ_USERS,
  CreateReseller: MANAGE_RESELLERS,
  UpdateReseller: MANAGE_RESELLERS,
  UpdateResellerIdentifier: MANAGE_RESELLERS,
  DeleteReseller: MANAGE_RESELLERS,
  ListResellers: onlyFor(['provider'], READ_USERS),
  GetReseller: onlyFor(['provider', 'reseller'], READ_USERS),
  CreatePortal: OPERATE,
  UpdatePortal: MANAGE_RESELLERS,
  DeletePortal: MAINTAIN,
  ListPortals: READ_ACCESS,
  CreateClient: MANAGE_CLIENTS,
  RotateClient: MANAGE_CLIENTS,
  DeleteClient: MANAGE_CLIENTS,
  ListClients: READ_CLIENTS,
  GetClient: READ_CLIENTS,

  CreateWebhook: MANAGE_WEBHOOKS,
  DeleteWebhook: MANAGE_WEBHOOKS,
  ReplayWebhook: MANAGE_WEBHOOKS,
  RotateWebhook: MANAGE_WEBHOOKS,
  TestWebhook: MANAGE_WEBHOOKS,
  GetWebhook: READ_WEBHOOKS,
  ListWebhooks: READ_WEBHOOKS,
  ListDeadLetters: READ_WEBHOOKS,

  GetJob: READ_JOBS,
  ListJobs: MAINTAIN,
  StopJob: MAINTAIN,
  ResumeJob: MAINTAIN,

  RetryAccounts: MANAGE_PROVIDER,
  RetryUser: MANAGE_RESELLER_USERS,
  MendAccount: MANAGE_RESELLER_USERS,
  ReapplyAccount: MAINTAIN,
  ListUnapplied: READ_PLATFORM,
  CheckAccounts: OPERATE,
  SuspendForeignAccount: OPERATE,
  AdoptCluster: MAINTAIN,
  RotateKey: MAINTAIN,
  RotateSigningKey: MAINTAIN,
  ListSigningKeys: MAINTAIN,
  RestoreDirectory: MAINTAIN,
  ListAudit: MAINTAIN,
  ListAuditLogs: READ_LOGS,
  ListTimeline: READ_LOGS,
  ExportAudit: EXPORT_LOGS,
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
