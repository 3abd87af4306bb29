import type { EntryOutcome, Operation } from './audit.ts'
import type { CauseCode } from './causes.ts'
import type { CallerKind, Permission } from './context.ts'
import type { OrganizationKind } from './organizations.ts'
import type { DriftKind, Health } from './platforms.ts'

// Explanations are codes with parameters. The texts belong to those who show them: the command line and the console.

/** What must hold for a user's storage to work, in the order in which it is checked. */
export const USER_STEPS = [
  'user_exists',
  'user_active',
  'organization_active',
  'tenant_exists',
  'org_mapped',
  'account_exists',
  'account_active',
  'platform_configured',
  'platform_well',
  'applied',
  'key_exists',
  'key_opens',
  'platform_agrees',
  'quota_left',
] as const

/** What must hold for a request to have done what it was to do. */
export const REQUEST_STEPS = [
  'request_known',
  'request_permitted',
  'request_accepted',
  'request_applied',
] as const

/** What must hold for a caller to run an operation on a thing. */
export const ACCESS_STEPS = [
  'caller_known',
  'caller_active',
  'caller_has_role',
  'portal_in_context',
  'operation_permitted',
  'target_known',
  'target_in_reach',
] as const

export const STEP_CODES = [...USER_STEPS, ...REQUEST_STEPS, ...ACCESS_STEPS] as const
export type StepCode = (typeof STEP_CODES)[number]

/** `not_needed`: the step says nothing here. `unknown`: an earlier step is `no`, or it was not looked at. */
export const STEP_STATES = ['yes', 'no', 'unknown', 'not_needed'] as const
export type StepState = (typeof STEP_STATES)[number]

/** When something was done, ISO 8601, and by whom; null if that is not known, or the reader must not know. */
export interface Done {
  readonly at: string | null
  readonly by: string | null
}

/** An account that its platform does not have in its desired state yet. */
interface Unapplied {
  /** When the change was made, ISO 8601. */
  readonly since: string
  readonly attempts: number
  readonly cause: CauseCode | null
  /** The platform's own words; null for readers below the provider. */
  readonly error: string | null
  /** When the next attempt is due, ISO 8601. */
  readonly nextAt: string
}

/** Why a step is `no`, and for some codes why it is `unknown`, with what a text about it needs. */
export interface ReasonParams {
  user_deleted: { readonly at: string | null; readonly by: string | null }
  user_erased: { readonly at: string }
  user_suspended: Done
  organization_deleted: Readonly<Record<string, never>>
  organization_suspended: Done
  no_tenant: { readonly customer: string }
  no_org: { readonly tenantId: string }
  not_named: { readonly tenantId: string }
  not_given: { readonly tenantId: string }
  being_removed: { readonly since: string; readonly purge: boolean }
  account_removed: { readonly since: string }
  account_suspended: Done
  not_configured: { readonly platform: string }
  platform_ill: { readonly platform: string; readonly health: Health; readonly reason: string | null }
  health_not_known: { readonly platform: string }
  waiting: Unapplied
  failing: Unapplied
  parked: Unapplied
  no_key: Readonly<Record<string, never>>
  keys_disabled: { readonly keys: number }
  secret_lost: { readonly accessKey: string; readonly lost: number }
  drift: { readonly kinds: readonly DriftKind[] }
  not_compared: { readonly error: string | null }
  quota_used: { readonly usedBytes: number; readonly quotaBytes: number; readonly readAt: string | null }

  not_recorded: { readonly correlationId: string }
  refused: { readonly operation: Operation; readonly code: EntryOutcome }
  not_applied: { readonly waiting: number; readonly failed: number }

  caller_not_found: { readonly id: string }
  caller_suspended: { readonly organization: string }
  person_cannot_enter: { readonly kind: OrganizationKind }
  person_without_role: { readonly groups: readonly string[] }
  portal_refused: { readonly portal: string }
  /** What of the caller would have to differ, and the values that would do. */
  permission: { readonly has: Permission; readonly needed: readonly Permission[] }
  organization_kind: { readonly has: OrganizationKind; readonly needed: readonly OrganizationKind[] }
  caller_kind: { readonly has: CallerKind; readonly needed: readonly CallerKind[] }
  target_not_found: { readonly id: string }
  /** The thing belongs to an organization that is not below the caller's. */
  other_organization: { readonly organization: string }
  /** The thing belongs to a customer that has no relation to the reseller. */
  not_related: { readonly customer: string; readonly reseller: string }
  /** The user is in the context of another reseller of the same customer. */
  other_context: { readonly customer: string }
}

export const REASON_CODES = [
  'user_deleted',
  'user_erased',
  'user_suspended',
  'organization_deleted',
  'organization_suspended',
  'no_tenant',
  'no_org',
  'not_named',
  'not_given',
  'being_removed',
  'account_removed',
  'account_suspended',
  'not_configured',
  'platform_ill',
  'health_not_known',
  'waiting',
  'failing',
  'parked',
  'no_key',
  'keys_disabled',
  'secret_lost',
  'drift',
  'not_compared',
  'quota_used',
  'not_recorded',
  'refused',
  'not_applied',
  'caller_not_found',
  'caller_suspended',
  'person_cannot_enter',
  'person_without_role',
  'portal_refused',
  'permission',
  'organization_kind',
  'caller_kind',
  'target_not_found',
  'other_organization',
  'not_related',
  'other_context',
] as const satisfies readonly (keyof ReasonParams)[]
export type ReasonCode = (typeof REASON_CODES)[number]

