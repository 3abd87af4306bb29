/**
 * Why a caller cannot run an operation on a thing, as a closed list:
 *
 * - `not_permitted`: their role may not run it at all
 * - `oneself`: people do not do this to themselves
 * - `last_administrator`: the organization would have no active Administrator
 * - `user_deleted`, `user_not_deleted`, `user_suspended`, `user_not_suspended`, `user_erased`: the state of the user
 * - `no_account`, `account_exists`, `account_suspended`, `account_not_suspended`: the state of the account
 * - `nothing_to_retry`: no account of the user fails
 * - `no_tenant`: the customer has no place on the storage platform
 * - `cannot_enter`: the user may not enter the console, so a link is of no use
 */
export const ACTION_REASONS = [
  'not_permitted',
  'oneself',
  'last_administrator',
  'user_deleted',
  'user_not_deleted',
  'user_suspended',
  'user_not_suspended',
  'user_erased',
  'no_account',
  'account_exists',
  'account_suspended',
  'account_not_suspended',
  'nothing_to_retry',
  'no_tenant',
  'cannot_enter',
] as const

/** What can be done with a user, as a closed list. `leave_administrator`: take them out of the group Administrator. */
export const USER_ACTIONS = [
  'update',
  'leave_administrator',
  'delete',
  'restore',
  'suspend',
  'resume',
  'give_account',
  'suspend_account',
  'resume_account',
  'retry',
  'compare',
  'mend',
  'add_key',
  'change_keys',
  'make_link',
] as const
export type UserAction = (typeof USER_ACTIONS)[number]

/** Why a caller cannot run an operation on a thing. */
export type ActionReason = (typeof ACTION_REASONS)[number]
