import type { PersonAccount } from '../model/accounts.ts'
import { type ActionReason, USER_ACTIONS, type UserAction } from '../model/actions.ts'
import type { Operation } from '../model/audit.ts'
import type { Group } from '../model/users.ts'
import { selectTenantPlace } from '../store/tables/tenant-accounts.ts'
import { isPermitted } from './access.ts'
import { isLastAdministrator } from './administrators.ts'
import { getPermission } from './group-meanings.ts'
import type { ReachableUser, Scope } from './reach.ts'

/** What can be done with a user, and why not. */
export interface PossibleAction {
  readonly action: UserAction
  readonly operation: Operation
  readonly permitted: boolean
  readonly reason: ActionReason | null
}

/** What decides which actions are possible. */
interface Facts {
  readonly isSelf: boolean
  readonly isLast: boolean
  readonly state: 'active' | 'suspended' | 'deleted' | 'erased'
  readonly account: PersonAccount | undefined
  /** Whether an account is failing or parked. */
  readonly fails: boolean
  readonly hasTenant: boolean
  readonly mayEnter: boolean
}

type Check = (facts: Facts) => ActionReason | null

const live: Check = ({ state }) => (state === 'deleted' || state === 'erased' ? 'user_deleted' : null)
const leaves: Check = ({ isSelf, isLast }) => (isSelf ? 'oneself' : isLast ? 'last_administrator' : null)
const hasAccount: Check = ({ account }) => (account ? null : 'no_account')

/** The operation of each action, and what must hold for it. The first reason that applies is shown. */
const ACTIONS: Readonly<Record<UserAction, readonly [Operation, ...Check[]]>> = {
  update: ['UpdateUser', live],
  leave_administrator: ['UpdateUser', live, leaves],
  delete: ['DeleteUser', live, leaves],
  restore: [
    'RestoreUser',
    ({ state }) => (state === 'erased' ? 'user_erased' : state === 'deleted' ? null : 'user_not_deleted'),
  ],
  suspend: ['SuspendUser', live, ({ state }) => (state === 'suspended' ? 'user_suspended' : null), leaves],
  resume: ['ResumeUser', live, ({ state }) => (state === 'active' ? 'user_not_suspended' : null)],
  give_account: [
    'CreateUserAccount',
    live,
    ({ account }) => (account ? 'account_exists' : null),
    ({ hasTenant }) => (hasTenant ? null : 'no_tenant'),
  ],
  suspend_account: [
    'UpdateUserAccount',
    live,
    hasAccount,
    ({ account }) => (account?.enabled === false ? 'account_suspended' : null),
  ],
  resume_account: [
    'UpdateUserAccount',
    live,
    hasAccount,
    ({ account }) => (account?.enabled === true ? 'account_not_suspended' : null),
  ],
  retry: ['RetryUser', ({ fails }) => (fails ? null : 'nothing_to_retry')],
  compare: ['CompareAccount', live, hasAccount],
  mend: ['MendAccount', live, hasAccount],
  add_key: ['CreateUserCredential', live, hasAccount],
  change_keys: ['UpdateUserCredential', live, hasAccount],
  make_link: ['CreateSignInLink', live, ({ mayEnter }) => (mayEnter ? null : 'cannot_enter')],
}

/**
 * Returns what the caller can do with a user, and why not.
 * @param found.accounts what the user has on platforms
 */
export async function listUserActions(
  scope: Scope,
  found: ReachableUser & {
    readonly groups: readonly Group[]
    readonly erasedAt: string | null
    readonly accounts: readonly PersonAccount[]
  },
): Promise<PossibleAction[]> {
  const { tx, ctx } = scope
  const { user, organization, groups, erasedAt, accounts } = found
  const living = user.active ? 'active' : 'suspended'
  const facts: Facts = {
    isSelf: ctx.caller.kind === 'person' && ctx.caller.id === user.id,
    isLast: user.deletedAt === null && (await isLastAdministrator(tx, { user, organization, groups })),
    state: erasedAt !== null ? 'erased' : user.deletedAt !== null ? 'deleted' : living,
    account: accounts.find(({ state }) => state !== 'removed'),
    fails: accounts.some(({ platformState, error }) => platformState !== 'applied' && error !== null),
    hasTenant: (await selectTenantPlace(tx, organization.pk)) !== undefined,
    mayEnter: organization.kind !== 'customer' && user.active && getPermission(groups) !== null,
  }
  return USER_ACTIONS.map((action) => {
    const [operation, ...checks] = ACTIONS[action]
    const reason = isPermitted(ctx, operation) ? findReason(checks, facts) : 'not_permitted'
    return { action, operation, permitted: reason === null, reason }
  })
}

function findReason(checks: readonly Check[], facts: Facts): ActionReason | null {
  for (const check of checks) {
    const reason = check(facts)
    if (reason) return reason
  }
  return null
}
