import type { Static } from 'typebox'
import { getAccount, getAccountByCanonicalId, queryAccounts } from '../../directory/accounts.ts'
import type { Account, NewAccount } from '../../model/accounts.ts'
import { addAccount, changeAccount, type Provisioning, removeAccount } from '../../provisioning/settling.ts'
import { type Route, route } from '../route.ts'
import { parseFilter, parseFlag } from './filter.ts'
import { EMPTY_PAGE, toPageRequest, toWirePage } from './paging.ts'
import {
  bodyFailures,
  FilterQuery,
  failures,
  headOf,
  noBody,
  PageQuery,
  PurgeQuery,
  removalFailures,
  response,
  TenantParams,
  UserParams,
} from './schemas.ts'
import { CanonicalParams, NewOsisUser, OsisUser, OsisUserChange, UserPage } from './user-schemas.ts'

const tags = ['Users']
const usersUrl = '/v1/tenants/:tenantId/users'
const userUrl = `${usersUrl}/:userId`

/** The names of terms that a filter of users may have. */
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

function toNewAccount(body: Static<typeof NewOsisUser>): NewAccount {
  return {
    orgId: body.cd_tenant_id,
    orgUserId: body.cd_user_id,
    username: body.username || null,
    email: body.email || null,
    role: body.role ?? 'UNKNOWN',
    active: body.active ?? true,
  }
}

function toOsisUser(account: Account): Static<typeof OsisUser> {
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

/** The routes of OSIS users, which are the accounts of Cloud Director users on the platform. */
export const userRoutes: readonly Route<Provisioning>[] = [
  route({
    operation: 'CreateAccount',
    subject: { target: 'tenantId' },
    method: 'POST',
    url: usersUrl,
    document: {
      operationId: 'createUser',
      tags,
      summary: 'Create a user in the platform',
      description:
        'Create a user in the platform, with exactly one S3 credential. The user_id in request body is ignored. ' +
        'The same create again returns the existing user, unchanged. 503: the platform cannot be reached; the user ' +
        'is kept, and the call can be repeated.',
    },
    schemas: { params: TenantParams, body: NewOsisUser },
    responses: { 201: response('A user is created', OsisUser), ...bodyFailures },
    async handle({ ctx, params, body }, provisioning) {
      const request = { tenantId: params.tenantId, account: toNewAccount(body) }
      return { status: 201, body: toOsisUser(await addAccount(provisioning, ctx, request)) }
    },
  }),

  route({
    operation: 'ListAccounts',
    method: 'GET',
    url: usersUrl,
    document: {
      operationId: 'listUsers',
      tags,
      summary: 'List the users of a tenant',
      description: 'An unknown tenant has an empty page.',
    },
    schemas: { params: TenantParams, querystring: PageQuery },
    responses: { 200: response('A page of users, oldest first', UserPage), ...failures },
    async handle({ ctx, params, query }, { dir }) {
      const page = toPageRequest(query)
      const found = await queryAccounts(dir, ctx, { filter: { tenantId: params.tenantId }, page })
      return { status: 200, body: toWirePage(found, page, toOsisUser) }
    },
  }),

  route({
    operation: 'QueryAccounts',
    method: 'GET',
    url: '/v1/users/query',
    document: {
      operationId: 'queryUsers',
      tags,
      summary: 'Query users',
      description:
        `Names of the filter: ${USER_TERMS.map((name) => `\`${name}\``).join(', ')}. \`cd_tenant_id\` may also be ` +
        'the id of a tenant. `display_name` is a username, a `user_id` or a `cd_user_id`; the name of the tenant ' +
        'that is asked for restricts nothing.',
    },
    schemas: { querystring: FilterQuery },
    responses: { 200: response('A page of users, oldest first', UserPage), ...failures },
    async handle({ ctx, query }, { dir }) {
      const page = toPageRequest(query)
      const filter = toAccountFilter(query.filter)
      const found = filter ? await queryAccounts(dir, ctx, { filter, page }) : EMPTY_PAGE
      return { status: 200, body: toWirePage(found, page, toOsisUser) }
    },
  }),

  route({
    operation: 'GetAccountByCanonicalId',
    method: 'GET',
    url: '/v1/users/:canonicalUserId',
    document: {
      operationId: 'getUserWithCanonicalID',
      tags,
      summary: 'Get a user by its canonical id',
      description: 'In all tenants that the client reaches.',
    },
    schemas: { params: CanonicalParams },
    responses: { 200: response('The user', OsisUser), ...failures },
    async handle({ ctx, params }, { dir }) {
      return {
        status: 200,
        body: toOsisUser(await getAccountByCanonicalId(dir, ctx, params.canonicalUserId)),
      }
    },
  }),

  route({
    operation: 'HeadAccount',
    method: 'HEAD',
    url: userUrl,
    document: {
      operationId: 'headUser',
      tags,
      summary: 'Check whether a user exists',
      description: '200 or 404, without a body.',
    },
    schemas: { params: UserParams },
    responses: { 200: headOf('The user exists', OsisUser), ...failures },
    async handle({ ctx, params }, { dir }) {
      return { status: 200, body: toOsisUser(await getAccount(dir, ctx, params)) }
    },
  }),

  route({
    operation: 'GetAccount',
    method: 'GET',
    url: userUrl,
    document: {
      operationId: 'getUserWithId',
      tags,
      summary: 'Get a user by its id',
      description: 'By its id on the platform, in the tenant that the path names.',
    },
    schemas: { params: UserParams },
    responses: { 200: response('The user', OsisUser), ...failures },
    async handle({ ctx, params }, { dir }) {
      return { status: 200, body: toOsisUser(await getAccount(dir, ctx, params)) }
    },
  }),

  route({
    operation: 'UpdateAccount',
    subject: { target: 'userId' },
    method: 'PATCH',
    url: userUrl,
    document: {
      operationId: 'updateUserStatus',
      tags,
      summary: 'Activate or suspend a user',
      description:
        'None of the keys of a suspended user works; data and keys are kept, and so is the status of each key.',
    },
    schemas: { params: UserParams, body: OsisUserChange },
    responses: { 200: response('The status is updated', OsisUser), ...bodyFailures },
    async handle({ ctx, params, body }, provisioning) {
      const request = { ...params, active: body.active }
      return { status: 200, body: toOsisUser(await changeAccount(provisioning, ctx, request)) }
    },
  }),

  route({
    operation: 'DeleteAccount',
    subject: { target: 'userId' },
    method: 'DELETE',
    url: userUrl,
    document: {
      operationId: 'deleteUser',
      tags,
      summary: 'Delete a user',
      description:
        'The keys die with the user. With `purge_data` its buckets go too; without, a user that owns buckets is refused.',
    },
    schemas: { params: UserParams, querystring: PurgeQuery },
    responses: { 204: noBody('The user is gone'), ...removalFailures },
    async handle({ ctx, params, query }, provisioning) {
      await removeAccount(provisioning, ctx, { ...params, purge: query.purge_data ?? false })
      return { status: 204 }
    },
  }),
]

/** @returns null if the terms contradict each other */
function toAccountFilter(text: string | undefined) {
  const terms = parseFilter(text, USER_TERMS)
  return (
    terms && {
      tenantId: terms.tenant_id,
      userId: terms.user_id,
      canonicalUserId: terms.canonical_user_id,
      orgId: terms.cd_tenant_id,
      orgUserId: terms.cd_user_id,
      username: terms.username,
      displayName: terms.display_name,
      active: parseFlag('active', terms.active),
    }
  )
}
