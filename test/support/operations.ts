import { randomBytes } from 'node:crypto'
import { openIssuer } from '../../src/auth/issuer.ts'
import { newOsisTokens } from '../../src/auth/osis-tokens.ts'
import { rotateSigningKey } from '../../src/auth/signing-keys.ts'
import { assertPermitted } from '../../src/directory/access.ts'
import {
  createAccount,
  deleteAccount,
  getAccount,
  getAccountByCanonicalId,
  queryAccounts,
  updateAccount,
} from '../../src/directory/accounts.ts'
import { listAudit, recordRestore, verifyAudit } from '../../src/directory/audit.ts'
import { listAuditLogs } from '../../src/directory/audit-logs.ts'
import { exportAuditLogs } from '../../src/directory/audit-walks.ts'
import { reapplyAccount } from '../../src/directory/backlog.ts'
import {
  createClient,
  deleteClient,
  getClient,
  listClients,
  rotateClient,
} from '../../src/directory/clients.ts'
import { findBuckets, measureAccounts } from '../../src/directory/contents.ts'
import {
  createCredential,
  deleteCredential,
  getCredential,
  queryCredentials,
  updateCredential,
} from '../../src/directory/credentials.ts'
import {
  createCustomer,
  getCustomer,
  listCustomers,
  updateCustomer,
  updateCustomerIdentifier,
} from '../../src/directory/customers.ts'
import { deleteCustomer, deleteReseller } from '../../src/directory/deletion.ts'
import { eraseUser } from '../../src/directory/erasure.ts'
import { explainAccess } from '../../src/directory/explain/access.ts'
import { readAccountFacts, readUserFacts } from '../../src/directory/explain/facts.ts'
import { explainRequest } from '../../src/directory/explain/request.ts'
import { find as findObjects } from '../../src/directory/find.ts'
import { listForeignAccounts, recordForeignSuspension } from '../../src/directory/foreign-accounts.ts'
import { listGroups } from '../../src/directory/groups.ts'
import { beginBulk } from '../../src/directory/imports/bulk.ts'
import { listImports } from '../../src/directory/imports/imports.ts'
import { beginUndo, newUndoKind } from '../../src/directory/imports/undo-job.ts'
import { recordIssuedToken } from '../../src/directory/issued-tokens.ts'
import { getJob, listJobs, resumeJob, stopJob } from '../../src/directory/jobs/jobs.ts'
import { getMe } from '../../src/directory/me.ts'
import {
  createPortal,
  deleteOrganization,
  deletePortal,
  listOrganizations,
  listPortals,
} from '../../src/directory/organizations.ts'
import { listPeople as listPeopleOfConsole } from '../../src/directory/people-lists.ts'
import {
  createPersonAccount,
  deletePersonAccount,
  updatePersonAccount,
} from '../../src/directory/person-accounts.ts'
import {
  createPersonCredential,
  deletePersonCredential,
  listPersonCredentials,
  updatePersonCredential,
} from '../../src/directory/person-credentials.ts'
import { replaceCluster } from '../../src/directory/platforms.ts'
import { getReceipt } from '../../src/directory/receipts.ts'
import {
  createRefreshToken,
  listRefreshTokens,
  revokeRefreshToken,
} from '../../src/directory/refresh-tokens.ts'
import { relateOrganization, unrelateOrganization } from '../../src/directory/relations.ts'
import {
  createReseller,
  getReseller,
  listResellers,
  updatePortal,
  updateReseller,
  updateResellerIdentifier,
} from '../../src/directory/resellers.ts'
import { recordRotation } from '../../src/directory/sealing/rotation.ts'
import { listSigningKeys } from '../../src/directory/sealing/signing-keys.ts'
import { endSession, listSessions, signOut } from '../../src/directory/sessions.ts'
import { getSetup } from '../../src/directory/setup.ts'
import { switchPerson } from '../../src/directory/sign-in.ts'
import { createSignInLink, deleteSignInLinks } from '../../src/directory/sign-in-links.ts'
import { resumeCustomer, suspendCustomer } from '../../src/directory/suspension.ts'
import { getCustomerTenant, updateTenantAccounts } from '../../src/directory/tenant-accounts.ts'
import { moveTenant } from '../../src/directory/tenant-move.ts'
import {
  createTenant,
  deleteTenant,
  getTenant,
  queryTenants,
  updateTenant,
} from '../../src/directory/tenants.ts'
import { listTimeline } from '../../src/directory/timeline.ts'
import { listUnapplied, retryAccounts, retryUser } from '../../src/directory/unapplied.ts'
import { runUnit } from '../../src/directory/unit.ts'
import {
  findAccountToCompare,
  findAccountToMeasure,
  getUserAccount,
} from '../../src/directory/user-account.ts'
import {
  deleteUser,
  getUser,
  restoreUser,
  resumeUser,
  suspendUser,
  updateUser,
} from '../../src/directory/user-changes.ts'
import { streamCustomerUsers } from '../../src/directory/user-lists.ts'
import { createUser } from '../../src/directory/users.ts'
import { updateWebhook } from '../../src/directory/webhook-changes.ts'
import { rotateWebhook } from '../../src/directory/webhook-rotation.ts'
import {
  beginWebhookTest,
  createWebhook,
  deleteWebhook,
  getWebhook,
  listDeadLetters,
  listWebhooks,
  replayWebhook,
} from '../../src/directory/webhooks.ts'
import type { Account } from '../../src/model/accounts.ts'
import type { Operation } from '../../src/model/audit.ts'
import type { Context } from '../../src/model/context.ts'
import { newId } from '../../src/model/ids.ts'
import { explainUser } from '../../src/provisioning/explain.ts'
import { newAddressRule } from '../../src/webhooks/addresses.ts'
import { listPeople, newAccountRequest, newUser, type TestDirectory } from './directories.ts'

