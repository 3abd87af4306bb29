import { checkEmail } from './email.ts'
import type { Issue } from './error.ts'
import type { Organization } from './organizations.ts'
import { checkText } from './text.ts'
import { DAY_MS } from './times.ts'
import type { Group, User } from './users.ts'

/** How long a session lasts without use, and in all, in milliseconds. */
export const SESSION_IDLE_MS = 60 * 60 * 1000
export const SESSION_MAX_MS = 12 * 60 * 60 * 1000
/** The least time between two writes of when a session was used, in milliseconds. */
export const SESSION_SEEN_MS = 60 * 1000
/** The most sessions of one person. The oldest ends for a new one. */
export const MAX_SESSIONS = 20

/** How long each kind of one-time link is good, in milliseconds. */
export const LINK_MS = {
  /** The link of the set-up. */
  first: 60 * 60 * 1000,
  /** A link of the command line. */
  operator: 10 * 60 * 1000,
  /** A link that an administrator makes for another person. */
  person: DAY_MS,
} as const

/** How long a person may take at the OpenID provider, in seconds. */
export const SIGN_IN_SECONDS = 600

/** How a session was begun: by a one-time link, or at an OpenID provider. */
export const SIGN_IN_METHODS = ['link', 'oidc'] as const
export type SignInMethod = (typeof SIGN_IN_METHODS)[number]

/** A person at an OpenID provider. */
export interface Identity {
  readonly issuer: string
  readonly subject: string
}

/** What an OpenID provider says about a person. */
export interface VerifiedIdentity extends Identity {
  /** Null if the issuer did not say one. */
  readonly email: string | null
  /** Whether the issuer has verified that the person owns the address. */
  readonly emailVerified: boolean
}

/** A person who may enter the console: a live, active user of a provider or a reseller, in one of its groups. */
export interface Person {
  readonly user: User
  readonly organization: Organization
  readonly groups: readonly Group[]
  readonly permission: 'administrator' | 'viewer'
}

/** A signed-in person in one browser. Times are ISO 8601. */
export interface Session {
  readonly pk: number
  readonly id: string
  readonly userPk: number
  readonly method: SignInMethod
  /** Null for a session that a link began. */
  readonly identity: Identity | null
  readonly address: string | null
  /** The User-Agent of the browser. */
  readonly agent: string | null
  readonly createdAt: string
  /** When it was last used, to a minute. */
  readonly seenAt: string
  readonly expiresAt: string
}

/** Returns when a session ends if it is not used, ISO 8601. */
export function idleEndOf({ seenAt, expiresAt }: Session): string {
  const idle = new Date(Date.parse(seenAt) + SESSION_IDLE_MS).toISOString()
  return idle < expiresAt ? idle : expiresAt
}

/** The names and the e-mail of a person, as they enter them. */
export interface EnteredPerson {
  readonly firstName?: string
  readonly lastName?: string
  readonly email?: string
}

const REQUIRED =
  'is needed: the console shows who made a change, and OpenID Connect finds people by their e-mail'

/**
 * Checks that a person has names and an e-mail once what they entered is added.
 * @returns one issue for each member that is missing or wrong
 */
export function checkEnteredPerson(person: Pick<User, 'firstName' | 'lastName' | 'email'>): Issue[] {
  const { firstName, lastName, email } = person
  return Object.entries({ firstName, lastName, email }).flatMap(([path, value]) =>
    value === null || value.trim() === ''
      ? [{ path, rule: 'required', message: REQUIRED }]
      : path === 'email'
        ? checkEmail(path, value)
        : checkText(path, value),
  )
}