/** A reason with its parameters. */
export type Reason = { [C in ReasonCode]: { readonly code: C; readonly params: ReasonParams[C] } }[ReasonCode]

/** One step of an explanation. */
export interface Step {
  readonly code: StepCode
  readonly state: StepState
  /** Why it is `no`, or could not be looked at; null for other steps. */
  readonly reason: Reason | null
}

/** What can be done next. Commands and routes are made of it, so it names what they need. */
export interface NextParams {
  restore_user: { readonly userId: string }
  add_user: { readonly organizationId: string }
  resume_user: { readonly userId: string }
  resume_customer: { readonly organizationId: string }
  add_tenant: { readonly organizationId: string }
  map_org: { readonly tenantId: string }
  give_account: { readonly userId: string }
  resume_account: { readonly userId: string }
  retry_account: { readonly userId: string }
  mend_account: { readonly userId: string }
  add_key: { readonly userId: string }
  enable_key: { readonly userId: string; readonly accessKey: string }
  delete_key: { readonly userId: string; readonly accessKey: string }
  join_group: { readonly userId: string }
  relate_customer: { readonly organizationId: string; readonly resellerId: string }
  add_client: { readonly organizationId: string; readonly permission: Permission }
  explain_user: { readonly userId: string }
  explain_access: { readonly caller: string; readonly operation: Operation }
  open_storage: { readonly tenantId: string }
  wait: { readonly until: string | null }
  set_up_platform: { readonly platform: string }
  mend_platform: { readonly platform: string }
  free_space: { readonly userId: string }
  correct_request: { readonly code: EntryOutcome }
  look_at_log: { readonly correlationId: string }
  /** The caller may do none of what helps; others may. */
  ask_administrator: { readonly step: NextCode }
  ask_provider: { readonly step: NextCode }
  ask_operator: { readonly step: NextCode }
}

export type NextCode = keyof NextParams

/** A next step with its parameters. */
export type NextStep = { [C in NextCode]: { readonly code: C; readonly params: NextParams[C] } }[NextCode]

/**
 * The operation of each next step. Null for one that needs no operation of Usher; `operator` for what is done with
 * settings and at the platform itself.
 */
export const NEXT_OPERATIONS: Readonly<Record<NextCode, Operation | 'operator' | null>> = {
  restore_user: 'RestoreUser',
  add_user: 'CreateUser',
  resume_user: 'ResumeUser',
  resume_customer: 'ResumeCustomer',
  add_tenant: 'UpdateTenantAccounts',
  map_org: null,
  give_account: 'CreateUserAccount',
  resume_account: 'UpdateUserAccount',
  retry_account: 'RetryUser',
  mend_account: 'MendAccount',
  add_key: 'CreateUserCredential',
  enable_key: 'UpdateUserCredential',
  delete_key: 'DeleteUserCredential',
  join_group: 'UpdateUser',
  relate_customer: 'RelateOrganization',
  add_client: 'CreateClient',
  explain_user: 'ExplainUser',
  explain_access: 'ExplainAccess',
  open_storage: null,
  wait: null,
  set_up_platform: 'operator',
  mend_platform: 'operator',
  free_space: null,
  correct_request: null,
  look_at_log: 'ListAuditLogs',
  ask_administrator: null,
  ask_provider: null,
  ask_operator: null,
}

/** Why something works or does not. */
export interface Explanation {
  readonly steps: readonly Step[]
  /** The first step that is `no`: the cause. Null if there is none. */
  readonly failed: StepCode | null
  /** What the caller may do about it, best first. */
  readonly next: readonly NextStep[]
}

/** What Usher cannot see, of a user whose storage should work. */
export const UNSEEN = ['bucket_policies', 'client_clock', 'endpoint_and_region'] as const

/** Every code that a text must be written for. */
export type ExplainCode = StepCode | ReasonCode | NextCode

/** A step without its state, and what was found out about it. */
export interface Checked {
  readonly code: StepCode
  readonly found: true | Reason | 'not_needed' | { readonly unknown: Reason | null }
}

/**
 * Makes the steps of an explanation from what was found out, in order. What follows the first `no` is `unknown`, because
 * it may be so for the same cause.
 * @returns the steps, the first that is `no`, and why it is; null for both if none is
 */
export function toSteps(
  checked: readonly Checked[],
): Pick<Explanation, 'steps' | 'failed'> & { readonly reason: Reason | null } {
  let failed: StepCode | null = null
  let reason: Reason | null = null
  const steps = checked.map(({ code, found }): Step => {
    if (failed !== null) return { code, state: 'unknown', reason: null }
    if (found === true) return { code, state: 'yes', reason: null }
    if (found === 'not_needed') return { code, state: 'not_needed', reason: null }
    if ('unknown' in found) return { code, state: 'unknown', reason: found.unknown }
    failed = code
    reason = found
    return { code, state: 'no', reason: found }
  })
  return { steps, failed, reason }
}