type Call = (on: TestDirectory, ctx: Context) => Promise<unknown>

/**
 * Runs an operation by its use case, with the least that it takes. It may fail for any other reason than access.
 * @throws {DirectoryError}
 */
export async function callOperation(on: TestDirectory, ctx: Context, operation: Operation): Promise<unknown> {
  return CALLS[operation](on, ctx)
}

const page = { offset: 0, limit: 1 }
const byName = { ...page, ascending: true }
const list = { after: 0, limit: 1 }
const ids = { tenantId: 'none', userId: 'none' }
const nameless = { user: newId() }
const accessKey = 'NONE'
const person = { userId: newId() }

const NO_ACCOUNT = { ...ids, pk: 0, providerPk: 0 } as Account

/** For an operation that a dialect serves without the directory: what the dialect itself runs. */
const checkOnly =
  (operation: Operation): Call =>
  async (_, ctx) =>
    assertPermitted(ctx, operation)

const find: Readonly<Record<'tenant' | 'account', Call>> = {
  tenant: ({ dir, tenantId }, ctx) => getTenant(dir, ctx, tenantId),
  account: ({ dir }, ctx) => getAccount(dir, ctx, ids),
}
const query: Readonly<Record<'tenants' | 'accounts' | 'credentials', Call>> = {
  tenants: ({ dir }, ctx) => queryTenants(dir, ctx, { filter: {}, page }),
  accounts: ({ dir }, ctx) => queryAccounts(dir, ctx, { filter: {}, page }),
  credentials: ({ dir }, ctx) => queryCredentials(dir, ctx, { filter: {}, page }),
}
const addAccountTo: Call = (on, ctx) => createAccount(on.dir, ctx, newAccountRequest(on, newId()))

