import type { PersonAccount } from '../model/accounts.ts'
import { diff } from '../model/audit.ts'
import type { Context } from '../model/context.ts'
import { isSameEmail } from '../model/email.ts'
import { DirectoryError, type Issue, toInvalid } from '../model/error.ts'
import { foldOptionalId, isUuid } from '../model/ids.ts'
import type { Organization } from '../model/organizations.ts'
import {
  checkUserChanges,
  type FixedMembers,
  type Group,
  type User,
  type UserChanges,
} from '../model/users.ts'
import { assertState, type ExpectedStates, type Versioned } from '../model/versions.ts'
import { markAccountsOfUserRemoved } from '../store/accounts/changes.ts'
import { followUser } from '../store/accounts/following.ts'
import { selectPersonAccounts } from '../store/accounts/views.ts'
import { replaceMemberships, selectMemberships } from '../store/tables/groups.ts'
import { selectErasedAt } from '../store/tables/person-keys.ts'
import {
  markUserDeleted,
  markUserRestored,
  selectUserByEmail,
  updateUserActive,
  updateUser as updateUserRow,
} from '../store/tables/users.ts'
import { giveAccountBack } from './accounts-job.ts'
import { assertNotLastAdministrator, assertNotSelf, losesAdministrator } from './administrators.ts'
import type { Directory } from './directory.ts'
import { getGroups, listGroupIds } from './groups.ts'
import { endAccess } from './people.ts'
import { findResellerId, getReachableUser, type ReachableUser, type UserRef } from './reach.ts'
import { emailTakenBy } from './taken.ts'
import { runRead, runUnit, type Subject, type Unit } from './unit.ts'
import { auditUser, runOnUser } from './user-entries.ts'
import { pickGroups } from './users.ts'

/** A user with what a view of them needs. */
export interface UserDetails extends ReachableUser {
  readonly groups: readonly Group[]
  /** The reseller in whose context the user is; null for none. */
  readonly resellerId: string | null
  /** What the user has on platforms. */
  readonly accounts: readonly PersonAccount[]
}

/**
 * Returns one user with their groups and their accounts.
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `email_ambiguous`, `reseller_not_found`,
 *   `reseller_not_own`, `customer_not_found`, `organization_not_found`, `store_unavailable`
 */
export function getUser(dir: Directory, ctx: Context, ref: UserRef): Promise<UserDetails> {
  return runRead(dir, ctx, 'GetUser', async (scope) => {
    // The operator sees what a deleted user still has on a platform.
    const state = ctx.caller.kind === 'operator' && isUuid(ref.user) ? 'any' : 'live'
    const found = await getReachableUser(scope, ref, state)
    const groups = await selectMemberships(scope.tx, found.user.pk)
    const accounts = await selectPersonAccounts(scope.tx, found.user.pk)
    return { ...found, groups, accounts, resellerId: await findResellerId(scope, found) }
  })
}

/** How a change of one user runs. */
export interface ChangeOptions {
  /** The states of the user that the change is for; any when left out. */
  readonly expected?: ExpectedStates
  /** Makes the change although the organization then has no active Administrator. Only for the command line. */
  readonly force?: boolean | undefined
}

type ChangeRequest = UserRef & ChangeOptions

/**
 * Changes a user. A change that leaves the user as they are writes only an audit entry.
 * @returns the user's id, and their version after the change
 * @throws {DirectoryError} `not_permitted`, `invalid`, `user_not_found`, `email_ambiguous`, `reseller_not_found`,
 *   `reseller_not_own`, `customer_not_found`, `organization_not_found`, `precondition_failed`, `group_not_found`,
 *   `email_taken`, `last_administrator`, `oneself`, `store_unavailable`
 */
export function updateUser(
  dir: Directory,
  ctx: Context,
  request: ChangeRequest & { readonly changes: UserChanges },
): Promise<Versioned> {
  const { changes, expected, force } = request
  const subject = { ...toSubject('UpdateUser', request), issues: checkUserChanges(changes) }
  return runUnit(dir, ctx, subject, async (unit) => {
    const found = await getReachableUser(unit, request)
    return runOnUser(unit, found, async () => {
      assertState(found.user, expected)
      if (changes.fixed) await assertFixed(unit, found, changes.fixed)
      return changeUser(dir, unit, { ...found, changes, force })
    })
  })
}

function toSubject(operation: Subject['operation'], { user }: UserRef): Subject {
  // An e-mail address is personal, so the log does not keep it.
  return { operation, target: isUuid(user) ? user : null }
}

