import type { Static } from 'typebox'
import { getCredential, queryCredentials } from '../../directory/credentials.ts'
import type { OwnedCredential } from '../../model/credentials.ts'
import {
  addCredential,
  changeCredential,
  type Provisioning,
  removeCredential,
} from '../../provisioning/settling.ts'
import { type Route, route } from '../route.ts'
import {
  CredentialPage,
  KeyParams,
  OsisS3Credential,
  OsisS3CredentialChange,
  OwnerQuery,
} from './credential-schemas.ts'
import { parseFilter, parseFlag } from './filter.ts'
import { EMPTY_PAGE, toPageRequest, toWirePage } from './paging.ts'
import {
  bodyFailures,
  FilterQuery,
  failures,
  noBody,
  PageQuery,
  removalFailures,
  response,
  UserParams,
} from './schemas.ts'

const tags = ['Credentials']
const credentialsUrl = '/v1/tenants/:tenantId/users/:userId/s3credentials'
const credentialUrl = '/v1/s3credentials/:accessKey'

/** The names of terms that a filter of credentials may have. */
const CREDENTIAL_TERMS = [
  'tenant_id',
  'user_id',
  'access_key',
  'cd_tenant_id',
  'cd_user_id',
  'active',
] as const

/** The routes of S3 credentials. Every response holds the secret, because Object Storage Extension signs with it. */
export const credentialRoutes: readonly Route<Provisioning>[] = [
  route({
    operation: 'CreateCredential',
    subject: { target: 'userId' },
    method: 'POST',
    url: credentialsUrl,
    document: {
      operationId: 'createCredential',
      tags,
      summary: 'Create one more S3 credential for a user',
      description: 'Without a body: both halves of the key are made here.',
    },
    schemas: { params: UserParams },
    responses: { 201: response('A credential is created', OsisS3Credential), ...removalFailures },
    async handle({ ctx, params }, provisioning) {
      return { status: 201, body: toOsisCredential(await addCredential(provisioning, ctx, params)) }
    },
  }),

  route({
    operation: 'ListCredentials',
    method: 'GET',
    url: credentialsUrl,
    document: {
      operationId: 'listCredentials',
      tags,
      summary: 'List the S3 credentials of a user',
      description: 'Oldest first, secrets included. An unknown user has an empty page.',
    },
    schemas: { params: UserParams, querystring: PageQuery },
    responses: { 200: response('A page of credentials', CredentialPage), ...failures },
    async handle({ ctx, params, query }, { dir }) {
      const page = toPageRequest(query)
      const found = await queryCredentials(dir, ctx, { filter: params, page, operation: 'ListCredentials' })
      return { status: 200, body: toWirePage(found, page, toOsisCredential) }
    },
  }),

  route({
    operation: 'QueryCredentials',
    method: 'GET',
    url: '/v1/s3credentials/query',
    document: {
      operationId: 'queryCredentials',
      tags,
      summary: 'Query S3 credentials',
      description:
        `Oldest first, secrets included. Names of the filter: ${CREDENTIAL_TERMS.map((name) => `\`${name}\``).join(', ')}; ` +
        '`active` is the status of the credential itself.',
    },
    schemas: { querystring: FilterQuery },
    responses: { 200: response('A page of credentials', CredentialPage), ...failures },
    async handle({ ctx, query }, { dir }) {
      const page = toPageRequest(query)
      const filter = toCredentialFilter(query.filter)
      const found = filter ? await queryCredentials(dir, ctx, { filter, page }) : EMPTY_PAGE
      return { status: 200, body: toWirePage(found, page, toOsisCredential) }
    },
  }),

  route({
    operation: 'GetCredential',
    method: 'GET',
    url: credentialUrl,
    document: {
      operationId: 'getCredential',
      tags,
      summary: 'Get an S3 credential',
      description: 'Its secret is included.',
    },
    schemas: { params: KeyParams, querystring: OwnerQuery },
    responses: { 200: response('The credential', OsisS3Credential), ...failures },
    async handle({ ctx, params, query }, { dir }) {
      return { status: 200, body: toOsisCredential(await getCredential(dir, ctx, toIds(params, query))) }
    },
  }),

  route({
    operation: 'UpdateCredential',
    subject: { target: 'accessKey' },
    method: 'PATCH',
    url: credentialUrl,
    document: {
      operationId: 'updateCredentialStatus',
      tags,
      summary: 'Activate or disable an S3 credential',
      description: "The user's status and those of its other credentials stay as they are.",
    },
    schemas: { params: KeyParams, querystring: OwnerQuery, body: OsisS3CredentialChange },
    responses: { 200: response('The status is updated', OsisS3Credential), ...bodyFailures },
    async handle({ ctx, params, query, body }, provisioning) {
      const request = { ...toIds(params, query), active: body.active }
      return { status: 200, body: toOsisCredential(await changeCredential(provisioning, ctx, request)) }
    },
  }),

  route({
    operation: 'DeleteCredential',
    subject: { target: 'accessKey' },
    method: 'DELETE',
    url: credentialUrl,
    document: {
      operationId: 'deleteCredential',
      tags,
      summary: 'Delete an S3 credential',
      description: 'The key stops working on the platform. The other keys of the user stay.',
    },
    schemas: { params: KeyParams, querystring: OwnerQuery },
    responses: { 204: noBody('The credential is gone'), ...bodyFailures },
    async handle({ ctx, params, query }, provisioning) {
      await removeCredential(provisioning, ctx, toIds(params, query))
      return { status: 204 }
    },
  }),
]

function toIds(params: Static<typeof KeyParams>, owner: Static<typeof OwnerQuery>) {
  return { accessKey: params.accessKey, tenantId: owner.tenant_id, userId: owner.user_id }
}

/** @returns null if the terms contradict each other */
function toCredentialFilter(text: string | undefined) {
  const terms = parseFilter(text, CREDENTIAL_TERMS)
  return (
    terms && {
      tenantId: terms.tenant_id,
      userId: terms.user_id,
      accessKey: terms.access_key,
      orgId: terms.cd_tenant_id,
      orgUserId: terms.cd_user_id,
      active: parseFlag('active', terms.active),
    }
  )
}

function toOsisCredential({ account, ...credential }: OwnedCredential): Static<typeof OsisS3Credential> {
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
