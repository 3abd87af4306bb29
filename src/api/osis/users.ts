import type { FastifyInstance } from 'fastify'
import { createAccount, getAccount, listCredentials } from '../../directory/accounts.ts'
import type { Directory } from '../../directory/directory.ts'
import { DirectoryError } from '../../model/error.ts'
import type { Account, Credential, NewAccount } from '../../model/tenants.ts'
import type { Reconciler } from '../../provisioning/reconciler.ts'
import { getContext, getValidContext } from '../request.ts'
import {
  bodyFailures,
  CredentialPage,
  failures,
  MAX_LIMIT,
  NewOsisUser,
  type OsisS3Credential,
  OsisUser,
  PageQuery,
  TenantParams,
  UserParams,
} from './schemas.ts'

/** How long a create waits for the platform: Object Storage Extension calls while a human waits. */
const SETTLE_MS = 5_000

export function registerUsers(app: FastifyInstance, dir: Directory, reconciler: Reconciler): void {
  app.post<{ Params: TenantParams; Body: NewOsisUser }>(
    '/v1/tenants/:tenantId/users',
    {
      attachValidation: true,
      config: { operation: 'CreateAccount' },
      schema: {
        operationId: 'createUser',
        tags: ['Users'],
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
      const ctx = await getValidContext(dir, request, { operation: 'CreateAccount', target: tenantId })
      const account = await createAccount(dir, ctx, { tenantId, account: toNewAccount(request.body) })
      if (!(await reconciler.settle(account, SETTLE_MS))) throw platformUnavailable()
      reply.code(201)
      return toOsisUser(account)
    },
  )

  app.head<{ Params: UserParams }>(
    '/v1/tenants/:tenantId/users/:userId',
    {
      attachValidation: true,
      config: { operation: 'HeadAccount' },
      schema: {
        operationId: 'headUser',
        tags: ['Users'],
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
        tags: ['Users'],
        summary: 'Get a user by its id',
        params: UserParams,
        response: { 200: { ...OsisUser, description: 'The user' }, ...failures },
      },
    },
    async (request): Promise<OsisUser> =>
      toOsisUser(await getAccount(dir, getContext(request), request.params)),
  )

  app.get<{ Params: UserParams; Querystring: PageQuery }>(
    '/v1/tenants/:tenantId/users/:userId/s3credentials',
    {
      attachValidation: true,
      config: { operation: 'ListCredentials' },
      schema: {
        operationId: 'listCredentials',
        tags: ['Credentials'],
        summary: 'List the S3 credentials of a user',
        description: 'Oldest first, secrets included. An unknown user has an empty page.',
        params: UserParams,
        querystring: PageQuery,
        response: { 200: { ...CredentialPage, description: 'A page of credentials' }, ...failures },
      },
    },
    async (request) => {
      const { offset = 0, limit: wanted = 100 } = request.query
      const limit = Math.min(wanted, MAX_LIMIT)
      const page = await listCredentials(dir, getContext(request), { ...request.params, offset, limit })
      const { account, credentials, total } = page
      const items = account ? credentials.map((credential) => toOsisCredential(account, credential)) : []
      return { items, page_info: { limit, offset, total } }
    },
  )
}

function platformUnavailable(): DirectoryError {
  const message = 'The platform cannot be reached at the moment. The user is kept; repeat the call.'
  return new DirectoryError('platform_unavailable', message)
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

function toOsisCredential(account: Account, credential: Credential): OsisS3Credential {
  return {
    access_key: credential.accessKey,
    secret_key: credential.secretKey,
    active: credential.active,
    creation_date: credential.createdAt,
    tenant_id: account.tenantId,
    user_id: account.userId,
    username: account.username,
    cd_user_id: account.orgUserId,
    cd_tenant_id: account.orgId,
    immutable: false,
  }
}