/** Refuses a change of what cannot change. Equal values pass, since callers send back what they have read. */
async function assertFixed(unit: Unit, found: ReachableUser, sent: FixedMembers): Promise<void> {
  const { user, organization } = found
  const actual: Required<FixedMembers> = {
    id: user.id,
    kind: organization.kind,
    active: user.active,
    customerId: organization.kind === 'customer' ? organization.id : null,
    resellerId: sent.resellerId === undefined ? null : await findResellerId(unit, found),
  }
  const issues: Issue[] = []
  for (const [path, message] of Object.entries(FIXED) as [keyof FixedMembers, string][]) {
    const value = sent[path]
    const folded = typeof value === 'string' ? foldOptionalId(value) : value
    if (folded !== undefined && folded !== actual[path]) issues.push({ path, rule: 'fixed', message })
  }
  if (issues.length > 0) throw toInvalid(issues)
}

const FIXED: Readonly<Record<keyof FixedMembers, string>> = {
  id: 'must be the id of the user, or be left out: an id never changes',
  kind: 'must be what the user has, or be left out: it follows from the organization',
  active: 'must be what the user has, or be left out: suspend or resume the user to change it',
  customerId: 'must be what the user has, or be left out: a user stays in their organization',
  resellerId: 'must be what the user has, or be left out: a user stays in their context',
}

/** What becomes of a user, and whether the last Administrator may lose that group. */
export interface UserChange extends Pick<ChangeOptions, 'force'> {
  readonly changes: UserChanges
}

/**
 * Changes a user inside a unit, and writes the audit entry.
 * @returns the user's id, and their version after the change
 * @throws {DirectoryError} `group_not_found`, `email_taken`, `last_administrator`, `oneself`
 */
export async function changeUser(
  dir: Directory,
  unit: Unit,
  { user, organization, changes, force = false }: ReachableUser & UserChange,
): Promise<Versioned> {
  const { tx, now } = unit
  const found = { user, organization }
  const groups = await selectMemberships(tx, user.pk)
  const wanted = changes.groupIds ? pickGroups(await getGroups(dir, unit), changes.groupIds) : groups
  const { firstName = user.firstName, lastName = user.lastName, email = user.email } = changes
  const names = { firstName, lastName, email }
  const differences = diff(
    { ...user, groups: listGroupIds(groups) },
    { ...names, groups: listGroupIds(wanted) },
  )
  if (differences.length === 0) {
    await auditUser(unit, found, { outcome: 'repeated' })
    return stateOf(user)
  }
  const keepsKey = isSameEmail(email, user.email)
  if (!keepsKey) await assertEmailFree(unit, organization, email)
  const leaves = losesAdministrator(groups, wanted)
  if (leaves) assertNotSelf(unit.ctx, user)
  const isLast = leaves && (await assertNotLastAdministrator(unit, { ...found, groups, force }))
  await updateUserRow(tx, user.pk, { ...user, ...names, keepsKey, now })
  if (differences.some(({ name }) => name === 'groups')) await replaceMemberships(tx, user.pk, wanted)
  await auditUser(unit, found, { outcome: 'updated', changes: differences, isLast })
  return stateOf(user, 1)
}

/** The result of a change has nothing personal, because it may be recorded under an idempotency key. */
function stateOf({ id, version }: User, changes = 0): Versioned {
  return { id, version: version + changes }
}

/** @throws {DirectoryError} `email_taken` */
async function assertEmailFree(unit: Unit, organization: Organization, email: string | null): Promise<void> {
  // The unique index decides; this look-up finds out for whom.
  const holder = email === null ? undefined : await selectUserByEmail(unit.tx, organization.pk, email)
  if (holder) throw await emailTakenBy(unit, holder)
}

/**
 * Deletes a user. The directory hides the user at once; their accounts are removed from the platforms after that.
 * @returns the user's id, and their version after the change
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `email_ambiguous`, `reseller_not_found`,
 *   `reseller_not_own`, `customer_not_found`, `organization_not_found`, `precondition_failed`, `last_administrator`,
 *   `oneself`, `store_unavailable`
 */
export function deleteUser(dir: Directory, ctx: Context, request: ChangeRequest): Promise<Versioned> {
  return runUnit(dir, ctx, toSubject('DeleteUser', request), async (unit) => {
    const found = await getReachableUser(unit, request)
    return runOnUser(unit, found, async () => {
      assertState(found.user, request.expected)
      await removeUser(unit, found, request)
      return stateOf(found.user, 1)
    })
  })
}

