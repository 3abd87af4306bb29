import type { FastifyInstance } from 'fastify'
import {
  createCredential,
  deleteCredential,
  getCredential,
  queryCredentials,
  updateCredential,
} from '../../directory/credentials.ts'
import type { OwnedCredential } from '../../model/credentials.ts'
import type { Page, PageRequest } from '../../model/pages.ts'
import { assertSettled, type Provisioning } from '../../provisioning/settling.ts'
import { getContext, getValidContext } from '../request.ts'
import {
  CredentialPage,
  KeyParams,
  OsisS3Credential,
  OsisS3CredentialChange,
  OwnerQuery,
} from './credential-schemas.ts'
import { parseFilter, parseFlag } from './filter.ts'
import { toPageRequest, toWirePage } from './paging.ts'
import { bodyFailures, FilterQuery, failures, PageQuery, removalFailures, UserParams } from './schemas.ts'

const tags = ['Credentials']

export function registerCredentials(app: FastifyInstance, provisioning: Provisioning): void {
  registerCreate(app, provisioning)
  registerLists(app, provisioning)
  registerOne(app, provisioning)
}

function registerCreate(app: FastifyInstance, { dir, reconciler }: Provisioning): void {
  app.post<{ Params: UserParams }>(
    '/v1/tenants/:tenantId/users/:userId/s3credentials',
    {
      attachValidation: true,
      config: { operation: 'CreateCredential' },
      schema: {
        operationId: 'createCredential',
        tags,
        summary: 'Create one more S3 credential for a user',
        description: 'Without a body: both halves of the key are made here.',
        params: UserParams,
        response: {
          201: { ...OsisS3Credential, description: 'A credential is created' },
          ...removalFailures,
        },
      },
    },
    async (request, reply): Promise<OsisS3Credential> => {
      const { params } = request
      const subject = { operation: 'CreateCredential', target: params.userId } as const
      const ctx = await getValidContext(dir, request, subject)
      const credential = await createCredential(dir, ctx, params)
      const advice = 'it will work by itself, and another call would make another one'
      await assertSettled(reconciler, credential.account, 'The credential is kept', advice)
      reply.code(201)
      return toOsisCredential(credential)
    },
  )
}

const CREDENTIAL_TERMS = [
  'tenant_id',
  'user_id',
  'access_key',
  'cd_tenant_id',
  'cd_user_id',
  'active',
] as const

function registerLists(app: FastifyInstance, { dir }: Provisioning): void {
  app.get<{ Params: UserParams; Querystring: PageQuery }>(
    '/v1/tenants/:tenantId/users/:userId/s3credentials',
    {
      attachValidation: true,
      config: { operation: 'ListCredentials' },
      schema: {
        operationId: 'listCredentials',
        tags,
        summary: 'List the S3 credentials of a user',
        description: 'Oldest first, secrets included. An unknown user has an empty page.',
        params: UserParams,
        querystring: PageQuery,
        response: { 200: { ...CredentialPage, description: 'A page of credentials' }, ...failures },
      },
    },
    async (request) => {
      const page = toPageRequest(request.query)
      const filter = request.params
      return toCredentialPage(await queryCredentials(dir, getContext(request), { filter, page }), page)
    },
  )

  app.get<{ Querystring: FilterQuery }>(
    '/v1/s3credentials/query',
    {
      attachValidation: true,
      config: { operation: 'QueryCredentials' },
      schema: {
        operationId: 'queryCredentials',
        tags,
        summary: 'Query S3 credentials',
        description:
          `Oldest first, secrets included. Names of the filter: ${CREDENTIAL_TERMS.map((name) => `\`${name}\``).join(', ')}; ` +
          '`active` is the status of the credential itself.',
        querystring: FilterQuery,
        response: { 200: { ...CredentialPage, description: 'A page of credentials' }, ...failures },
      },
    },
    async (request) => {
      const ctx = getContext(request)
      const page = toPageRequest(request.query)
      const terms = parseFilter(request.query.filter, CREDENTIAL_TERMS)
      if (!terms) return toCredentialPage({ items: [], total: 0 }, page)
      const filter = {
        tenantId: terms.tenant_id,
        userId: terms.user_id,
        accessKey: terms.access_key,
        orgId: terms.cd_tenant_id,
        orgUserId: terms.cd_user_id,
        active: parseFlag('active', terms.active),
      }
      return toCredentialPage(await queryCredentials(dir, ctx, { filter, page }), page)
    },
  )
}

type OfKey = { Params: KeyParams; Querystring: OwnerQuery }

function registerOne(app: FastifyInstance, { dir, reconciler }: Provisioning): void {
  const url = '/v1/s3credentials/:accessKey'
  app.get<OfKey>(
    url,
    {
      attachValidation: true,
      config: { operation: 'GetCredential' },
      schema: {
        operationId: 'getCredential',
        tags,
        summary: 'Get an S3 credential',
        params: KeyParams,
        querystring: OwnerQuery,
        response: { 200: { ...OsisS3Credential, description: 'The credential' }, ...failures },
      },
    },
    async (request): Promise<OsisS3Credential> =>
      toOsisCredential(await getCredential(dir, getContext(request), toIds(request))),
  )

  app.patch<OfKey & { Body: OsisS3CredentialChange }>(
    url,
    {
      attachValidation: true,
      config: { operation: 'UpdateCredential' },
      schema: {
        operationId: 'updateCredentialStatus',
        tags,
        summary: 'Activate or disable an S3 credential',
        description: "The user's status and those of its other credentials stay as they are.",
        params: KeyParams,
        querystring: OwnerQuery,
        body: OsisS3CredentialChange,
        response: { 200: { ...OsisS3Credential, description: 'The status is updated' }, ...bodyFailures },
      },
    },
    async (request): Promise<OsisS3Credential> => {
      const ids = toIds(request)
      const subject = { operation: 'UpdateCredential', target: ids.accessKey } as const
      const ctx = await getValidContext(dir, request, subject)
      const credential = await updateCredential(dir, ctx, { ...ids, active: request.body.active })
      await assertSettled(reconciler, credential.account, 'The status is kept')
      return toOsisCredential(credential)
    },
  )

  app.delete<OfKey>(
    url,
    {
      attachValidation: true,
      config: { operation: 'DeleteCredential' },
      schema: {
        operationId: 'deleteCredential',
        tags,
        summary: 'Delete an S3 credential',
        params: KeyParams,
        querystring: OwnerQuery,
        response: { 204: { description: 'The credential is gone', type: 'null' }, ...bodyFailures },
      },
    },
    async (request, reply) => {
      const ids = toIds(request)
      const subject = { operation: 'DeleteCredential', target: ids.accessKey } as const
      const ctx = await getValidContext(dir, request, subject)
      const account = await deleteCredential(dir, ctx, ids)
      if (account) await assertSettled(reconciler, account, 'The deletion goes on')
      return reply.code(204).send()
    },
  )
}

function toIds({ params, query }: { params: KeyParams; query: OwnerQuery }) {
  return { accessKey: params.accessKey, tenantId: query.tenant_id, userId: query.user_id }
}

function toCredentialPage(page: Page<OwnedCredential>, request: PageRequest) {
  return toWirePage(page, request, toOsisCredential)
}

function toOsisCredential({ account, ...credential }: OwnedCredential): OsisS3Credential {
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
