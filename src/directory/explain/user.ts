import type { Context } from '../../model/context.ts'
import {
  type Checked,
  type Explanation,
  type NextStep,
  type Reason,
  type ReasonCode,
  type ReasonParams,
  toSteps,
  UNSEEN,
  USER_STEPS,
} from '../../model/explain.ts'
import type { DriftKind, Health } from '../../model/platforms.ts'
import { toFullName } from '../../model/users.ts'
import type { FoundOrganization } from '../../store/find/organizations.ts'
import type { UserFacts } from './facts.ts'
import { choosePermitted } from './next-steps.ts'

/** What is known of the platform of an account, without asking it. */
export interface PlatformFacts {
  readonly name: string
  readonly isConfigured: boolean
  /** The last known health; null if it is not known. */
  readonly health: Health | null
  readonly reason: string | null
  readonly s3Url: string | null
  /** Whether its accounts can be compared with the directory. */
  readonly readsBack: boolean
}

/** How an account differs on its platform; null if it was not compared, or an error if that failed. */
export type Compared = { readonly kinds: readonly DriftKind[] } | { readonly error: string } | null

/** Why the storage of a user works or does not. */
export interface UserExplanation extends Explanation {
  readonly user: {
    readonly id: string
    readonly name: string | null
    readonly email: string | null
    readonly organization: Pick<FoundOrganization, 'id' | 'name' | 'kind'>
  }
  readonly account: {
    readonly canonicalUserId: string
    readonly tenantId: string
    readonly platform: string
  } | null
  /** The URL of the S3 service to use; null if there is no account, or its platform has no S3. */
  readonly s3Url: string | null
  /** What Usher cannot see, to ask about if no step is `no`. */
  readonly unseen: readonly (typeof UNSEEN)[number][]
}

/** Explains a user by what was read. The platform's own words are for readers of the provider alone. */
export function toUserExplanation(
  ctx: Context,
  facts: UserFacts,
  known: { readonly platform: PlatformFacts | null; readonly compared: Compared },
): UserExplanation {
  const checks = { ...facts, ...known, isProvider: ctx.organization.kind === 'provider' }
  const checked = USER_STEPS.map((code): Checked => ({ code, found: CHECKS[code](checks) }))
  const { steps, failed, reason } = toSteps(checked)
  const { user, organization, account } = facts
  const { id, name, kind } = organization
  return {
    user: { id: user.id, name: toFullName(user), email: user.email, organization: { id, name, kind } },
    account: account && {
      canonicalUserId: account.canonicalUserId,
      tenantId: account.tenantId,
      platform: account.platform,
    },
    ...{ steps, failed, next: reason ? choosePermitted(ctx, listNext(facts, reason)) : [] },
    s3Url: account?.exists ? (known.platform?.s3Url ?? null) : null,
    unseen: failed === null && account?.exists ? UNSEEN : [],
  }
}

interface Facts extends UserFacts {
  readonly platform: PlatformFacts | null
  readonly compared: Compared
  readonly isProvider: boolean
}

type Check = (facts: Facts) => Checked['found']

const NOT_KNOWN = { unknown: null } as const

const CHECKS: Readonly<Record<(typeof USER_STEPS)[number], Check>> = {
  user_exists({ user, erasedAt, done }) {
    if (erasedAt !== null) return { code: 'user_erased', params: { at: erasedAt } }
    if (user.deletedAt === null) return true
    return { code: 'user_deleted', params: { at: user.deletedAt, by: done.user.by } }
  },
  user_active: ({ user, done }) => user.active || { code: 'user_suspended', params: done.user },
  organization_active({ organization, done }) {
    if (organization.state === 'deleted') return { code: 'organization_deleted', params: {} }
    if (organization.state === 'active') return true
    return { code: 'organization_suspended', params: done.organization }
  },
  tenant_exists({ organization, tenant, account }) {
    if (tenant || account?.exists) return true
    if (organization.kind !== 'customer') return 'not_needed'
    return { code: 'no_tenant', params: { customer: organization.name } }
  },
  org_mapped({ tenant, account }) {
    if (!tenant || account?.exists || tenant.accounts === 'everyone') return 'not_needed'
    return tenant.orgs > 0 || { code: 'no_org', params: { tenantId: tenant.id } }
  },
  account_exists({ tenant, account }) {
    if (account?.exists) return true
    if (account) return toRemoval(account)
    if (!tenant) return 'not_needed'
    const code = tenant.accounts === 'everyone' ? 'not_given' : 'not_named'
    return { code, params: { tenantId: tenant.id } }
  },
  account_active: ofAccount(
    ({ account, done }) => account.enabled || { code: 'account_suspended', params: done.account },
  ),
  platform_configured: ofAccount(
    ({ account, platform }) =>
      platform?.isConfigured || { code: 'not_configured', params: { platform: account.platform } },
  ),
  platform_well: ofAccount(({ account, platform, isProvider }) => {
    const { health = null, reason = null } = platform ?? {}
    const params = { platform: account.platform }
    if (health === null || health === 'UNKNOWN') return { unknown: { code: 'health_not_known', params } }
    // With a warning, calls of Usher may fail. What is on the platform works.
    if (health === 'NORMAL' || (health === 'WARNING' && account.appliedVersion >= account.desiredVersion))
      return true
    return { code: 'platform_ill', params: { ...params, health, reason: isProvider ? reason : null } }
  }),
  applied: ofAccount(({ account, isProvider }) => {
    if (account.appliedVersion >= account.desiredVersion) return true
    const code = account.parkedAt !== null ? 'parked' : account.error !== null ? 'failing' : 'waiting'
    const { changedAt: since, attempts, cause, error, dueAt: nextAt } = account
    const params = { since, attempts, cause: cause?.code ?? null, error: isProvider ? error : null, nextAt }
    return { code, params }
  }),
  key_exists: ofAccount(({ keys }) => {
    if (keys.some(({ active }) => active)) return true
    if (keys.length === 0) return { code: 'no_key', params: {} }
    return { code: 'keys_disabled', params: { keys: keys.length } }
  }),
  key_opens: ofAccount(({ keys }) => {
    const [first, ...others] = keys.filter(({ active, opens }) => active && !opens)
    if (!first) return true
    return { code: 'secret_lost', params: { accessKey: first.accessKey, lost: others.length + 1 } }
  }),
  platform_agrees: ofAccount(({ platform, compared, isProvider }) => {
    if (platform?.readsBack === false) return 'not_needed'
    if (compared === null) return NOT_KNOWN
    if ('error' in compared)
      return { unknown: { code: 'not_compared', params: { error: isProvider ? compared.error : null } } }
    return compared.kinds.length === 0 || { code: 'drift', params: { kinds: compared.kinds } }
  }),
  quota_left: ofAccount(({ account }) => {
    if (account.content === null) return NOT_KNOWN
    const { usedBytes, quotaBytes, readAt } = account.content
    if (quotaBytes === null || usedBytes < quotaBytes) return true
    return { code: 'quota_used', params: { usedBytes, quotaBytes, readAt } }
  }),
}

