import type { DirectoryError, Issue } from '../../model/error.ts'
import type { RowResult, RowStatus } from '../../model/imports.ts'
import type { Group, User, UserChanges } from '../../model/users.ts'
import { includesAdministrator, losesAdministrator } from '../administrators.ts'
import { areSameGroups } from '../groups.ts'
import { EMAIL_TAKEN, ID_TAKEN } from '../taken.ts'
import type { ResolvedRow } from './resolve-rows.ts'

/** A user who already exists, with their groups. */
export interface ExistingUser {
  readonly user: User
  readonly groups: readonly Group[]
}

/** The content of a user before an import changed it: what an undo needs. */
export interface ContentBefore {
  readonly firstName: string | null
  readonly lastName: string | null
  readonly email: string | null
  readonly groupIds: readonly string[]
}

/** Returns the content of a user that an import can change. */
export function toContent({ user, groups }: ExistingUser): ContentBefore {
  const { firstName, lastName, email } = user
  return { firstName, lastName, email, groupIds: groups.map(({ id }) => id) }
}

/**
 * Compares a row with a user. Members that the row does not have stay as they are. An empty text and none are the same:
 * a CSV file cannot tell them apart.
 * @returns what the row changes; undefined if nothing
 */
export function findChanges({ row, groups }: ResolvedRow, existing: ExistingUser): UserChanges | undefined {
  const { user } = existing
  const changes: { -readonly [Name in keyof UserChanges]: UserChanges[Name] } = {}
  for (const name of ['firstName', 'lastName'] as const)
    if (row[name] !== undefined && (row[name] ?? '') !== (user[name] ?? '')) changes[name] = row[name]
  if (row.email !== user.email) changes.email = row.email
  if (groups && !areSameGroups(groups, existing.groups)) changes.groupIds = groups.map(({ id }) => id)
  return Object.keys(changes).length > 0 ? changes : undefined
}

const ID_DIFFERS = 'differs from the id of the user with this e-mail; leave it out, or send that id'
const SECOND = 'is in an earlier row with other content'

/** The conflicts of a row that the row itself shows. */
export const CONFLICTS = {
  /** The user with the e-mail is in the context of another reseller. */
  emailTaken: { path: 'email', rule: 'unique', message: EMAIL_TAKEN },
  idTaken: { path: 'id', rule: 'unique', message: ID_TAKEN },
  idDiffers: { path: 'id', rule: 'unique', message: ID_DIFFERS },
  second: { path: 'email', rule: 'repeated', message: SECOND },
} as const satisfies Record<string, Issue>

/** Finds out why a row must not touch the user with its e-mail, who is in reach. */
export function findConflict(
  { row }: ResolvedRow,
  { user }: ExistingUser,
  { isSecond, hasChanges }: { isSecond: boolean; hasChanges: boolean },
): Issue | undefined {
  if (row.id !== undefined && row.id !== user.id) return CONFLICTS.idDiffers
  return isSecond && hasChanges ? CONFLICTS.second : undefined
}

/** Returns whether a row takes Administrator from an active user. The last one of an organization keeps it. */
export function isDemotion({ groups }: ResolvedRow, { user, groups: before }: ExistingUser): boolean {
  const isActive = user.active && user.deletedAt === null
  return isActive && groups !== undefined && losesAdministrator(before, groups)
}

/**
 * Returns whether an organization has one more active Administrator after a row.
 * @param existing undefined if the row creates its user; a deleted one is restored, and active then
 */
export function isPromotion({ groups }: ResolvedRow, existing: ExistingUser | undefined): boolean {
  if (!includesAdministrator(groups ?? existing?.groups ?? [])) return false
  if (!existing || existing.user.deletedAt !== null) return true
  return existing.user.active && !includesAdministrator(existing.groups)
}

/** Makes the result of a row. */
export function toResult(
  { row }: Pick<ResolvedRow, 'row'>,
  status: RowStatus,
  { id = null, issues = [] }: Partial<Pick<RowResult, 'id' | 'issues'>> = {},
): RowResult {
  return { line: row.line, status, id, issues }
}

/** Returns the issues of a refusal, by the names that rows have. */
export function toIssues(error: DirectoryError): readonly Issue[] {
  if (error.issues.length === 0) return [{ path: 'row', rule: 'row', message: error.message }]
  return error.issues.map((issue) => ({ ...issue, path: issue.path.replace(/^groupIds/, 'groups') }))
}
