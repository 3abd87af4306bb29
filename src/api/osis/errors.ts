import type { Static } from 'typebox'
import { AuthError, ExpiredError } from '../../auth/auth-error.ts'
import { DirectoryError, type ErrorCode, type Issue } from '../../model/error.ts'
import { BodyError, type BodyFault, OverloadedError } from '../bodies.ts'
import { type Dialect, UnknownPathError } from '../dialect.ts'
import { TooManyRequestsError } from '../limits.ts'
import { usesBearer } from './admission.ts'
import { toWireName } from './names.ts'
import type { OsisError, OsisErrorCode, Unauthorized } from './schemas.ts'
import type { AuthMode } from './settings.ts'

interface ErrorResponse {
  readonly status: number
  readonly code: OsisErrorCode
}

const BAD_REQUEST: ErrorResponse = { status: 400, code: 'E_BAD_REQUEST' }
const FORBIDDEN: ErrorResponse = { status: 403, code: 'E_FORBIDDEN' }
const NOT_FOUND: ErrorResponse = { status: 404, code: 'E_NOT_FOUND' }
const CONFLICT: ErrorResponse = { status: 409, code: 'E_CONFLICT' }

/** The response of this dialect to each error code of the directory. */
const RESPONSES: Readonly<Record<ErrorCode, ErrorResponse>> = {
  invalid: BAD_REQUEST,
  not_permitted: FORBIDDEN,
  portal_not_in_context: FORBIDDEN,
  already_set_up: CONFLICT,
  organization_not_found: NOT_FOUND,
  customer_not_found: NOT_FOUND,
  reseller_not_found: NOT_FOUND,
  reseller_not_own: FORBIDDEN,
  relation_not_found: NOT_FOUND,
  reseller_not_related: FORBIDDEN,
  portal_not_found: NOT_FOUND,
  domain_taken: CONFLICT,
  user_not_found: NOT_FOUND,
  user_erased: CONFLICT,
  user_not_deleted: CONFLICT,
  email_ambiguous: BAD_REQUEST,
  last_administrator: CONFLICT,
  oneself: CONFLICT,
  email_taken: CONFLICT,
  id_taken: CONFLICT,
  group_not_found: BAD_REQUEST,
  client_not_found: NOT_FOUND,
  client_not_rotatable: CONFLICT,
  external_id_taken: CONFLICT,
  organization_not_empty: CONFLICT,
  tenant_not_found: NOT_FOUND,
  tenant_exists: CONFLICT,
  tenant_not_empty: CONFLICT,
  tenant_not_movable: CONFLICT,
  no_tenant: CONFLICT,
  account_not_found: NOT_FOUND,
  account_not_empty: CONFLICT,
  account_being_removed: { status: 503, code: 'E_PLATFORM' },
  credential_not_found: NOT_FOUND,
  too_many_credentials: CONFLICT,
  refresh_token_not_found: NOT_FOUND,
  orgs_on_several_tenants: BAD_REQUEST,
  webhook_not_found: NOT_FOUND,
  too_many_webhooks: CONFLICT,
  job_not_found: NOT_FOUND,
  import_not_found: NOT_FOUND,
  job_ended: BAD_REQUEST,
  session_not_found: NOT_FOUND,
  link_not_valid: FORBIDDEN,
  person_not_found: FORBIDDEN,
  person_not_permitted: FORBIDDEN,
  email_not_verified: FORBIDDEN,
  idempotency_key_reused: BAD_REQUEST,
  precondition_failed: CONFLICT,
  platform_unavailable: { status: 503, code: 'E_PLATFORM' },
  store_unavailable: { status: 503, code: 'E_INTERNAL' },
}

/** An operation of the specification that this service does not implement. */
export class NotImplementedError extends Error {
  constructor(operation: string) {
    super(`${operation} is not implemented.`)
    this.name = 'NotImplementedError'
  }
}

/** Creates the function that sends an error as an OsisError. It returns whether the error is our fault. */
export function newErrorSender(authModes: readonly AuthMode[]): Dialect['sendError'] {
  const challenges = authModes.map((mode) => CHALLENGES[mode])
  return (error, request, reply) => {
    const { status, code, message } = toResponse(error)
    reply.code(status)
    if (error instanceof AuthError) {
      const { open = false, operation } = request.routeOptions.config
      const asBearer = open || usesBearer(authModes, request)
      const atLogin = operation === 'CreateRefreshToken'
      const body = asBearer ? toUnauthorized(error, { atLogin }) : { code, message }
      reply.header('www-authenticate', challenges).send(body)
    } else {
      const body: Static<typeof OsisError> = { code, message }
      reply.send(body)
    }
    return status >= 500 && !(error instanceof NotImplementedError || error instanceof OverloadedError)
  }
}

const CHALLENGES: Readonly<Record<AuthMode, string>> = {
  basic: 'Basic realm="usher", charset="UTF-8"',
  bearer: 'Bearer realm="usher"',
}

/** Makes the body of a 401 in bearer mode. Section 3.3 of the contract allows only these three messages. */
function toUnauthorized(
  error: AuthError,
  { atLogin }: { readonly atLogin: boolean },
): Static<typeof Unauthorized> {
  const expired = error instanceof ExpiredError
  const refused = atLogin ? 'Invalid username or password' : 'Authentication failed'
  return {
    code: 'E_UNAUTHORIZED',
    message: expired ? 'Token has expired' : refused,
    status: 401,
    error_code: expired ? 2 : 1,
    timestamp: new Date().toISOString(),
  }
}

const BODY_STATUS: Readonly<Record<BodyFault, number>> = { malformed: 400, too_large: 413, unsupported: 415 }

function toResponse(error: Error): ErrorResponse & { message: string } {
  if (error instanceof DirectoryError) {
    const message = error.issues.length > 0 ? joinIssues(error.issues) : error.message
    return { ...RESPONSES[error.code], message }
  }
  if (error instanceof AuthError) return { status: 401, code: 'E_UNAUTHORIZED', message: error.message }
  if (error instanceof UnknownPathError) return { ...NOT_FOUND, message: error.message }
  if (error instanceof NotImplementedError)
    return { status: 501, code: 'E_NOT_IMPLEMENTED', message: error.message }
  if (error instanceof BodyError) {
    return { status: BODY_STATUS[error.fault], code: 'E_BAD_REQUEST', message: `the body ${error.message}` }
  }
  if (error instanceof TooManyRequestsError)
    return { status: 429, code: 'E_TOO_MANY_REQUESTS', message: error.message }
  if (error instanceof OverloadedError) return { status: 503, code: 'E_INTERNAL', message: error.message }
  const status = (error as { statusCode?: number }).statusCode ?? 500
  if (status >= 400 && status < 500) return { ...BAD_REQUEST, message: 'the request is malformed' }
  return { status: 500, code: 'E_INTERNAL', message: 'something went wrong on our side' }
}

/** Joins all issues in their order, because an OsisError has only one message. */
function joinIssues(issues: readonly Issue[]): string {
  return [...new Set(issues.map(({ path, message }) => `${toWireName(path)} ${message}`))].join('; ')
}
