import type { Organization } from './organizations.ts'
import { foldCase } from './text.ts'
import type { Group, User } from './users.ts'

/** What lists of users can be ordered by. */
export const USER_SORTS = ['name', 'email'] as const

/** The order of a list of users. By name: first name, last name, e-mail; see `nameKeyOf`. */
export interface UserOrder {
  readonly by: (typeof USER_SORTS)[number]
  readonly ascending: boolean
}

/** The state of a user's account in one word. `applied`: it is on its platform as it should be, and works. */
export const ACCOUNT_WORDS = ['none', 'applied', 'suspended', 'waiting', 'failing', 'parked'] as const
export type AccountWord = (typeof ACCOUNT_WORDS)[number]

/** A user with what a view of them needs. */
export interface ListedUser {
  readonly user: User
  readonly organization: Pick<Organization, 'pk' | 'id' | 'kind'>
  readonly groups: readonly Group[]
  /** The reseller in whose context the user is; null for none. */
  readonly resellerId: string | null
}

/**
 * Returns the words of a search, without case. Blanks and control characters separate them, and so does the character
 * that stands for a missing name in `nameKeyOf`.
 */
export function toSearchWords(text: string): string[] {
  const words = foldCase(text).split(/[\s\p{Cc}\u{10ffff}]+/u)
  return [...new Set(words)].filter((word) => word !== '')
}
