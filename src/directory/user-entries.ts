import type { Change, EntryOutcome } from '../model/audit.ts'
import { DirectoryError } from '../model/error.ts'
import { selectMemberships } from '../store/tables/groups.ts'
import { findResellerId, type ReachableUser } from './reach.ts'
import { StaleUserError } from './stale-user.ts'
import type { Unit } from './unit.ts'

/** What a call did to a user, for the audit entry. */
interface Done {
  readonly outcome: EntryOutcome
  readonly changes?: readonly Change[]
  /** Whether an organization was left without an active Administrator. The entry then says so. */
  readonly isLast?: boolean
}

/** Returns what an entry names of a user: also their organization, and the reseller in whose context they are. */
async function aboutUser(unit: Unit, found: ReachableUser) {
  const { user, organization } = found
  return { organization: organization.id, target: user.id, reseller: await findResellerId(unit, found) }
}

/** Writes the entry of a call on one user. */
export async function auditUser(unit: Unit, found: ReachableUser, done: Done): Promise<void> {
  const { outcome, changes = [], isLast = false } = done
  await unit.audit({
    outcome,
    ...(await aboutUser(unit, found)),
    changes: isLast ? [...changes, { name: 'lastAdministrator', before: true, after: false }] : changes,
    person: { id: found.user.id },
  })
}

/**
 * Runs work on a user. If it is refused, the entry names the user, whom the call may have named by their e-mail.
 * @throws {StaleUserError} in place of `precondition_failed`
 */
export async function runOnUser<T>(unit: Unit, found: ReachableUser, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    const error = await toStale(unit, found, thrown)
    if (error instanceof DirectoryError) error.about = await aboutUser(unit, found)
    throw error
  }
}

async function toStale({ tx }: Unit, { user }: ReachableUser, error: unknown): Promise<unknown> {
  const isStale = error instanceof DirectoryError && error.code === 'precondition_failed'
  return isStale ? new StaleUserError(error, user, await selectMemberships(tx, user.pk)) : error
}