/**
 * Deletes a user inside a unit, and writes the audit entry.
 * @throws {DirectoryError} `last_administrator`, `oneself`
 */
export async function removeUser(
  unit: Unit,
  { user, organization }: ReachableUser,
  { force = false }: Pick<ChangeOptions, 'force'> = {},
): Promise<void> {
  const { tx, now } = unit
  const isLast = await assertMayLeave(unit, { user, organization, force })
  await markUserDeleted(tx, user.pk, now)
  await markAccountsOfUserRemoved(tx, user.pk, now)
  await endAccess(tx, user.pk)
  await auditUser(
    unit,
    { user, organization },
    { outcome: 'deleted', changes: diff(user, { deletedAt: now }), isLast },
  )
}

/**
 * Suspends a user: their accounts stop working on the platforms, and they cannot sign in. Repeating it changes nothing.
 * @returns the user's id, and their version after the change
 * @throws {DirectoryError} as `deleteUser`
 */
export function suspendUser(dir: Directory, ctx: Context, request: ChangeRequest): Promise<Versioned> {
  return setActive(dir, ctx, { ...request, operation: 'SuspendUser' })
}

/**
 * Ends the suspension of a user: everything works again that worked before. Repeating it changes nothing.
 * @returns the user's id, and their version after the change
 * @throws {DirectoryError} as `deleteUser`, except `last_administrator`
 */
export function resumeUser(dir: Directory, ctx: Context, request: ChangeRequest): Promise<Versioned> {
  return setActive(dir, ctx, { ...request, operation: 'ResumeUser' })
}

function setActive(
  dir: Directory,
  ctx: Context,
  request: ChangeRequest & { readonly operation: 'SuspendUser' | 'ResumeUser' },
): Promise<Versioned> {
  const active = request.operation === 'ResumeUser'
  return runUnit(dir, ctx, toSubject(request.operation, request), async (unit) => {
    const { tx, now } = unit
    const found = await getReachableUser(unit, request)
    const { user } = found
    return runOnUser(unit, found, async () => {
      assertState(user, request.expected)
      if (user.active === active) {
        await auditUser(unit, found, { outcome: 'repeated' })
        return stateOf(user)
      }
      const isLast = active ? false : await assertMayLeave(unit, { ...found, force: request.force === true })
      await updateUserActive(tx, user.pk, { active, now })
      await followUser(tx, user.pk, now)
      if (!active) await endAccess(tx, user.pk)
      const outcome = active ? 'resumed' : 'suspended'
      await auditUser(unit, found, { outcome, changes: diff(user, { active }), isLast })
      return stateOf(user, 1)
    })
  })
}

/** Refuses a change of oneself or of the last Administrator. Returns whether the user is the last, as with `force`. */
async function assertMayLeave(unit: Unit, leaving: ReachableUser & { force: boolean }): Promise<boolean> {
  assertNotSelf(unit.ctx, leaving.user)
  const groups = await selectMemberships(unit.tx, leaving.user.pk)
  return assertNotLastAdministrator(unit, { ...leaving, groups })
}

/**
 * Restores a deleted user with their content and groups, but without their former accounts; they get an account if
 * everyone of the organization has one. Restoring a live user changes nothing.
 * @returns the user's id, and their version after the change
 * @throws {DirectoryError} as `deleteUser`, except `last_administrator`; `email_taken` if a live user of the
 *   organization has the e-mail; `user_erased`
 */
export function restoreUser(dir: Directory, ctx: Context, request: ChangeRequest): Promise<Versioned> {
  return runUnit(dir, ctx, toSubject('RestoreUser', request), async (unit) => {
    const { tx, now } = unit
    const found = await getReachableUser(unit, request, isUuid(request.user) ? 'any' : 'deleted')
    const { user, organization } = found
    return runOnUser(unit, found, async () => {
      assertState(user, request.expected)
      if (user.deletedAt === null) {
        await auditUser(unit, found, { outcome: 'repeated' })
        return stateOf(user)
      }
      if (await selectErasedAt(tx, user.id)) throw erased()
      await assertEmailFree(unit, organization, user.email)
      await markUserRestored(tx, user.pk, now)
      await auditUser(unit, found, { outcome: 'restored', changes: diff(user, { deletedAt: null }) })
      await giveAccountBack(unit, user, organization)
      return stateOf(user, 1)
    })
  })
}

function erased(): DirectoryError {
  return new DirectoryError(
    'user_erased',
    'The user was erased, so there is nothing to restore; create a new user.',
  )
}
