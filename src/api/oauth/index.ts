import { parse } from 'node:querystring'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import { AuthError } from '../../auth/auth-error.ts'
import { type Credentials, readFormEncodedBasic, type SecretCheck } from '../../auth/clients.ts'
import { type Issuer, SIGNING_ALGORITHM, TOKEN_SECONDS } from '../../auth/issuer.ts'
import { toSecretId } from '../../directory/client-secrets.ts'
import { clientContext } from '../../directory/context.ts'
import type { Directory } from '../../directory/directory.ts'
import { recordIssuedToken } from '../../directory/issued-tokens.ts'
import type { Logger } from '../../logger.ts'
import { DirectoryError } from '../../model/error.ts'
import { foldId, newId } from '../../model/ids.ts'
import { BODY_LIMITS, BodyError, type BodyRooms, OverloadedError, toBodyError } from '../bodies.ts'
import { addErrorHeaders, logFailure, newBodyHook } from '../dialect.ts'
import { countTokenRequest, type FailureWatch, type Limits, TooManyRequestsError } from '../limits.ts'
import { describeApi } from '../openapi.ts'
import { openRoute, type Route } from '../route.ts'
import { DiscoveryDocument, document, Token, TokenForm, tokenFailures } from './schemas.ts'

const TOKEN_PATH = '/oauth2/v2.0/token'
const JWKS_PATH = '/oauth2/v2.0/keys'
const FORM_TYPE = 'application/x-www-form-urlencoded'

/** What the token endpoint needs. */
export interface OauthApi {
  readonly dir: Directory
  readonly checkSecret: SecretCheck
  readonly issuer: Issuer
  /** Returns the URL of the service, without a slash at the end. */
  readonly publicUrl: () => string
  readonly log: Logger
  readonly rooms: BodyRooms
  readonly limits: Limits
}

/**
 * Serves the token endpoint (RFC 6749 section 4.4), the key set (RFC 7517) and the discovery documents (RFC 8414,
 * OpenID Connect).
 */
export async function oauthApi(app: FastifyInstance, parts: OauthApi): Promise<void> {
  describeApi(app, '/openapi/oauth.json', document, parts.publicUrl)
  const { failures } = parts.limits
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.takesBody) failures.assertMayTry(request)
  })
  app.addHook('preParsing', newBodyHook(parts.rooms))
  app.addContentTypeParser<Buffer>(FORM_TYPE, { parseAs: 'buffer' }, (_, body, done) => {
    // The decoder skips a byte-order mark.
    done(null, parse(new TextDecoder().decode(body), '&', '=', { maxKeys: 0 }))
  })
  // The form is checked by hand, because RFC 6749 defines the errors. Its schema only serves the OpenAPI document.
  app.setValidatorCompiler(() => () => true)
  app.setErrorHandler((raw: FastifyError, request, reply) => {
    const error = noteFailure(failures, request, toBodyError(raw, request, FORM_TYPE))
    addErrorHeaders(error, reply)
    if (sendError(error, request, reply)) logFailure(parts.log, request, error)
  })
  for (const declared of routes) app.route(declared(parts))
}

const tags = ['Tokens']
/** Keeps tokens out of caches (RFC 6749 section 5.1). */
const noStore = { 'cache-control': 'no-store', pragma: 'no-cache' }

const routes: readonly Route<OauthApi>[] = [
  openRoute({
    operation: 'IssueToken',
    method: 'POST',
    url: TOKEN_PATH,
    document: {
      operationId: 'IssueToken',
      tags,
      summary: 'Get an access token',
      description:
        'Client credentials (RFC 6749 section 4.4). The client authenticates in the form, or with Basic, but not with both.',
      consumes: [FORM_TYPE],
      security: [{}, { basic: [] }],
    },
    bodyLimit: BODY_LIMITS.credentials,
    schemas: { body: TokenForm },
    responses: { 200: Token, ...tokenFailures },
    handle: async ({ request, body }, parts) => ({
      status: 200,
      headers: noStore,
      body: await issueToken(parts, readForm(body), request),
    }),
  }),

  openRoute({
    method: 'GET',
    url: JWKS_PATH,
    document: {
      operationId: 'keys',
      tags,
      summary: 'The public keys of access tokens',
      description: 'A JSON Web Key Set (RFC 7517).',
    },
    schemas: {},
    responses: { 200: DiscoveryDocument },
    handle: async (_, { issuer }) => ({ status: 200, body: { ...(await issuer.jwks()) } }),
  }),

  ...['oauth-authorization-server', 'openid-configuration'].map((name) =>
    openRoute({
      method: 'GET',
      url: `/.well-known/${name}`,
      document: {
        operationId: name,
        tags,
        summary: 'Where the token endpoint and the keys are',
        description: 'The metadata of the issuer (RFC 8414 section 2).',
      },
      schemas: {},
      responses: { 200: DiscoveryDocument },
      handle: (_, { issuer }: OauthApi) => ({ status: 200, body: toMetadata(issuer.url()) }),
    }),
  ),
]

/** An error of RFC 6749 section 5.2. */
class TokenError extends Error {
  readonly code: string
  readonly status: 400 | 401

  constructor(code: string, message: string, status: 400 | 401 = 400) {
    super(message)
    this.name = 'TokenError'
    this.code = code
    this.status = status
  }
}

/**
 * The client is not authenticated. Only one that used the Authorization header gets a 401 with a challenge: a form is
 * no scheme of HTTP, so there is nothing to challenge it with.
 */
