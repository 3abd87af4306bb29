import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import type { Organization } from '../model/organizations.ts'
import type { Group, GroupName, User } from '../model/users.ts'
import type { Tx } from '../store/port.ts'
import { selectActiveMembers } from '../store/tables/groups.ts'
import { takeLock } from '../store/tables/locks.ts'
import type { Unit } from './unit.ts'

/** The name of the group whose members manage an organization. */
export const ADMINISTRATOR: GroupName = 'Administrator'

/** A user who is about to be deleted, suspended, or taken out of groups. */
export interface LeavingUser {
  readonly user: User
  readonly organization: Pick<Organization, 'pk' | 'id'>
  /** The groups of the user now. */
  readonly groups: readonly Group[]
}

/**
 * Refuses a change that would leave an organization without an active Administrator. Units that take an Administrator
 * away from one organization run one after the other, so that two of them cannot each count on the other's.
 * @param leaving.force makes the change all the same, for the command line
 * @returns whether the user is the last one, which is true only with `force`: the audit entry must say so
 * @throws {DirectoryError} `last_administrator`
 */
export async function assertNotLastAdministrator(
  { tx, now }: Unit,
  leaving: LeavingUser & { readonly force: boolean },
): Promise<boolean> {
  if (!isActiveAdministrator(leaving)) return false
  await takeLock(tx, `administrators ${leaving.organization.id}`, now)
  const isLast = await isLastAdministrator(tx, leaving)
  if (!isLast || leaving.force) return isLast
  throw lastAdministrator()
}

function isActiveAdministrator({ user, groups }: LeavingUser): boolean {
  return user.active && includesAdministrator(groups)
}

/** Counts the active Administrators of an organization, up to `most`. */
export async function countAdministrators(
  tx: Tx,
  { pk, providerPk }: Organization,
  most = Number.MAX_SAFE_INTEGER,
): Promise<number> {
  const group = { provider: providerPk, name: ADMINISTRATOR }
  return (await selectActiveMembers(tx, group, { organization: pk, limit: most })).length
}

/** Returns whether a user is the last active Administrator of their organization. */
export async function isLastAdministrator(tx: Tx, leaving: LeavingUser): Promise<boolean> {
  if (!isActiveAdministrator(leaving)) return false
  const { user, organization } = leaving
  const group = { provider: user.providerPk, name: ADMINISTRATOR }
  const left = await selectActiveMembers(tx, group, { organization: organization.pk, limit: 2 })
  return left.length === 1 && left[0] === user.pk
}

/**
 * Refuses a change by which a person would shut themself out: their own deletion, suspension or demotion.
 * @throws {DirectoryError} `oneself`
 */
export function assertNotSelf({ caller }: Context, user: Pick<User, 'id'>): void {
  if (caller.kind !== 'person' || caller.id !== user.id) return
  const message = 'must not be your own: another administrator can delete, suspend or demote you'
  throw new DirectoryError('oneself', `The user ${message}.`, {
    issues: [{ path: 'id', rule: 'oneself', message }],
  })
}

/** Makes the refusal of a change that would leave an organization without an active Administrator. */
export function lastAdministrator(): DirectoryError {
  const message = `must keep ${ADMINISTRATOR}: the user is the last active one of the organization`
  return new DirectoryError('last_administrator', `The groups ${message}.`, {
    issues: [{ path: 'groupIds', rule: 'last', message }],
  })
}

/** Returns whether a change of groups takes Administrator away. */
export function losesAdministrator(before: readonly Group[], after: readonly Group[]): boolean {
  return includesAdministrator(before) && !includesAdministrator(after)
}

/** Returns whether Administrator is one of some groups. */
export function includesAdministrator(groups: readonly Group[]): boolean {
  return groups.some(({ name }) => name === ADMINISTRATOR)
}
