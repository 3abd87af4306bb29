/** One thing that is wrong with one member of the input. `path` is written as the caller wrote the input: `groups[2].id`. */
export interface Issue {
  readonly path: string
  /** Machine-readable name of the rule that was broken, for example `maxLength`. */
  readonly rule: string
  /** A sentence for people. It never repeats a secret. */
  readonly message: string
}

/** Every way in which the directory refuses. The list is closed: a new code does not compile until each dialect has an answer for it. */
export type ErrorCode =
  | 'invalid'
  | 'not_permitted'
  | 'portal_not_in_context'
  | 'already_set_up'
  | 'organization_not_found'
  | 'customer_not_found'
  | 'reseller_not_found'
  | 'reseller_not_own'
  | 'reseller_not_related'
  | 'portal_not_found'
  | 'domain_taken'
  | 'user_not_found'
  | 'email_taken'
  | 'id_taken'
  | 'group_not_found'
  | 'client_not_found'
  | 'external_id_taken'
  | 'organization_not_empty'
  | 'tenant_not_found'
  | 'tenant_exists'
  | 'tenant_not_empty'
  | 'orgs_on_several_tenants'
  | 'account_not_empty'
  | 'account_being_removed'
  | 'credential_not_found'
  | 'too_many_credentials'
  | 'refresh_token_not_found'
  | 'idempotency_key_reused'
  | 'platform_unavailable'
  | 'store_unavailable'

/** A broken rule of the directory. It knows neither HTTP nor a dialect; each dialect has one table that translates the code. */
export class DirectoryError extends Error {
  readonly code: ErrorCode
  readonly issues: readonly Issue[]

  constructor(
    code: ErrorCode,
    message: string,
    options: { issues?: readonly Issue[]; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'DirectoryError'
    this.code = code
    this.issues = options.issues ?? []
  }
}

/**
 * Throws when there are issues.
 * @throws {DirectoryError} `invalid`, carrying all of them
 */
export function assertValid(issues: readonly Issue[]): void {
  if (issues.length === 0) return
  const message = issues.map((issue) => `${issue.path} ${issue.message}`).join('; ')
  throw new DirectoryError('invalid', message, { issues })
}