function invalidClient(message: string, { usesHeader }: { readonly usesHeader: boolean }): TokenError {
  return new TokenError('invalid_client', message, usesHeader ? 401 : 400)
}

/**
 * Issues a token to the client of a token request.
 * @throws {TokenError}
 */
async function issueToken(
  { dir, checkSecret, issuer, limits }: OauthApi,
  form: Form,
  request: FastifyRequest,
): Promise<Static<typeof Token>> {
  if (form.grant_type === undefined) throw new TokenError('invalid_request', 'grant_type is required')
  const { id, secret, basic } = readCredentials(form, request.headers.authorization)
  const client = await checkSecret(id, secret).catch((error) => {
    if (!(error instanceof AuthError)) throw error
    throw invalidClient(error.message, { usesHeader: basic })
  })
  countTokenRequest(limits, client.id)
  if (form.grant_type !== 'client_credentials') {
    throw new TokenError('unsupported_grant_type', 'grant_type must be client_credentials')
  }
  // A scope of the form '…/.default' asks for everything that the client may do. Every token allows that.
  if (form.scope !== undefined && !form.scope.endsWith('/.default')) {
    throw new TokenError('invalid_scope', 'scope must end in /.default, or be left out')
  }
  const tokenId = newId()
  await recordIssuedToken(dir, clientContext(client, newId(), request.ip), tokenId).catch((error) => {
    if (!(error instanceof DirectoryError) || error.code !== 'not_permitted') throw error
    throw new TokenError('unauthorized_client', 'an OSIS client authenticates with Basic and gets no token')
  })
  return {
    token_type: 'Bearer',
    expires_in: TOKEN_SECONDS,
    ext_expires_in: TOKEN_SECONDS,
    access_token: await issuer.issue(client, { id: tokenId, secretId: toSecretId(secret) }),
  }
}

type Form = Readonly<Record<string, string | undefined>>

/**
 * Reads the parameters of a token request. An empty parameter counts as absent (RFC 6749 section 3.2).
 * @throws {TokenError} if a parameter is repeated
 */
function readForm(body: unknown): Form {
  const form: Record<string, string | undefined> = {}
  for (const [name, value] of Object.entries((body ?? {}) as Record<string, unknown>)) {
    if (typeof value !== 'string') throw isRepeated(name)
    if (value !== '') form[name] = value
  }
  return form
}

/** The name is in the message only if RFC 6749 section 5.2 allows its characters there. */
function isRepeated(name: string): TokenError {
  const shown = /^[\w.-]{1,50}$/.test(name) ? name : 'a parameter'
  return new TokenError('invalid_request', `${shown} is repeated`)
}

/** Reads the credentials of the client, from the header or from the form, but not from both. */
function readCredentials(form: Form, authorization: string | undefined): Credentials & { basic: boolean } {
  if (/^basic( |$)/i.test(authorization ?? '') && form.client_secret !== undefined)
    throw new TokenError('invalid_request', 'the client authenticates twice')
  const header = readFormEncodedBasic(authorization)
  if (header) {
    if (form.client_id !== undefined && foldId(form.client_id) !== foldId(header.id))
      throw new TokenError('invalid_request', 'client_id is not the client of the Authorization header')
    return { ...header, basic: true }
  }
  if (form.client_id === undefined || form.client_secret === undefined)
    throw invalidClient('client_id and client_secret are required', {
      usesHeader: authorization !== undefined,
    })
  return { id: form.client_id, secret: form.client_secret, basic: false }
}

/** Counts a refused request for a token, and logs it if the client was not authenticated. Returns the error to send. */
function noteFailure(failures: FailureWatch, request: FastifyRequest, error: Error): Error {
  const isToken = error instanceof TokenError
  if (!isToken && !(error instanceof BodyError)) return error
  if (isToken && error.code === 'invalid_client') failures.warn(request, error.message)
  return failures.count(request) ?? error
}

/** Sends an error of RFC 6749 section 5.2. Returns whether it is our fault and must be logged. */
function sendError(error: Error, request: FastifyRequest, reply: FastifyReply): boolean {
  if (request.routeOptions.config.operation === 'IssueToken') reply.headers(noStore)
  const { status, code, message } = toResponse(error)
  if (status === 401) reply.header('www-authenticate', 'Basic realm="usher"')
  reply.code(status).send({ error: code, error_description: message })
  return status >= 500 && !(error instanceof OverloadedError)
}

interface ErrorResponse {
  readonly status: number
  readonly code: string
  readonly message: string
}

const BODY_STATUS = { malformed: 400, too_large: 413, unsupported: 415 } as const

function toResponse(error: Error): ErrorResponse {
  if (error instanceof TokenError) return error
  if (error instanceof BodyError)
    return { status: BODY_STATUS[error.fault], code: 'invalid_request', message: `the body ${error.message}` }
  if (error instanceof TooManyRequestsError)
    return { status: 429, code: 'temporarily_unavailable', message: error.message }
  const { statusCode = 500 } = error as { statusCode?: number }
  if (statusCode < 500)
    return { status: statusCode, code: 'invalid_request', message: 'the request is malformed' }
  const unavailable =
    error instanceof OverloadedError ||
    (error instanceof DirectoryError && error.code === 'store_unavailable')
  return {
    status: unavailable ? 503 : 500,
    code: unavailable ? 'temporarily_unavailable' : 'server_error',
    message: 'try again later',
  }
}

/** The metadata of the issuer (RFC 8414 section 2). */
function toMetadata(url: string): Record<string, unknown> {
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
