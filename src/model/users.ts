import { checkEmail } from './email.ts'
import type { Issue } from './error.ts'
import { isUuid, UUID_MESSAGE } from './ids.ts'
import { checkText } from './text.ts'

/** A person or service in exactly one organization. */
export interface User {
  readonly pk: number
  readonly id: string
  readonly organizationPk: number
  /** The reseller for which the user was created; null for none. */
  readonly resellerPk: number | null
  readonly firstName: string | null
  readonly lastName: string | null
  readonly email: string | null
  /** ISO 8601, UTC. */
  readonly createdAt: string
  readonly updatedAt: string
  readonly deletedAt: string | null
}

/** A user to create. If the id is left out, a new one is generated. A repeated group id counts once. */
export interface NewUser {
  readonly id?: string | undefined
  readonly firstName: string | null
  readonly lastName: string | null
  readonly email: string | null
  readonly groupIds: readonly string[]
}

/** A group: what its members may do inside their organization. */
export interface Group {
  readonly pk: number
  readonly id: string
  readonly name: string
}

/** The names of the groups that each provider has. */
export const GROUP_NAMES = ['Administrator', 'Viewer', 'Alert Manager'] as const

/**
 * Checks a new user by the rules that hold for every caller.
 * @returns one issue for each rule that is broken; `path` is the name of the member
 */
export function checkNewUser(user: NewUser): Issue[] {
  const issues = [
    ...checkText('firstName', user.firstName),
    ...checkText('lastName', user.lastName),
    ...checkEmail('email', user.email),
  ]
  if (user.id !== undefined && !isUuid(user.id))
    issues.push({ path: 'id', rule: 'uuid', message: UUID_MESSAGE })
  return issues
}
