import type { Organization } from './organizations.ts'

/** What a client may do: `administrator` and `viewer` speak the partner portal's API, `osis` the OSIS API. */
export const PERMISSIONS = ['administrator', 'viewer', 'osis'] as const
export type Permission = (typeof PERMISSIONS)[number]

/** The caller of an operation: a program, a signed-in user, or the operator at the command line. */
export type Caller =
  | { readonly kind: 'client'; readonly pk: number; readonly id: string }
  /** `session` is the id of the session in which the person calls. */
  | { readonly kind: 'person'; readonly id: string; readonly session?: string }
  | { readonly kind: 'operator' }

export const CALLER_KINDS = ['client', 'person', 'operator'] as const satisfies readonly Caller['kind'][]
export type CallerKind = Caller['kind']

/** A caller as the audit log names it: without the primary key of its row. */
export type CallerName =
  | { readonly kind: 'client' | 'person'; readonly id: string }
  | { readonly kind: 'operator' }

/** A call that its caller may repeat without doing it twice. */
export interface IdempotentCall {
  /** The caller's own name for the call. */
  readonly key: string
  /** A hash of the request, the same for each spelling of it. A key that was used for another request is refused. */
  readonly fingerprint: string
  /** Set by the unit that runs with the key: it records its result, so a call may have only one such unit. */
  used?: true
}

/** The circumstances of one operation: who calls, for which organization, and through which portal. */
export interface Context {
  readonly caller: Caller
  /** Bounds what the caller reaches: the caller's own organization, narrowed by the portal. */
  readonly organization: Organization
  readonly permission: Permission
  /** The portal's domain; null for a call without a portal. */
  readonly portal: string | null
  /** A UUID that stands in every audit entry and log line of the call. */
  readonly correlationId: string
  /** The source address of the request; null for the command line, and for what the program does by itself. */
  readonly address: string | null
  /** Set if the caller sent an idempotency key. */
  readonly idempotency?: IdempotentCall | undefined
}
