import type { FastifyInstance } from 'fastify'
import {
  getAccount,
  getAccountByCanonicalId,
  queryAccounts,
  updateAccount,
} from '../../directory/accounts.ts'
import type { Account, NewAccount } from '../../model/accounts.ts'
import type { Page, PageRequest } from '../../model/pages.ts'
import { addAccount, assertSettled, type Provisioning, removeAccount } from '../../provisioning/settling.ts'
import { getContext, getValidContext } from '../request.ts'
import { parseFilter, parseFlag } from './filter.ts'
import { toPageRequest, toWirePage } from './paging.ts'
import {
  bodyFailures,
  FilterQuery,
  failures,
  PageQuery,
  PurgeQuery,
  removalFailures,
  TenantParams,
  UserParams,
} from './schemas.ts'
import { CanonicalParams, NewOsisUser, OsisUser, OsisUserChange, UserPage } from './user-schemas.ts'

const tags = ['Users']

export function registerUsers(app: FastifyInstance, provisioning: Provisioning): void {
  registerCreate(app, provisioning)
  registerLists(app, provisioning)
  registerReads(app, provisioning)
  registerChanges(app, provisioning)
}

function registerCreate(app: FastifyInstance, provisioning: Provisioning): void {
  app.post<{ Params: TenantParams; Body: NewOsisUser }>(
    '/v1/tenants/:tenantId/users',
    {
      attachValidation: true,
      config: { operation: 'CreateAccount' },
      schema: {
        operationId: 'createUser',
        tags,
        summary: 'Create a user in the platform',
        description:
          'Create a user in the platform, with exactly one S3 credential. The user_id in request body is ignored. ' +
          'The same create again answers the existing user, unchanged. 503: the platform cannot be reached; the user ' +
          'is kept, and the call can be repeated.',
        params: TenantParams,
        body: NewOsisUser,
        response: { 201: { ...OsisUser, description: 'A user is created' }, ...bodyFailures },
      },
    },
    async (request, reply): Promise<OsisUser> => {
      const { tenantId } = request.params
      const subject = { operation: 'CreateAccount', target: tenantId } as const
      const ctx = await getValidContext(provisioning.dir, request, subject)
      const account = await addAccount(provisioning, ctx, { tenantId, account: toNewAccount(request.body) })
      reply.code(201)
      return toOsisUser(account)
    },
  )
}

const USER_TERMS = [
  'tenant_id',
  'user_id',
  'cd_user_id',
  'cd_tenant_id',
  'canonical_user_id',
  'username',
  'display_name',
  'active',
] as const

function registerLists(app: FastifyInstance, { dir }: Provisioning): void {
  app.get<{ Params: TenantParams; Querystring: PageQuery }>(
    '/v1/tenants/:tenantId/users',
    {
      attachValidation: true,
      config: { operation: 'ListAccounts' },
      schema: {
        operationId: 'listUsers',
        tags,
        summary: 'List the users of a tenant',
        description: 'An unknown tenant has an empty page.',
        params: TenantParams,
        querystring: PageQuery,
        response: { 200: { ...UserPage, description: 'A page of users, oldest first' }, ...failures },
      },
    },
    async (request) => {
      const page = toPageRequest(request.query)
      const filter = { tenantId: request.params.tenantId }
      return toUserPage(await queryAccounts(dir, getContext(request), { filter, page }), page)
    },
  )

  app.get<{ Querystring: FilterQuery }>(
    '/v1/users/query',
    {
      attachValidation: true,
      config: { operation: 'QueryAccounts' },
      schema: {
        operationId: 'queryUsers',
        tags,
        summary: 'Query users',
        description:
          `Names of the filter: ${USER_TERMS.map((name) => `\`${name}\``).join(', ')}. \`cd_tenant_id\` may also be ` +
          'the id of a tenant. `display_name` is a username, a `user_id` or a `cd_user_id`; the name of the tenant ' +
          'that is asked for restricts nothing.',
        querystring: FilterQuery,
        response: { 200: { ...UserPage, description: 'A page of users, oldest first' }, ...failures },
      },
    },
    async (request) => {
      const ctx = getContext(request)
      const page = toPageRequest(request.query)
      const terms = parseFilter(request.query.filter, USER_TERMS)
      if (!terms) return toUserPage({ items: [], total: 0 }, page)
      const filter = {
        tenantId: terms.tenant_id,
        userId: terms.user_id,
        canonicalUserId: terms.canonical_user_id,
        orgId: terms.cd_tenant_id,
        orgUserId: terms.cd_user_id,
        username: terms.username,
        displayName: terms.display_name,
        active: parseFlag('active', terms.active),
      }
      return toUserPage(await queryAccounts(dir, ctx, { filter, page }), page)
    },
  )
}

