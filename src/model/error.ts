import type { IssueRule } from './rules.ts'

/** One broken rule of one member of the input. */
export interface Issue {
  /** The member, by its name in the model: `firstName`, `groupIds[2]`. Dialects translate it with `renamePath`. */
  readonly path: string
  readonly rule: IssueRule
  /** The rest of a sentence that begins with the member's name: `must not be empty`. It never repeats a secret. */
  readonly message: string
  /** What the rule was given, for texts in other languages; see `RuleParams`. */
  readonly params?: Readonly<Record<string, string | number>>
}

/** The closed list of reasons for a refusal. A new code does not compile until each dialect has a response for it. */
export const ERROR_CODES = [
  'invalid',
  'not_permitted',
  'portal_not_in_context',
  'already_set_up',
  'organization_not_found',
  'customer_not_found',
  'reseller_not_found',
  'reseller_not_own',
  'reseller_not_related',
  'relation_not_found',
  'portal_not_found',
  'domain_taken',
  'user_not_found',
  'user_not_deleted',
  'user_erased',
  'email_taken',
  'email_ambiguous',
  'last_administrator',
  'oneself',
  'id_taken',
  'group_not_found',
  'client_not_found',
  'client_not_rotatable',
  'external_id_taken',
  'organization_not_empty',
  'tenant_not_found',
  'tenant_exists',
  'tenant_not_empty',
  'tenant_not_movable',
  'orgs_on_several_tenants',
  'no_tenant',
  'account_not_found',
  'account_not_empty',
  'account_being_removed',
  'credential_not_found',
  'too_many_credentials',
  'refresh_token_not_found',
  'webhook_not_found',
  'too_many_webhooks',
  'job_not_found',
  'import_not_found',
  'job_ended',
  'idempotency_key_reused',
  'precondition_failed',
  'session_not_found',
  'link_not_valid',
  'person_not_found',
  'person_not_permitted',
  'email_not_verified',
  'platform_unavailable',
  'store_unavailable',
] as const
export type ErrorCode = (typeof ERROR_CODES)[number]

/** The ids of what a refused call was about. */
export interface RefusalSubject {
  readonly organization: string
  readonly target: string
  readonly reseller: string | null
}

/** A refusal of the directory. It knows no HTTP: each dialect has one table that translates the code. */
export class DirectoryError extends Error {
  readonly code: ErrorCode
  readonly issues: readonly Issue[]
  /** What the refused call was about, for its audit entry, if the directory found more than the caller named. */
  about: RefusalSubject | undefined
  /** The id of the user who has the value that must be unique, if the caller reaches them. */
  existing: string | undefined

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
 * Throws if there are issues.
 * @throws {DirectoryError} `invalid`, which holds all of them
 */
export function assertValid(issues: readonly Issue[]): void {
  if (issues.length > 0) throw toInvalid(issues)
}

/** Makes the refusal of an input with issues: the error `invalid`, which holds all of them. */
export function toInvalid(issues: readonly Issue[]): DirectoryError {
  const message = issues.map((issue) => `${issue.path} ${issue.message}`).join('; ')
  return new DirectoryError('invalid', message, { issues })
}

/**
 * Translates the path of an issue into the names that a caller uses.
 * @param names the caller's name for a path, with `[]` in place of each index: `{ 'groupIds[]': 'groups[].id' }`.
 *   A path without an entry stays as it is
 */
export function renamePath(path: string, names: Readonly<Record<string, string>>): string {
  const indexes = path.match(/\[\d+\]/g) ?? []
  const name = names[path.replace(/\[\d+\]/g, '[]')]
  return name?.replace(/\[\]/g, () => indexes.shift() ?? '') ?? path
}
