import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { checkSecret } from '../../auth/basic.ts'
import type { ClientFinder } from '../../auth/clients.ts'
import type { OsisTokens } from '../../auth/osis-tokens.ts'
import type { Directory } from '../../directory/directory.ts'
import { assertShape } from '../request.ts'
import { enter } from './admission.ts'
import { bodyFailures } from './schemas.ts'

export interface AuthParts {
  readonly dir: Directory
  readonly clients: ClientFinder
  readonly tokens: OsisTokens
}

const tags = ['Authentication']

const LoginRequest = Type.Object(
  {
    username: Type.String({ description: 'The id of a client with the osis scope.' }),
    password: Type.String({ description: 'Its secret.' }),
  },
  { title: 'LoginRequest' },
)

const LoginResponse = Type.Object(
  { access_token: Type.String(), refresh_token: Type.String() },
  { title: 'LoginResponse' },
)

const RefreshRequest = Type.Object({ refresh_token: Type.String() }, { title: 'RefreshRequest' })
const RefreshResponse = Type.Object({ access_token: Type.String() }, { title: 'RefreshResponse' })

/** Bearer mode: how an operator gets a refresh token, and Object Storage Extension its access tokens (section 3.3). */
export function registerAuth(app: FastifyInstance, { dir, clients, tokens }: AuthParts): void {
  app.post<{ Body: { username: string; password: string } }>(
    '/v1/auth/login',
    {
      attachValidation: true,
      config: { operation: 'CreateRefreshToken', open: true },
      schema: {
        operationId: 'login',
        tags,
        summary: 'Get a first refresh token',
        description:
          'For an operator. The refresh token is good for half a year; `usher token revoke` ends it.',
        security: [],
        body: LoginRequest,
        response: { 200: { ...LoginResponse, description: 'Both tokens' }, ...bodyFailures },
      },
    },
    async (request, reply) => {
      assertShape(request)
      const { username, password } = request.body
      const client = await checkSecret(clients, username, password)
      const ctx = await enter(dir, request, client)
      const { access, refresh } = await tokens.logIn(ctx)
      reply.header('cache-control', 'no-store')
      return { access_token: access, refresh_token: refresh }
    },
  )

  app.post<{ Body: { refresh_token: string } }>(
    '/v1/auth/token',
    {
      attachValidation: true,
      config: { operation: 'RefreshToken', open: true },
      schema: {
        operationId: 'refreshToken',
        tags,
        summary: 'Get an access token for a refresh token',
        security: [],
        body: RefreshRequest,
        response: { 200: { ...RefreshResponse, description: 'An access token' }, ...bodyFailures },
      },
    },
    async (request, reply) => {
      assertShape(request)
      const access_token = await tokens.refresh(request.body.refresh_token)
      reply.header('cache-control', 'no-store')
      return { access_token }
    },
  )
}