function registerReads(app: FastifyInstance, { dir }: Provisioning): void {
  app.get<{ Params: CanonicalParams }>(
    '/v1/users/:canonicalUserId',
    {
      attachValidation: true,
      config: { operation: 'GetAccountByCanonicalId' },
      schema: {
        operationId: 'getUserWithCanonicalID',
        tags,
        summary: 'Get a user by its canonical id',
        params: CanonicalParams,
        response: { 200: { ...OsisUser, description: 'The user' }, ...failures },
      },
    },
    async (request): Promise<OsisUser> =>
      toOsisUser(await getAccountByCanonicalId(dir, getContext(request), request.params.canonicalUserId)),
  )

  app.head<{ Params: UserParams }>(
    '/v1/tenants/:tenantId/users/:userId',
    {
      attachValidation: true,
      config: { operation: 'HeadAccount' },
      schema: {
        operationId: 'headUser',
        tags,
        summary: 'Check whether a user exists',
        params: UserParams,
        response: { 200: { description: 'The user exists', type: 'null' }, ...failures },
      },
    },
    async (request, reply) => {
      await getAccount(dir, getContext(request), request.params)
      return reply.send()
    },
  )

  app.get<{ Params: UserParams }>(
    '/v1/tenants/:tenantId/users/:userId',
    {
      attachValidation: true,
      config: { operation: 'GetAccount' },
      schema: {
        operationId: 'getUserWithId',
        tags,
        summary: 'Get a user by its id',
        params: UserParams,
        response: { 200: { ...OsisUser, description: 'The user' }, ...failures },
      },
    },
    async (request): Promise<OsisUser> =>
      toOsisUser(await getAccount(dir, getContext(request), request.params)),
  )
}

function registerChanges(app: FastifyInstance, provisioning: Provisioning): void {
  const { dir, reconciler } = provisioning
  app.patch<{ Params: UserParams; Body: OsisUserChange }>(
    '/v1/tenants/:tenantId/users/:userId',
    {
      attachValidation: true,
      config: { operation: 'UpdateAccount' },
      schema: {
        operationId: 'updateUserStatus',
        tags,
        summary: 'Activate or suspend a user',
        description:
          'None of the keys of a suspended user works; data and keys are kept, and so is the status of each key.',
        params: UserParams,
        body: OsisUserChange,
        response: { 200: { ...OsisUser, description: 'The status is updated' }, ...bodyFailures },
      },
    },
    async (request): Promise<OsisUser> => {
      const { params } = request
      const ctx = await getValidContext(dir, request, { operation: 'UpdateAccount', target: params.userId })
      const account = await updateAccount(dir, ctx, { ...params, active: request.body.active })
      await assertSettled(reconciler, account, 'The status is kept')
      return toOsisUser(account)
    },
  )

  app.delete<{ Params: UserParams; Querystring: PurgeQuery }>(
    '/v1/tenants/:tenantId/users/:userId',
    {
      attachValidation: true,
      config: { operation: 'DeleteAccount' },
      schema: {
        operationId: 'deleteUser',
        tags,
        summary: 'Delete a user',
        description:
          'The keys die with the user. With `purge_data` its buckets go too; without, a user that owns buckets is refused.',
        params: UserParams,
        querystring: PurgeQuery,
        response: { 204: { description: 'The user is gone', type: 'null' }, ...removalFailures },
      },
    },
    async (request, reply) => {
      const { params, query } = request
      const ctx = await getValidContext(dir, request, { operation: 'DeleteAccount', target: params.userId })
      await removeAccount(provisioning, ctx, { ...params, purge: query.purge_data ?? false })
      return reply.code(204).send()
    },
  )
}

function toNewAccount(body: NewOsisUser): NewAccount {
  return {
    orgId: body.cd_tenant_id,
    orgUserId: body.cd_user_id,
    username: body.username ?? null,
    email: body.email ?? null,
    role: body.role ?? 'UNKNOWN',
    active: body.active ?? true,
  }
}

function toUserPage(page: Page<Account>, request: PageRequest) {
  return toWirePage(page, request, toOsisUser)
}

function toOsisUser(account: Account): OsisUser {
  return {
    user_id: account.userId,
    canonical_user_id: account.canonicalUserId,
    user_arn: null,
    tenant_id: account.tenantId,
    active: account.active,
    username: account.username,
    email: account.email,
    role: account.role,
    cd_user_id: account.orgUserId,
    cd_tenant_id: account.orgId,
  }
}
