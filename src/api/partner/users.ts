import type { FastifyInstance } from 'fastify'
import type { Directory } from '../../directory/directory.ts'
import { createUser } from '../../directory/users.ts'
import type { NewUser } from '../../model/users.ts'
import { getValidContext } from '../request.ts'
import {
  CreateUserHeaders,
  CustomerParams,
  failures,
  HEADER_NAMES,
  ResellerQuery,
  UserId,
  UserViewModel,
} from './schemas.ts'

/** Portal users of a customer. Not to be confused with `/v1/Customers/…/users`, the Microsoft 365 users. */
export function registerUsers(app: FastifyInstance, dir: Directory): void {
  app.post<{ Params: CustomerParams; Querystring: ResellerQuery; Body: UserViewModel }>(
    '/customer/:customerId/users',
    {
      attachValidation: true,
      config: { operation: 'CreateUser' },
      schema: {
        operationId: 'CreateUser',
        tags: ['Users'],
        summary: 'Create a Customer User',
        description: 'Creates a new User with the provided UserViewModel.',
        headers: CreateUserHeaders,
        params: CustomerParams,
        querystring: ResellerQuery,
        body: UserViewModel,
        response: {
          200: UserId('OK: the same create again, or a deleted user brought back. The id of the user.'),
          201: UserId('Created. The id of the user.'),
          ...failures,
        },
      },
    },
    async (request, reply) => {
      const { customerId } = request.params
      const ctx = await getValidContext(
        dir,
        request,
        { operation: 'CreateUser', organization: customerId },
        HEADER_NAMES,
      )
      const { id, created } = await createUser(dir, ctx, {
        organizationId: customerId,
        kind: 'customer',
        resellerId: request.query.resellerId,
        user: toNewUser(request.body),
        idempotencyKey: request.headers['idempotency-key'] as string | undefined,
      })
      reply.code(created ? 201 : 200).header('content-type', 'application/json; charset=utf-8')
      return JSON.stringify(id)
    },
  )
}

function toNewUser(body: UserViewModel): NewUser {
  const { id, firstName, lastName, email, groups } = body
  return { id, firstName, lastName, email, groupIds: groups?.map((group) => group.id) ?? [] }
}
