import formbody from '@fastify/formbody'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AuthError } from '../../auth/auth-error.ts'
import { checkSecret, readBasic } from '../../auth/basic.ts'
import type { ClientFinder } from '../../auth/clients.ts'
import { type Issuer, SIGNING_ALGORITHM, TOKEN_SECONDS } from '../../auth/issuer.ts'
import { DirectoryError } from '../../model/error.ts'
import { describeApi } from '../openapi.ts'
import type { FailureLog } from '../request.ts'
import { discovery, document, tokenSchema } from './schemas.ts'

const TOKEN_PATH = '/oauth2/v2.0/token'
const JWKS_PATH = '/oauth2/v2.0/keys'
/** A token request is a few short fields. */
const FORM_LIMIT = 16 * 1024

export interface OauthApi {
  readonly clients: ClientFinder
  readonly issuer: Issuer
  readonly log: FailureLog
}

/** The token endpoint (RFC 6749 section 4.4), the key set (RFC 7517) and the discovery documents (RFC 8414, OpenID Connect). */
export async function oauthApi(app: FastifyInstance, parts: OauthApi): Promise<void> {
  const { issuer } = parts
  await describeApi(app, '/openapi/oauth.json', document)
  app.removeAllContentTypeParsers()
  // The form is read by hand: its errors are RFC 6749's, not a schema's.
  app.setValidatorCompiler(() => () => true)
  await app.register(formbody, { bodyLimit: FORM_LIMIT })
  app.setErrorHandler((error: Error, request, reply) => answerError(error, request, reply, parts.log))
  app.post(
    TOKEN_PATH,
    { config: { operation: 'IssueToken' }, schema: tokenSchema },
    async (request, reply) => {
      reply.header('cache-control', 'no-store').header('pragma', 'no-cache')
      return issueToken(parts, request)
    },
  )
  app.get(JWKS_PATH, { schema: discovery('keys', 'The public keys of access tokens') }, () => issuer.jwks())
  for (const name of ['oauth-authorization-server', 'openid-configuration']) {
    const schema = discovery(name, 'Where the token endpoint and the keys are')
    app.get(`/.well-known/${name}`, { schema }, async () => metadata(issuer))
  }
}

/** An error by RFC 6749 section 5.2. */
class TokenError extends Error {
  readonly code: string
  readonly status: number
  /** Whether the client tried Basic; only then does the answer name that scheme. */
  readonly basic: boolean

  constructor(code: string, message: string, options: { status?: number; basic?: boolean } = {}) {
    super(message)
    this.name = 'TokenError'
    this.code = code
    this.status = options.status ?? 400
    this.basic = options.basic ?? false
  }
}

async function issueToken({ clients, issuer }: OauthApi, request: FastifyRequest): Promise<object> {
  const form = readForm(request.body)
  if (form.grant_type === undefined) throw new TokenError('invalid_request', 'grant_type is required')
  const { id, secret, basic } = readCredentials(request, form)
  const client = await checkSecret(clients, id, secret).catch((error) => {
    if (!(error instanceof AuthError)) throw error
    throw new TokenError('invalid_client', error.message, { status: 401, basic })
  })
  if (form.grant_type !== 'client_credentials') {
    throw new TokenError('unsupported_grant_type', 'grant_type must be client_credentials')
  }
  // A token always carries everything that its client may do, which is what the scope '…/.default' asks for.
  if (form.scope !== undefined && !form.scope.endsWith('/.default')) {
    throw new TokenError('invalid_scope', 'scope must end in /.default, or be left out')
  }
  if (client.permission === 'osis') {
    throw new TokenError('unauthorized_client', 'an OSIS client authenticates with Basic and gets no token')
  }
  return {
    token_type: 'Bearer',
    expires_in: TOKEN_SECONDS,
    ext_expires_in: TOKEN_SECONDS,
    access_token: await issuer.issue(client),
  }
}

/** Parameters must not be repeated, and empty ones count as left out (RFC 6749 section 3.2). */
function readForm(body: unknown): Record<string, string | undefined> {
  const form: Record<string, string | undefined> = {}
  for (const [name, value] of Object.entries((body ?? {}) as Record<string, unknown>)) {
    if (typeof value !== 'string') throw new TokenError('invalid_request', `${name} is repeated`)
    if (value !== '') form[name] = value
  }
  return form
}

function readCredentials(
  request: FastifyRequest,
  form: Record<string, string | undefined>,
): { id: string; secret: string; basic: boolean } {
  const { authorization } = request.headers
  const header = readBasic(authorization)
  const missing = new TokenError('invalid_client', 'client_id and client_secret are required', {
    status: 401,
    basic: authorization !== undefined,
  })
  if (header) {
    if (form.client_secret !== undefined)
      throw new TokenError('invalid_request', 'the client authenticates twice')
    return { ...header, basic: true }
  }
  if (form.client_id === undefined || form.client_secret === undefined) throw missing
  return { id: form.client_id, secret: form.client_secret, basic: false }
}

function answerError(error: Error, request: FastifyRequest, reply: FastifyReply, log: FailureLog): void {
  if (error instanceof TokenError) {
    if (error.status === 401)
      reply.header('www-authenticate', error.basic ? 'Basic realm="usher"' : 'Bearer realm="usher"')
    reply.code(error.status).send({ error: error.code, error_description: error.message })
    return
  }
  const status = (error as { statusCode?: number }).statusCode ?? 500
  if (status >= 400 && status < 500) {
    const description =
      status === 415 ? 'the body must be application/x-www-form-urlencoded' : 'the request is malformed'
    reply.code(status).send({ error: 'invalid_request', error_description: description })
    return
  }
  log(request, error)
  const unavailable = error instanceof DirectoryError && error.code === 'store_unavailable'
  reply.code(unavailable ? 503 : 500).send({
    error: unavailable ? 'temporarily_unavailable' : 'server_error',
    error_description: 'try again later',
  })
}

function metadata(issuer: Issuer): object {
  const url = issuer.url()
  return {
    issuer: url,
    token_endpoint: `${url}${TOKEN_PATH}`,
    jwks_uri: `${url}${JWKS_PATH}`,
    grant_types_supported: ['client_credentials'],
    response_types_supported: [],
    token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [SIGNING_ALGORITHM],
  }
}
