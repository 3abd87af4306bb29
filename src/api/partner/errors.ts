import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import { AuthError, IssuerUnavailableError } from '../../auth/auth-error.ts'
import { DirectoryError, type ErrorCode, type Issue } from '../../model/error.ts'
import { BodyError, OverloadedError } from '../bodies.ts'
import { UnknownPathError } from '../dialect.ts'
import { TooManyRequestsError } from '../limits.ts'
import { collectIssues } from '../validation.ts'
import { toWireName } from './names.ts'
import type { ErrorModel, ErrorType } from './schemas.ts'

/** The response of this dialect to each error code of the directory. A 401 or 403 has no body and therefore no type. */
const RESPONSES: Readonly<Record<ErrorCode, { readonly status: number; readonly type: ErrorType | null }>> = {
  invalid: { status: 400, type: 'ValidationError' },
  not_permitted: { status: 403, type: null },
  portal_not_in_context: { status: 403, type: null },
  already_set_up: { status: 400, type: 'Conflict' },
  organization_not_found: { status: 404, type: 'NotFound' },
  customer_not_found: { status: 404, type: 'NotFound' },
  reseller_not_found: { status: 404, type: 'NotFound' },
  reseller_not_own: { status: 403, type: null },
  relation_not_found: { status: 404, type: 'NotFound' },
  reseller_not_related: { status: 403, type: null },
  portal_not_found: { status: 404, type: 'NotFound' },
  domain_taken: { status: 400, type: 'Conflict' },
  user_not_found: { status: 404, type: 'NotFound' },
  user_erased: { status: 400, type: 'Conflict' },
  user_not_deleted: { status: 400, type: 'Conflict' },
  email_taken: { status: 400, type: 'Conflict' },
  email_ambiguous: { status: 400, type: 'Conflict' },
  last_administrator: { status: 400, type: 'Conflict' },
  oneself: { status: 400, type: 'Conflict' },
  id_taken: { status: 400, type: 'Conflict' },
  group_not_found: { status: 400, type: 'ValidationError' },
  client_not_found: { status: 404, type: 'NotFound' },
  client_not_rotatable: { status: 400, type: 'Conflict' },
  external_id_taken: { status: 400, type: 'Conflict' },
  organization_not_empty: { status: 400, type: 'Conflict' },
  tenant_not_found: { status: 404, type: 'NotFound' },
  tenant_exists: { status: 400, type: 'Conflict' },
  tenant_not_empty: { status: 400, type: 'Conflict' },
  tenant_not_movable: { status: 400, type: 'Conflict' },
  no_tenant: { status: 400, type: 'Conflict' },
  account_not_found: { status: 404, type: 'NotFound' },
  account_not_empty: { status: 400, type: 'Conflict' },
  account_being_removed: { status: 503, type: 'Unavailable' },
  credential_not_found: { status: 404, type: 'NotFound' },
  too_many_credentials: { status: 400, type: 'Conflict' },
  refresh_token_not_found: { status: 404, type: 'NotFound' },
  orgs_on_several_tenants: { status: 400, type: 'Conflict' },
  webhook_not_found: { status: 404, type: 'NotFound' },
  too_many_webhooks: { status: 400, type: 'Conflict' },
  job_not_found: { status: 404, type: 'NotFound' },
  import_not_found: { status: 404, type: 'NotFound' },
  job_ended: { status: 400, type: 'Conflict' },
  session_not_found: { status: 404, type: 'NotFound' },
  link_not_valid: { status: 403, type: null },
  person_not_found: { status: 403, type: null },
  person_not_permitted: { status: 403, type: null },
  email_not_verified: { status: 403, type: null },
  idempotency_key_reused: { status: 400, type: 'Conflict' },
  precondition_failed: { status: 412, type: 'PreconditionFailed' },
  platform_unavailable: { status: 503, type: 'Unavailable' },
  store_unavailable: { status: 503, type: 'Unavailable' },
}

