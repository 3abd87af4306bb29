import { listPersonCredentials } from '../../directory/person-credentials.ts'
import { getCustomerTenant, updateCustomerTenant } from '../../directory/tenant-accounts.ts'
import { Type } from '../../json-schema.ts'
import {
  addPersonAccount,
  addPersonCredential,
  changePersonAccount,
  changePersonCredential,
  removePersonAccount,
  removePersonCredential,
} from '../../provisioning/people.ts'
import type { Provisioning } from '../../provisioning/settling.ts'
import { type Route, route } from '../route.ts'
import {
  AccountView,
  accessKeyParam,
  ChangedKey,
  ChangedTenantView,
  KeyModel,
  NewKey,
  PersonParams,
  PurgeQuery,
  StatusChange,
  TenantModel,
  TenantView,
  toAccountView,
  toTenantView,
} from './account-schemas.ts'
import {
  CustomerParams,
  failures,
  Headers,
  locationHeader,
  NoBody,
  Responds,
  WriteHeaders,
} from './schemas.ts'

const tags = ['Accounts']

/** The two paths of a user: by the user's id alone, and below their customer. */
const USER_PATHS = [
  { name: 'User', url: '/users/:id/account', params: Type.Object(PersonParams) },
  {
    name: 'CustomerUser',
    url: '/customer/:customerId/users/:id/account',
    params: Type.Object({ ...CustomerParams.properties, ...PersonParams }),
  },
] as const

type UserPath = (typeof USER_PATHS)[number]

/** What a path says about the user. */
function toRef(params: { readonly id: string; readonly customerId?: string }) {
  return { userId: params.id, customerId: params.customerId }
}

/** What every change that removes something returns. */
const removed = (what: string) => ({
  202: NoBody(`Accepted: ${what} is removed in the directory, and the platform follows.`),
  204: NoBody(`No Content: the platform has removed ${what}.`),
  ...failures,
})

const WAITS = 'The response waits a moment for the platform, and says whether it has the change.'

function createAccountRoute({ name, url, params }: UserPath): Route<Provisioning> {
  return route({
    operation: 'CreateUserAccount',
    subject: { target: 'id' },
    method: 'POST',
    url,
    document: {
      operationId: `Create${name}Account`,
      tags,
      summary: 'Give a User an account',
      description:
        'Ours. Gives the user an account on the storage platform, without keys, in the tenant of their customer. ' +
        `A user who has one keeps it unchanged. ${WAITS}`,
      ours: true,
    },
    schemas: { headers: WriteHeaders, params },
    responses: {
      200: Responds(AccountView, 'OK: the user has this account.'),
      201: Responds(AccountView, 'Created: the account of the user.', locationHeader),
      ...failures,
    },
    async handle({ ctx, params: sent }, provisioning) {
      const { account, created } = await addPersonAccount(provisioning, ctx, toRef(sent))
      const body = toAccountView(account)
      if (!created) return { status: 200, body }
      return { status: 201, body, headers: { location: `/v1/users/${sent.id.toLowerCase()}` } }
    },
  })
}

function updateAccountRoute({ name, url, params }: UserPath): Route<Provisioning> {
  return route({
    operation: 'UpdateUserAccount',
    subject: { target: 'id' },
    method: 'PATCH',
    url,
    document: {
      operationId: `Update${name}Account`,
      tags,
      summary: 'Suspend or resume the account of a User',
      description: `Ours. The account works if the user and their customer are active too. Its keys and data stay. ${WAITS}`,
      ours: true,
    },
    schemas: { headers: WriteHeaders, params, body: StatusChange },
    responses: { 200: Responds(AccountView, 'OK: the account.'), ...failures },
    async handle({ ctx, params: sent, body }, provisioning) {
      const account = await changePersonAccount(provisioning, ctx, { ...toRef(sent), active: body.active })
      return { status: 200, body: toAccountView(account) }
    },
  })
}

function deleteAccountRoute({ name, url, params }: UserPath): Route<Provisioning> {
  return route({
    operation: 'DeleteUserAccount',
    subject: { target: 'id' },
    method: 'DELETE',
    url,
    document: {
      operationId: `Delete${name}Account`,
      tags,
      summary: 'Remove the account of a User',
      description:
        'Ours. The user stays; the keys of the account stop working. An account that owns buckets is refused and ' +
        'kept, unless `purgeData` is set; if the platform found them after the response, the account is back.',
      ours: true,
    },
    schemas: { headers: Headers, params, querystring: PurgeQuery },
    responses: removed('the account'),
    async handle({ ctx, params: sent, query }, provisioning) {
      const request = { ...toRef(sent), purge: query.purgeData ?? false }
      return { status: (await removePersonAccount(provisioning, ctx, request)) ? 204 : 202 }
    },
  })
}

const keysOf = (url: string): string => `${url}/credentials`

const toKeyParams = (params: UserPath['params']) => Type.Object({ ...params.properties, ...accessKeyParam })

function listKeysRoute({ name, url, params }: UserPath): Route<Provisioning> {
  return route({
    operation: 'ListUserCredentials',
    method: 'GET',
    url: keysOf(url),
    document: {
      operationId: `List${name}Credentials`,
      tags,
      summary: 'List the keys of a User',
      description: 'Ours. The S3 keys of the account of the user, oldest first, without their secrets.',
      ours: true,
    },
    schemas: { headers: Headers, params },
    responses: { 200: Responds(Type.Array(KeyModel), 'OK: the keys.'), ...failures },
    async handle({ ctx, params: sent }, { dir }) {
      return { status: 200, body: await listPersonCredentials(dir, ctx, toRef(sent)) }
    },
  })
}

