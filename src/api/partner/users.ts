import type { Static } from 'typebox'
import type { Directory } from '../../directory/directory.ts'
import { createUser } from '../../directory/users.ts'
import type { NewUser } from '../../model/users.ts'
import { type Route, route } from '../route.ts'
import { CustomerParams, failures, ResellerQuery, UserId, UserViewModel, WriteHeaders } from './schemas.ts'

/**
 * The routes of a customer's portal users. Paths `/v1/Customers/…/users` are for other users, those of Microsoft 365.
 */
export const userRoutes: readonly Route<Directory>[] = [
  route({
    operation: 'CreateUser',
    subject: { organization: 'customerId' },
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
    answers: {
      200: UserId('OK: the same create again, or a deleted user brought back. The id of the user.'),
      201: UserId('Created. The id of the user.'),
      ...failures,
    },
    async handle({ ctx, params, query, body }, dir) {
      const { id, created } = await createUser(dir, ctx, {
        organizationId: params.customerId,
        kind: 'customer',
        resellerId: query.resellerId,
        user: toNewUser(body),
      })
      return { status: created ? 201 : 200, body: id }
    },
  }),
]

function toNewUser(body: Static<typeof UserViewModel>): NewUser {
  const { id, firstName, lastName, email, groups } = body
  return { id, firstName, lastName, email, groupIds: groups?.map((group) => group.id) ?? [] }
}