interface ErrorResponse {
  readonly status: number
  readonly type: ErrorType | null
  readonly description: string
  readonly issues: readonly Issue[]
}

/**
 * Sends an error in the partner portal's model.
 * @returns whether it is our fault and must be logged
 */
export function sendError(error: Error, request: FastifyRequest, reply: FastifyReply): boolean {
  const response = toResponse(error, request)
  reply.code(response.status)
  if (error instanceof AuthError) reply.header('www-authenticate', challenge(error))
  if (response.type === null) {
    reply.send()
    return false
  }
  const body: Static<typeof ErrorModel> = {
    statusCode: response.status,
    type: response.type,
    description: response.description,
    correlationId: String(reply.getHeader('x-correlation-id')),
    errors: byProperty(response.issues),
  }
  reply.send(body)
  // The key set logs an outage once, and not for every request.
  return (
    response.status >= 500 && !(error instanceof IssuerUnavailableError || error instanceof OverloadedError)
  )
}

function toResponse(error: Error, request: FastifyRequest): ErrorResponse {
  if (error instanceof DirectoryError) {
    const { status, type } = RESPONSES[error.code]
    return { status, type, description: describeRefusal(error), issues: error.issues }
  }
  if (error instanceof AuthError) return { status: 401, type: null, description: '', issues: [] }
  if (error instanceof IssuerUnavailableError) {
    return {
      status: 503,
      type: 'Unavailable',
      description: 'The token cannot be checked at the moment.',
      issues: [],
    }
  }
  if (error instanceof UnknownPathError)
    return { status: 404, type: 'NotFound', description: error.message, issues: [] }
  if (error instanceof BodyError) return toBodyResponse(error, request)
  if (error instanceof TooManyRequestsError)
    return { status: 429, type: 'TooManyRequests', description: error.message, issues: [] }
  if (error instanceof OverloadedError)
    return { status: 503, type: 'Unavailable', description: error.message, issues: [] }
  const status = (error as { statusCode?: number }).statusCode ?? 500
  if (status >= 400 && status < 500) {
    return { status: 400, type: 'ValidationError', description: 'The request is malformed.', issues: [] }
  }
  // An unknown error is our fault, and the response says nothing about the internals.
  return { status: 500, type: 'InternalError', description: 'Something went wrong on our side.', issues: [] }
}

function describeRefusal({ code, message, issues }: DirectoryError): string {
  if (code === 'invalid') return 'The request is not valid.'
  const [issue] = issues
  if (code === 'idempotency_key_reused' && issue) return `The ${toWireName(issue.path)} ${issue.message}.`
  return message
}

function toBodyResponse({ fault, message }: BodyError, request: FastifyRequest): ErrorResponse {
  const description = `The body ${message}.`
  if (fault === 'too_large') return { status: 413, type: 'PayloadTooLarge', description, issues: [] }
  if (fault === 'unsupported') return { status: 415, type: 'UnsupportedMediaType', description, issues: [] }
  // The other parts of the request are checked too, so that one response names everything that is wrong.
  const others = collectIssues(request, ['params', 'querystring', 'headers'])
  const issues: Issue[] = [...others, { path: 'body', rule: 'json', message }]
  return { status: 400, type: 'ValidationError', description: 'The request is not valid.', issues }
}

/** Returns the value of `WWW-Authenticate` (RFC 6750 section 3). */
function challenge(error: AuthError): string {
  const realm = 'Bearer realm="usher"'
  return error.presented ? `${realm}, error="invalid_token", error_description="${error.message}"` : realm
}

/** Groups issues by property, and orders the groups by the name of the property, as the error model demands. */
function byProperty(issues: readonly Issue[]): Static<typeof ErrorModel>['errors'] {
  const texts = new Map<string, Set<string>>()
  for (const { path, message } of issues) {
    const name = toWireName(path)
    const of = texts.get(name) ?? new Set()
    texts.set(name, of.add(message))
  }
  return [...texts]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([propertyName, description]) => ({ propertyName, description: [...description] }))
}