const CALLS: Readonly<Record<Operation, Call>> = {
  CreateUser: ({ dir, customerId }, ctx) =>
    createUser(dir, ctx, { organizationId: customerId, user: newUser() }),
  CreateResellerUser: ({ dir, resellerId }, ctx) =>
    createUser(dir, ctx, { organizationId: resellerId, kind: 'reseller', user: newUser() }),
  CreateProviderUser: ({ dir, setup }, ctx) =>
    createUser(dir, ctx, { organizationId: setup.provider.id, kind: 'provider', user: newUser() }),
  UpdateUser: ({ dir }, ctx) => updateUser(dir, ctx, { ...nameless, changes: {} }),
  DeleteUser: ({ dir }, ctx) => deleteUser(dir, ctx, nameless),
  SuspendUser: ({ dir }, ctx) => suspendUser(dir, ctx, nameless),
  ResumeUser: ({ dir }, ctx) => resumeUser(dir, ctx, nameless),
  RestoreUser: ({ dir }, ctx) => restoreUser(dir, ctx, nameless),
  ImportUsers: ({ dir, customerId }, ctx) =>
    beginBulk(dir, ctx, { organizationId: customerId, resellerId: null }),
  UndoImport: ({ dir }, ctx) => beginUndo(dir, ctx, { id: newId(), kind: newUndoKind(dir, () => undefined) }),
  ListImports: ({ dir }, ctx) => listImports(dir, ctx, 1),
  EraseUser: ({ dir }, ctx) => eraseUser(dir, ctx, nameless),
  FindObjects: ({ dir }, ctx) => findObjects(dir, ctx, { text: newId(), limit: 1 }),
  ExplainUser: ({ dir }, ctx) => readUserFacts(dir, ctx, newId()),
  ExplainAccount: ({ dir }, ctx) => readAccountFacts(dir, ctx, 'none'),
  ExplainRequest: ({ dir }, ctx) => explainRequest(dir, ctx, newId()),
  ExplainAccess: ({ dir }, ctx) => explainAccess(dir, ctx, { operation: 'GetUser' }),
  CompareAccount: ({ dir }, ctx) =>
    explainUser({ dir, platforms: new Map() }, ctx, { user: newId(), patienceMs: 0, compare: true }),
  GetUser: ({ dir }, ctx) => getUser(dir, ctx, nameless),
  ListUsers: ({ dir, customerId }, ctx) => listPeople(dir, ctx, customerId),
  ListCustomerUsers: ({ dir, customerId }, ctx) => streamCustomerUsers(dir, ctx, { customerId }),
  ListGroups: ({ dir }, ctx) => listGroups(dir, ctx),

  CreateTenant: ({ dir }, ctx) => createTenant(dir, ctx, { name: 'Tenant', orgIds: [] }),
  UpdateTenant: ({ dir, tenantId, orgId }, ctx) => updateTenant(dir, ctx, { tenantId, orgIds: [orgId] }),
  DeleteTenant: ({ dir }, ctx) => deleteTenant(dir, ctx, { tenantId: 'none', purge: false }),
  MoveTenant: ({ dir }, ctx) => moveTenant(dir, ctx, 'none'),
  ListTenants: query.tenants,
  QueryTenants: query.tenants,
  GetTenant: find.tenant,
  HeadTenant: find.tenant,
  GetCustomerTenant: ({ dir, customerId }, ctx) => getCustomerTenant(dir, ctx, customerId),
  UpdateTenantAccounts: ({ dir, tenantId }, ctx) =>
    updateTenantAccounts(dir, ctx, { tenantId, accounts: 'named' }),
  // The steps of a job run without a call of their own.
  CreateAccounts: ({ dir }, ctx) => runUnit(dir, ctx, { operation: 'CreateAccounts' }, async () => undefined),
  FollowOrganization: ({ dir }, ctx) =>
    runUnit(dir, ctx, { operation: 'FollowOrganization' }, async () => undefined),

  CreateAccount: addAccountTo,
  LinkAccount: addAccountTo,
  UpdateAccount: ({ dir }, ctx) => updateAccount(dir, ctx, { ...ids, active: true }),
  DeleteAccount: ({ dir }, ctx) => deleteAccount(dir, ctx, { ...ids, purge: false }),
  ListAccounts: query.accounts,
  QueryAccounts: query.accounts,
  GetAccount: find.account,
  GetAccountByCanonicalId: ({ dir }, ctx) => getAccountByCanonicalId(dir, ctx, 'none'),
  HeadAccount: find.account,

  CreateUserAccount: ({ dir }, ctx) => createPersonAccount(dir, ctx, person),
  UpdateUserAccount: ({ dir }, ctx) => updatePersonAccount(dir, ctx, { ...person, active: true }),
  DeleteUserAccount: ({ dir }, ctx) => deletePersonAccount(dir, ctx, { ...person, purge: false }),
  CreateUserCredential: ({ dir }, ctx) => createPersonCredential(dir, ctx, person),
  UpdateUserCredential: ({ dir }, ctx) =>
    updatePersonCredential(dir, ctx, { ...person, accessKey, active: true }),
  DeleteUserCredential: ({ dir }, ctx) => deletePersonCredential(dir, ctx, { ...person, accessKey }),
  ListUserCredentials: ({ dir }, ctx) => listPersonCredentials(dir, ctx, person),

  CreateCredential: ({ dir }, ctx) => createCredential(dir, ctx, ids),
  UpdateCredential: ({ dir }, ctx) => updateCredential(dir, ctx, { accessKey, active: true }),
  DeleteCredential: ({ dir }, ctx) => deleteCredential(dir, ctx, { accessKey }),
  ListCredentials: query.credentials,
  QueryCredentials: query.credentials,
  GetCredential: ({ dir }, ctx) => getCredential(dir, ctx, { accessKey }),

  GetUsage: ({ dir, tenantId }, ctx) => measureAccounts(dir, ctx, { tenantId, platform: dir.platform }),
  ListBuckets: ({ dir, tenantId }, ctx) => findBuckets(dir, ctx, { tenantId, page }),
  GetAnonymousUser: checkOnly('GetAnonymousUser'),
  GetConsole: checkOnly('GetConsole'),
  GetS3Capabilities: checkOnly('GetS3Capabilities'),
  GetInfo: checkOnly('GetInfo'),

  IssueToken: ({ dir }, ctx) => recordIssuedToken(dir, ctx, newId()),
  CreateRefreshToken: ({ dir }, ctx) =>
    createRefreshToken(dir, ctx, { seconds: 60, sign: async () => 'token' }),
  RefreshToken: async ({ dir }, ctx) => {
    const tokens = newOsisTokens(dir, await openIssuer(dir, () => 'https://usher.example'))
    return tokens.refresh((await tokens.logIn(ctx)).refresh, ctx)
  },
  RevokeRefreshToken: ({ dir }, ctx) => revokeRefreshToken(dir, ctx, newId()),
  ListRefreshTokens: ({ dir }, ctx) => listRefreshTokens(dir, ctx),

  GetSetup: ({ dir }, ctx) => getSetup(dir, ctx),
  // The set-up alone runs it, for the provider.
  CreateOrganization: checkOnly('CreateOrganization'),
  DeleteOrganization: ({ dir }, ctx) => deleteOrganization(dir, ctx, newId()),
  RelateOrganization: ({ dir, customerId, resellerId }, ctx) =>
    relateOrganization(dir, ctx, { customerId, resellerId }),
  UnrelateOrganization: ({ dir }, ctx) =>
    unrelateOrganization(dir, ctx, { customerId: newId(), resellerId: newId() }),
  CreateCustomer: ({ dir }, ctx) => createCustomer(dir, ctx, { company: { companyName: 'Customer' } }),
  UpdateCustomer: ({ dir, customerId }, ctx) =>
    updateCustomer(dir, ctx, { customerId, change: { city: newId() }, retry: true }),
  UpdateCustomerIdentifier: ({ dir, customerId }, ctx) =>
    updateCustomerIdentifier(dir, ctx, { customerId, identifier: newId() }),
  DeleteCustomer: ({ dir }, ctx) => deleteCustomer(dir, ctx, { customerId: newId(), purgeData: false }),
  SuspendCustomer: ({ dir }, ctx) => suspendCustomer(dir, ctx, newId()),
  ResumeCustomer: ({ dir }, ctx) => resumeCustomer(dir, ctx, newId()),
  GetCustomer: ({ dir, customerId }, ctx) => getCustomer(dir, ctx, { customerId }),
  ListCustomers: ({ dir }, ctx) =>
    listCustomers(dir, ctx, { filter: { includeDeleted: true }, page: byName }),
  CreateReseller: ({ dir }, ctx) => createReseller(dir, ctx, { company: { companyName: 'Reseller' } }),
  UpdateReseller: ({ dir, resellerId }, ctx) =>
    updateReseller(dir, ctx, { resellerId, change: { city: newId() } }),
  UpdateResellerIdentifier: ({ dir, resellerId }, ctx) =>
    updateResellerIdentifier(dir, ctx, { resellerId, identifier: newId() }),
  DeleteReseller: ({ dir }, ctx) => deleteReseller(dir, ctx, newId()),
  GetReseller: ({ dir, resellerId }, ctx) => getReseller(dir, ctx, resellerId),
  ListResellers: ({ dir }, ctx) => listResellers(dir, ctx, { filter: {}, page: byName }),
  UpdatePortal: ({ dir, resellerId }, ctx) => updatePortal(dir, ctx, { resellerId, domain: null }),
  ListOrganizations: ({ dir }, ctx) => listOrganizations(dir, ctx, list),
  CreatePortal: ({ dir, resellerId }, ctx) =>
    createPortal(dir, ctx, { domain: `${newId()}.example`, organizationId: resellerId }),
  DeletePortal: ({ dir }, ctx) => deletePortal(dir, ctx, 'none.example'),
  ListPortals: ({ dir }, ctx) => listPortals(dir, ctx),
  CreateClient: ({ dir, customerId }, ctx) =>
    createClient(dir, ctx, { organizationId: customerId, name: 'Client', permission: 'viewer' }),
  DeleteClient: ({ dir }, ctx) => deleteClient(dir, ctx, newId()),
  RotateClient: ({ dir }, ctx) => rotateClient(dir, ctx, { id: newId() }),
  GetClient: ({ dir }, ctx) => getClient(dir, ctx, newId()),
  ListClients: ({ dir }, ctx) => listClients(dir, ctx, { page }),

  CreateWebhook: ({ dir }, ctx) =>
    createWebhook(dir, ctx, { url: 'https://receiver.example', receivers: newAddressRule([]) }),
  UpdateWebhook: ({ dir }, ctx) =>
    updateWebhook(dir, ctx, { id: newId(), changes: {}, receivers: newAddressRule([]) }),
  DeleteWebhook: ({ dir }, ctx) => deleteWebhook(dir, ctx, newId()),
  ReplayWebhook: ({ dir }, ctx) => replayWebhook(dir, ctx, { id: newId(), deadLetters: true }),
  RotateWebhook: ({ dir }, ctx) => rotateWebhook(dir, ctx, { id: newId() }),
  TestWebhook: ({ dir }, ctx) => beginWebhookTest(dir, ctx, newId()),
  GetWebhook: ({ dir }, ctx) => getWebhook(dir, ctx, newId()),
  ListWebhooks: ({ dir }, ctx) => listWebhooks(dir, ctx),
  ListDeadLetters: ({ dir }, ctx) => listDeadLetters(dir, ctx, { id: newId(), ...list }),

  SignIn: ({ dir }, ctx) => switchPerson(dir, ctx, newId()),
  SignOut: ({ dir }, ctx) => signOut(dir, ctx),
  GetMe: ({ dir }, ctx) => getMe(dir, ctx),
  BindIdentity: ({ dir }, ctx) => runUnit(dir, ctx, { operation: 'BindIdentity' }, async () => undefined),
  ListSessions: ({ dir }, ctx) => listSessions(dir, ctx, { limit: 1 }),
  EndSession: ({ dir }, ctx) => endSession(dir, ctx, newId()),
  DeleteSignInLink: ({ dir }, ctx) => deleteSignInLinks(dir, ctx, { user: newId() }),
  ListPeople: ({ dir }, ctx) => listPeopleOfConsole(dir, ctx, { limit: 1 }),
  CreateSignInLink: ({ dir }, ctx) => createSignInLink(dir, ctx, { user: newId() }),

  GetJob: ({ dir }, ctx) => getJob(dir, ctx, newId()),
  ListJobs: ({ dir }, ctx) => listJobs(dir, ctx, { limit: 1 }),
  StopJob: ({ dir }, ctx) => stopJob(dir, ctx, newId()),
  ResumeJob: ({ dir }, ctx) => resumeJob(dir, ctx, newId()),

  RetryAccounts: ({ dir }, ctx) => retryAccounts(dir, ctx),
  RetryUser: ({ dir }, ctx) => retryUser(dir, ctx, newId()),
  MendAccount: ({ dir }, ctx) =>
    findAccountToCompare(dir, ctx, { userId: newId(), operation: 'MendAccount' }),
  GetUserAccount: ({ dir }, ctx) => getUserAccount(dir, ctx, newId()),
  GetUserUsage: ({ dir }, ctx) => findAccountToMeasure(dir, ctx, newId()),
  GetReceipt: ({ dir }, ctx) => getReceipt(dir, ctx, newId()),
  ReapplyAccount: ({ dir }, ctx) => reapplyAccount(dir, ctx, { account: NO_ACCOUNT, exists: true }),
  ListUnapplied: ({ dir }, ctx) => listUnapplied(dir, ctx, { limit: 1 }),
  CheckAccounts: ({ dir }, ctx) =>
    listForeignAccounts(dir, ctx, { platform: dir.platform, canonicalIds: ['tenant$user'] }),
  AdoptCluster: ({ dir }, ctx) => replaceCluster(dir, ctx, { platform: dir.platform, cluster: newId() }),
  SuspendForeignAccount: ({ dir }, ctx) =>
    recordForeignSuspension(dir, ctx, { ...ids, canonicalUserId: 'none$none' }),
  RotateKey: ({ dir }, ctx) => recordRotation(dir, ctx, randomBytes(32)),
  RotateSigningKey: ({ dir }, ctx) => rotateSigningKey(dir, ctx, { now: false }),
  ListSigningKeys: ({ dir }, ctx) => listSigningKeys(dir, ctx),
  RestoreDirectory: ({ dir }, ctx) => recordRestore(dir, ctx),
  ListAudit: ({ dir }, ctx) => listAudit(dir, ctx, { limit: 1 }),
  ListAuditLogs: ({ dir }, ctx) => listAuditLogs(dir, ctx, { page }),
  ListTimeline: ({ dir }, ctx) => listTimeline(dir, ctx, { userId: newId(), limit: 1 }),
  ExportAudit: ({ dir }, ctx) => exportAuditLogs(dir, ctx, {}).next(),
  VerifyAudit: ({ dir }, ctx) => verifyAudit(dir, ctx),
}
