import { isEmail } from './email.ts'
import type { Issue } from './error.ts'
import { isUuid } from './ids.ts'
import { checkText } from './text.ts'

/** A person or service in exactly one organization. */
export interface User {
  readonly pk: number
  readonly id: string
  readonly organizationPk: number
  /** The reseller in whose context the user was created, if any. */
  readonly resellerPk: number | null
  readonly firstName: string | null
  readonly lastName: string | null
  readonly email: string | null
  readonly createdAt: string
  readonly updatedAt: string
  readonly deletedAt: string | null
}

/** What a caller says of a user to be created. Group ids may repeat; they count once. */
export interface NewUser {
  readonly id?: string | undefined
  readonly firstName: string | null
  readonly lastName: string | null
  readonly email: string | null
  readonly groupIds: readonly string[]
}

/** What a user may do inside the organization. */
export interface Group {
  readonly pk: number
  readonly id: string
  readonly name: string
}

/** The groups that every provider has. */
export const GROUP_NAMES = ['Administrator', 'Viewer', 'Alert Manager'] as const

/** The rules for a user that hold in every dialect. */
export function checkNewUser(user: NewUser): Issue[] {
  const issues = [...checkText('firstName', user.firstName), ...checkText('lastName', user.lastName)]
  if (user.email !== null) {
    issues.push(...checkText('email', user.email))
    if (!isEmail(user.email))
      issues.push({ path: 'email', rule: 'email', message: 'must be an e-mail address' })
  }
  if (user.id !== undefined && !isUuid(user.id))
    issues.push({ path: 'id', rule: 'uuid', message: 'must be a UUID' })
  return issues
}