function createKeyRoute({ name, url, params }: UserPath): Route<Provisioning> {
  return route({
    operation: 'CreateUserCredential',
    subject: { target: 'id' },
    method: 'POST',
    url: keysOf(url),
    document: {
      operationId: `Create${name}Credential`,
      tags,
      summary: 'Make a key for a User',
      description: `Ours. Makes one more S3 key for the account of the user. Its secret is returned this once. ${WAITS}`,
      ours: true,
    },
    schemas: { headers: WriteHeaders, params },
    responses: { 201: Responds(NewKey, 'Created: the key with its secret.', locationHeader), ...failures },
    async handle({ ctx, params: sent }, provisioning) {
      const { key, account } = await addPersonCredential(provisioning, ctx, toRef(sent))
      const { platformState } = account
      const location = `/v1/users/${sent.id.toLowerCase()}/account/credentials/${key.accessKey}`
      return { status: 201, body: { ...key, platformState }, headers: { location } }
    },
  })
}

function updateKeyRoute({ name, url, params }: UserPath): Route<Provisioning> {
  return route({
    operation: 'UpdateUserCredential',
    subject: { target: 'accessKey' },
    method: 'PATCH',
    url: `${keysOf(url)}/:accessKey`,
    document: {
      operationId: `Update${name}Credential`,
      tags,
      summary: 'Disable or enable a key of a User',
      description: `Ours. The other keys and the account stay as they are. ${WAITS}`,
      ours: true,
    },
    schemas: { headers: WriteHeaders, params: toKeyParams(params), body: StatusChange },
    responses: { 200: Responds(ChangedKey, 'OK: the key.'), ...failures },
    async handle({ ctx, params: sent, body }, provisioning) {
      const request = { ...toRef(sent), accessKey: sent.accessKey, active: body.active }
      const { key, account } = await changePersonCredential(provisioning, ctx, request)
      return { status: 200, body: { ...key, platformState: account.platformState } }
    },
  })
}

function deleteKeyRoute({ name, url, params }: UserPath): Route<Provisioning> {
  return route({
    operation: 'DeleteUserCredential',
    subject: { target: 'accessKey' },
    method: 'DELETE',
    url: `${keysOf(url)}/:accessKey`,
    document: {
      operationId: `Delete${name}Credential`,
      tags,
      summary: 'Delete a key of a User',
      description: 'Ours. The key stops working. The other keys and the account stay as they are.',
      ours: true,
    },
    schemas: { headers: Headers, params: toKeyParams(params) },
    responses: removed('the key'),
    async handle({ ctx, params: sent }, provisioning) {
      const request = { ...toRef(sent), accessKey: sent.accessKey }
      return { status: (await removePersonCredential(provisioning, ctx, request)) ? 204 : 202 }
    },
  })
}

/** The routes of the account of a user, and of its keys. */
const OF_A_USER = [
  createAccountRoute,
  updateAccountRoute,
  deleteAccountRoute,
  listKeysRoute,
  createKeyRoute,
  updateKeyRoute,
  deleteKeyRoute,
]

const tenantUrl = '/Customers/:customerId/tenant'

const tenantRoutes: readonly Route<Provisioning>[] = [
  route({
    operation: 'GetCustomerTenant',
    subject: { organization: 'customerId' },
    method: 'GET',
    url: tenantUrl,
    document: {
      operationId: 'GetCustomerTenant',
      tags,
      summary: 'Get the tenant of a Customer',
      description: "Ours. The customer's place on the storage platform, and who gets an account there.",
      ours: true,
    },
    schemas: { headers: Headers, params: CustomerParams },
    responses: { 200: Responds(TenantView, 'OK: the tenant.'), ...failures },
    async handle({ ctx, params }, { dir }) {
      return { status: 200, body: toTenantView(await getCustomerTenant(dir, ctx, params.customerId)) }
    },
  }),
  route({
    operation: 'UpdateTenantAccounts',
    subject: { organization: 'customerId' },
    method: 'PUT',
    url: tenantUrl,
    document: {
      operationId: 'PutCustomerTenant',
      tags,
      summary: 'Give a Customer a tenant',
      description:
        'Ours. Says who gets an account in the tenant of the customer, who gets a tenant if they have none. With ' +
        '`everyone`, a job gives accounts to the people of the customer who have none. With `named`, accounts stay.',
      ours: true,
    },
    schemas: { headers: Headers, params: CustomerParams, body: TenantModel },
    responses: { 200: Responds(ChangedTenantView, 'OK: the tenant.'), ...failures },
    async handle({ ctx, params, body }, { dir }) {
      const { accounts, name } = body
      const request = { customerId: params.customerId, accounts, name }
      const { tenant, jobId } = await updateCustomerTenant(dir, ctx, request)
      return { status: 200, body: { ...toTenantView(tenant), jobId } }
    },
  }),
]

/** The routes of accounts on the storage platform: of users, and of the tenants of customers. */
export const accountRoutes: readonly Route<Provisioning>[] = [
  ...USER_PATHS.flatMap((path) => OF_A_USER.map((declare) => declare(path))),
  ...tenantRoutes,
]
