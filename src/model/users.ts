import { checkEmail } from './email.ts'
import type { Issue } from './error.ts'
import { isUuid, UUID_MESSAGE } from './ids.ts'
import type { Organization } from './organizations.ts'
import { checkText, foldCase, isAscii } from './text.ts'

/** A person or service in exactly one organization. */
export interface User {
  readonly pk: number
  readonly id: string
  readonly organizationPk: number
  /** The provider of the organization. */
  readonly providerPk: number
  /** The reseller for which the user was created; null for none. */
  readonly resellerPk: number | null
  readonly firstName: string | null
  readonly lastName: string | null
  readonly email: string | null
  /** The person's own status. Their accounts work while the organization is active too. */
  readonly active: boolean
  /** Counts the changes of the user, from 1. */
  readonly version: number
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

/** A user to insert. An id that is left out is generated. */
export interface NewPerson {
  readonly id?: string | undefined
  readonly organization: Pick<Organization, 'pk' | 'id'>
  readonly reseller: Pick<Organization, 'pk' | 'id'> | null
  readonly firstName: string | null
  readonly lastName: string | null
  readonly email: string | null
  readonly groups: readonly Group[]
  /** Whether the user is inserted although a deleted user of the organization has the e-mail. */
  readonly besideDeleted?: boolean
  /** Whether everyone of the organization gets an account, as the caller remembers it; it is looked up again. */
  readonly givesAccounts?: boolean
}

/** Changes of a user. A member that is left out stays as it is; null empties it. */
export interface UserChanges {
  readonly firstName?: string | null | undefined
  readonly lastName?: string | null | undefined
  readonly email?: string | null | undefined
  /** Replaces all groups of the user. A repeated id counts once. */
  readonly groupIds?: readonly string[] | undefined
  readonly fixed?: FixedMembers | undefined
}

/** Members of a user that a change cannot touch. Values that the user has are ignored, others are refused. */
export interface FixedMembers {
  readonly id?: string | undefined
  /** The kind of the organization, or any other text that a caller sent for it. */
  readonly kind?: string | undefined
  readonly active?: boolean | undefined
  readonly customerId?: string | null | undefined
  readonly resellerId?: string | null | undefined
}

/** A group: what its members may do inside their organization. */
export interface Group {
  readonly pk: number
  readonly id: string
  readonly name: string
}

/** The names of the groups that each provider has. */
export const GROUP_NAMES = ['Administrator', 'Viewer', 'Alert Manager'] as const
export type GroupName = (typeof GROUP_NAMES)[number]

/** Sorts after every text, so that users without a name come last. */
export const LAST = '\u{10ffff}'
/** Separates the parts of a key. It sorts before every text that people type. */
const SEPARATOR = '\u0001'
const NAMELESS = `${LAST}${SEPARATOR}${LAST}`
/** The most UTF-16 units of a key: an index entry of PostgreSQL holds at most 2,700 bytes. */
export const MAX_KEY = 800

/**
 * Returns the key by which users are ordered: first name, last name and e-mail without case, missing ones last.
 * Searches look for texts in it, so an e-mail whose domain has another ASCII form is in it in both forms. Only the
 * first 800 characters count.
 * @param user.emailKey the e-mail as `foldEmail` returns it
 */
export function nameKeyOf(
  user: Pick<User, 'firstName' | 'lastName' | 'email'> & { emailKey: string | null },
): string {
  const { email, emailKey } = user
  const names = `${user.firstName ?? LAST}${SEPARATOR}${user.lastName ?? LAST}`
  // Most users of OSIS have no names, and folding takes longer than the rest.
  const folded = names === NAMELESS ? NAMELESS : isAscii(names) ? names.toLowerCase() : foldCase(names)
  const typed = email === null || isAscii(email) ? '' : SEPARATOR + foldCase(email)
  const key = `${folded}${SEPARATOR}${emailKey ?? LAST}${typed}`
  return key.length > MAX_KEY ? key.slice(0, MAX_KEY).toWellFormed() : key
}

/** Returns the first and the last name of a person as one text; null if they have neither. */
export function toFullName({ firstName, lastName }: Pick<User, 'firstName' | 'lastName'>): string | null {
  return [firstName, lastName].filter(Boolean).join(' ') || null
}

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

/**
 * Checks changes of a user by the rules that hold for every caller.
 * @returns one issue for each rule that is broken; `path` is the name of the member
 */
export function checkUserChanges({ firstName, lastName, email }: UserChanges): Issue[] {
  return [
    ...checkText('firstName', firstName ?? null),
    ...checkText('lastName', lastName ?? null),
    ...checkEmail('email', email ?? null),
  ]
}