/** Makes the check of a step that says nothing about a user without an account. */
function ofAccount(
  check: (facts: Facts & { readonly account: NonNullable<Facts['account']> }) => Checked['found'],
): Check {
  return (facts) => (facts.account?.exists ? check({ ...facts, account: facts.account }) : 'not_needed')
}

function toRemoval(account: NonNullable<UserFacts['account']>): Reason {
  const { changedAt: since, purge } = account
  if (account.appliedVersion < account.desiredVersion)
    return { code: 'being_removed', params: { since, purge } }
  return { code: 'account_removed', params: { since } }
}

/** What helps against each reason, best first. The caller may not be permitted to do it. */
const HELP: { readonly [C in ReasonCode]?: (facts: UserFacts, params: ReasonParams[C]) => NextStep[] } = {
  user_deleted: (facts) => [{ code: 'restore_user', params: userOf(facts) }],
  user_erased: (facts) => [{ code: 'add_user', params: organizationOf(facts) }],
  user_suspended: (facts) => [{ code: 'resume_user', params: userOf(facts) }],
  organization_suspended: (facts) => [{ code: 'resume_customer', params: organizationOf(facts) }],
  no_tenant: (facts) => [{ code: 'add_tenant', params: organizationOf(facts) }],
  no_org: (facts, params) => [{ code: 'map_org', params }, give(facts)],
  not_named: (facts, params) => [{ code: 'open_storage', params }, give(facts)],
  not_given: (facts) => [give(facts)],
  account_removed: (facts) => [give(facts)],
  being_removed: () => [{ code: 'wait', params: { until: null } }],
  account_suspended: (facts) => [{ code: 'resume_account', params: userOf(facts) }],
  not_configured: (_, params) => [{ code: 'set_up_platform', params }],
  platform_ill: (_, { platform }) => [{ code: 'mend_platform', params: { platform } }],
  waiting: (_, { nextAt }) => [{ code: 'wait', params: { until: nextAt } }],
  failing: (facts, { nextAt }) => [
    { code: 'wait', params: { until: nextAt } },
    { code: 'retry_account', params: userOf(facts) },
  ],
  parked: (facts) => [{ code: 'retry_account', params: userOf(facts) }],
  no_key: (facts) => [addKey(facts)],
  keys_disabled: (facts) => [
    { code: 'enable_key', params: { ...userOf(facts), accessKey: facts.keys[0]?.accessKey ?? '' } },
    addKey(facts),
  ],
  secret_lost: (facts, { accessKey }) => [
    { code: 'delete_key', params: { ...userOf(facts), accessKey } },
    addKey(facts),
  ],
  drift: (facts) => [{ code: 'mend_account', params: userOf(facts) }],
  quota_used: (facts) => [{ code: 'free_space', params: userOf(facts) }],
}

function listNext(facts: UserFacts, { code, params }: Reason): NextStep[] {
  const help = HELP[code] as ((facts: UserFacts, params: unknown) => NextStep[]) | undefined
  return help?.(facts, params) ?? []
}

const userOf = ({ user }: UserFacts) => ({ userId: user.id })
const organizationOf = ({ organization }: UserFacts) => ({ organizationId: organization.id })
const give = (facts: UserFacts): NextStep => ({ code: 'give_account', params: userOf(facts) })
const addKey = (facts: UserFacts): NextStep => ({ code: 'add_key', params: userOf(facts) })
