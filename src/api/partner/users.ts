import type { Static } from 'typebox'
import type { Directory } from '../../directory/directory.ts'
import type { CreateUserResult } from '../../directory/repeated-creates.ts'
import { createUser } from '../../directory/users.ts'
import type { NewUser } from '../../model/users.ts'
import { type Route, route } from '../route.ts'
import {
  CustomerParams,
  failures,
  locationHeader,
  ResellerParams,
  ResellerQuery,
  Responds,
  UserViewModel,
  uuid,
  WriteHeaders,
} from './schemas.ts'

const created = {
  200: Responds(
    uuid('The id.'),
    'OK: the same create again, or a deleted user brought back. The id of the user.',
  ),
  201: Responds(uuid('The id.'), 'Created. The id of the user.', locationHeader),
  ...failures,
}

function toCreated({ id, created }: CreateUserResult) {
  if (!created) return { status: 200, body: id } as const
  return { status: 201, body: id, headers: { location: `/v1/users/${id}` } } as const
}

function toNewUser(body: Static<typeof UserViewModel>): NewUser {
  const { id, firstName, lastName, email, groups } = body
  return { id, firstName, lastName, email, groupIds: groups?.map((group) => group.id) ?? [] }
}

/**
 * The routes that create portal users: of a customer, of a reseller, and of the provider. Paths `/v1/Customers/…/users`
 * are for other users, those of Microsoft 365.
 */
export const userRoutes: readonly Route<Directory>[] = [
  route({
    operation: 'CreateUser',
    subject: { organization: 'customerId', reseller: 'resellerId' },
    method: 'POST',
    url: '/customer/:customerId/users',
    document: {
      operationId: 'CreateUser',
      tags: ['Users'],
      summary: 'Create a Customer User',
      description: 'Creates a new User with the provided UserViewModel.',
    },
    schemas: {
      headers: WriteHeaders,
      params: CustomerParams,
      querystring: ResellerQuery,
      body: UserViewModel,
    },
    responses: created,
    async handle({ ctx, params, query, body }, dir) {
      const result = await createUser(dir, ctx, {
        organizationId: params.customerId,
        kind: 'customer',
        resellerId: query.resellerId,
        user: toNewUser(body),
      })
      return toCreated(result)
    },
  }),
  route({
    operation: 'CreateResellerUser',
    subject: { organization: 'resellerId' },
    method: 'POST',
    url: '/reseller/:resellerId/users',
    document: {
      operationId: 'CreateResellerUser',
      tags: ['Users'],
      summary: 'Create a Reseller User',
      description: 'Creates a new User of a reseller with the provided UserViewModel.',
    },
    schemas: { headers: WriteHeaders, params: ResellerParams, body: UserViewModel },
    responses: created,
    async handle({ ctx, params, body }, dir) {
      const request = { organizationId: params.resellerId, kind: 'reseller', user: toNewUser(body) } as const
      return toCreated(await createUser(dir, ctx, request))
    },
  }),
  route({
    operation: 'CreateProviderUser',
    method: 'POST',
    url: '/users',
    document: {
      operationId: 'CreateProviderUser',
      tags: ['Users'],
      summary: 'Create a User of the provider',
      description: 'Ours. Creates a new User of the provider with the provided UserViewModel.',
      ours: true,
    },
    schemas: { headers: WriteHeaders, body: UserViewModel },
    responses: created,
    async handle({ ctx, body }, dir) {
      const request = {
        organizationId: ctx.organization.id,
        kind: 'provider',
        user: toNewUser(body),
      } as const
      return toCreated(await createUser(dir, ctx, request))
    },
  }),
]
