import type { FastifyReply, FastifyRequest } from 'fastify'
import { AuthError } from '../../auth/auth-error.ts'
import { LinkError } from '../../auth/sign-in-links.ts'
import { StaleUserError } from '../../directory/stale-user.ts'
import { DirectoryError, type ErrorCode, type Issue } from '../../model/error.ts'
import { BodyError, OverloadedError } from '../bodies.ts'
import { UnknownPathError } from '../dialect.ts'
import { toEtag } from '../etag.ts'
import { TooManyRequestsError } from '../limits.ts'
import { collectIssues } from '../validation.ts'
import type { Problem, ProblemCode, ProblemType } from './contract/parts.ts'
import { RefusedRequestError } from './guard.ts'

type Status = 400 | 401 | 403 | 404 | 409 | 412 | 413 | 415 | 421 | 429 | 500 | 503

/** The status of each error code of the directory. */
const STATUSES: Readonly<Record<ErrorCode, Status>> = {
  invalid: 400,
  not_permitted: 403,
  portal_not_in_context: 403,
  already_set_up: 409,
  organization_not_found: 404,
  customer_not_found: 404,
  reseller_not_found: 404,
  reseller_not_own: 403,
  relation_not_found: 404,
  reseller_not_related: 409,
  portal_not_found: 404,
  domain_taken: 409,
  user_not_found: 404,
  user_erased: 409,
  user_not_deleted: 409,
  email_taken: 409,
  email_ambiguous: 409,
  last_administrator: 409,
  oneself: 409,
  id_taken: 409,
  group_not_found: 400,
  client_not_found: 404,
  client_not_rotatable: 409,
  external_id_taken: 409,
  organization_not_empty: 409,
  tenant_not_found: 404,
  tenant_exists: 409,
  tenant_not_empty: 409,
  tenant_not_movable: 409,
  no_tenant: 409,
  account_not_found: 404,
  account_not_empty: 409,
  account_being_removed: 503,
  credential_not_found: 404,
  too_many_credentials: 409,
  refresh_token_not_found: 404,
  orgs_on_several_tenants: 409,
  webhook_not_found: 404,
  too_many_webhooks: 409,
  job_not_found: 404,
  import_not_found: 404,
  job_ended: 409,
  session_not_found: 404,
  link_not_valid: 403,
  person_not_found: 403,
  person_not_permitted: 403,
  email_not_verified: 403,
  idempotency_key_reused: 409,
  precondition_failed: 412,
  platform_unavailable: 503,
  store_unavailable: 503,
}

const TYPES: Readonly<Record<Status, ProblemType>> = {
  400: 'ValidationError',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  412: 'PreconditionFailed',
  413: 'PayloadTooLarge',
  415: 'UnsupportedMediaType',
  421: 'MisdirectedRequest',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'Unavailable',
}

const REFUSED = { wrong_host: 421, insecure: 403, cross_site: 403 } as const
const BODY = {
  malformed: { status: 400, code: 'body' },
  too_large: { status: 413, code: 'too_large' },
  unsupported: { status: 415, code: 'unsupported' },
} as const

interface ErrorResponse {
  readonly status: Status
  readonly code: ProblemCode
  readonly description: string
  readonly issues?: readonly Issue[]
}

/**
 * Sends an error in the console's model.
 * @returns whether it is our fault and must be logged
 */
export function sendError(error: Error, request: FastifyRequest, reply: FastifyReply): boolean {
  const { status, code, description, issues = [] } = toResponse(error, request)
  const body: Problem = {
    statusCode: status,
    type: TYPES[status],
    code,
    description,
    correlationId: request.correlationId,
    errors: issues
      .map(({ path, rule, params = {}, message }) => ({
        propertyName: path,
        rule,
        params,
        description: message,
      }))
      .sort((one, other) => (one.propertyName < other.propertyName ? -1 : 1)),
    ...(error instanceof DirectoryError && toDetails(error)),
  }
  reply.code(status).send(body)
  return status >= 500 && !(error instanceof OverloadedError)
}

/** Returns what shows the way out of a conflict. */
function toDetails(error: DirectoryError): Pick<Problem, 'existing' | 'current'> {
  const { existing } = error
  return {
    ...(existing !== undefined && { existing: { userId: existing } }),
    ...(error instanceof StaleUserError && { current: toCurrent(error) }),
  }
}

function toCurrent({ user, groups }: StaleUserError): Problem['current'] & {} {
  const { firstName, lastName, email, active, updatedAt } = user
  return {
    etag: toEtag(user),
    ...{ firstName, lastName, email, active, updatedAt },
    groups: groups.map(({ id, name }) => ({ id, name })),
  }
}

function toResponse(error: Error, request: FastifyRequest): ErrorResponse {
  if (error instanceof DirectoryError) {
    const { code, message, issues } = error
    const description = code === 'invalid' ? 'The request is not valid.' : message
    return { status: STATUSES[code], code, description, issues }
  }
  const description = error.message
  if (error instanceof LinkError) return { status: 403, code: 'link_not_valid', description }
  if (error instanceof AuthError) return { status: 401, code: 'not_signed_in', description }
  if (error instanceof RefusedRequestError)
    return { status: REFUSED[error.code], code: error.code, description }
  if (error instanceof UnknownPathError) return { status: 404, code: 'unknown_path', description }
  if (error instanceof BodyError) return toBodyResponse(error, request)
  if (error instanceof TooManyRequestsError) return { status: 429, code: 'too_many_requests', description }
  if (error instanceof OverloadedError) return { status: 503, code: 'overloaded', description }
  const status = (error as { statusCode?: number }).statusCode ?? 500
  if (status >= 400 && status < 500)
    return { status: 400, code: 'body', description: 'The request is malformed.' }
  // An unknown error is our fault, and the response says nothing about the internals.
  return { status: 500, code: 'internal', description: 'Something went wrong on our side.' }
}

function toBodyResponse({ fault, message }: BodyError, request: FastifyRequest): ErrorResponse {
  const description = `The body ${message}.`
  const response = { ...BODY[fault], description }
  if (fault !== 'malformed') return response
  const others = collectIssues(request, ['params', 'querystring', 'headers'])
  return { ...response, issues: [...others, { path: 'body', rule: 'json', message }] }
}
