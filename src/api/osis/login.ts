import type { SecretCheck } from '../../auth/clients.ts'
import type { OsisTokens } from '../../auth/osis-tokens.ts'
import { Type } from '../../json-schema.ts'
import { BODY_LIMITS } from '../bodies.ts'
import { countTokenRequest, type Limits } from '../limits.ts'
import { openRoute, type Route } from '../route.ts'
import { enter } from './admission.ts'
import { bodyFailures, response } from './schemas.ts'

/** What the routes below need. */
export interface LoginParts {
  readonly checkSecret: SecretCheck
  readonly tokens: OsisTokens
  readonly limits: Limits
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

/**
 * The routes of tokens in bearer mode (section 3.3 of the contract). An operator gets a refresh token, and Object
 * Storage Extension uses it to get access tokens.
 */
export const loginRoutes: readonly Route<LoginParts>[] = [
  openRoute({
    operation: 'CreateRefreshToken',
    method: 'POST',
    url: '/v1/auth/login',
    document: {
      operationId: 'login',
      tags,
      summary: 'Get a first refresh token',
      description:
        'For an operator. The refresh token is good for half a year; `usher token revoke` ends it.',
      security: [],
    },
    bodyLimit: BODY_LIMITS.credentials,
    schemas: { body: LoginRequest },
    responses: { 200: response('Both tokens', LoginResponse), ...bodyFailures },
    async handle({ request, body }, { checkSecret, tokens, limits }) {
      const client = await checkSecret(body.username, body.password)
      countTokenRequest(limits, client.id)
      request.context = enter(client, request)
      const { access, refresh } = await tokens.logIn(request.context)
      return { status: 200, body: { access_token: access, refresh_token: refresh } }
    },
  }),

  openRoute({
    operation: 'RefreshToken',
    method: 'POST',
    url: '/v1/auth/token',
    document: {
      operationId: 'refreshToken',
      tags,
      summary: 'Get an access token for a refresh token',
      description: 'The refresh token stays valid.',
      security: [],
    },
    bodyLimit: BODY_LIMITS.credentials,
    schemas: { body: RefreshRequest },
    responses: { 200: response('An access token', RefreshResponse), ...bodyFailures },
    async handle({ request, body }, { tokens }) {
      const { correlationId, ip: address } = request
      const access = await tokens.refresh(body.refresh_token, { correlationId, address })
      return { status: 200, body: { access_token: access } }
    },
  }),
]
