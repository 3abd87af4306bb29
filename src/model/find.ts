import { JOB_STATES } from './jobs.ts'
import type { OrganizationKind } from './organizations.ts'
import { countCodePoints, isStorable, MAX_TEXT } from './text.ts'

/** What a search can find. A `request` is everything that one call did, under its correlation id. */
export const HIT_KINDS = [
  'user',
  'organization',
  'tenant',
  'account',
  'key',
  'client',
  'job',
  'import',
  'request',
] as const
export type HitKind = (typeof HIT_KINDS)[number]

/** The state of a hit, as far as a list can tell it. Those of jobs and requests say how they ended. */
export const HIT_STATES = [
  'active',
  'suspended',
  'disabled',
  'removed',
  'deleted',
  'erased',
  'ended',
  'undone',
  ...JOB_STATES,
] as const
export type HitState = (typeof HIT_STATES)[number]

/** What of a hit equals the text, or contains its words. */
export const MATCHES = [
  'id',
  'access_key',
  'canonical_id',
  'correlation_id',
  'org',
  'org_user',
  'email',
  'portal',
  'domain',
  'identifier',
  'words',
] as const
export type Match = (typeof MATCHES)[number]

/** One thing that a search found. */
export interface Hit {
  readonly kind: HitKind
  /** What names it in other calls: an id, an access key, a canonical id, a correlation id. */
  readonly id: string
  /** What people call it; null for a thing without a name, and for a person without names. */
  readonly name: string | null
  /** The e-mail address of a user, or of the user of an account or a key. */
  readonly email: string | null
  readonly state: HitState
  readonly match: Match
  /** The organization that it belongs to, or was about; null if the caller may not know it. */
  readonly organization: {
    readonly id: string
    readonly name: string
    readonly kind: OrganizationKind
  } | null
  /** The id of the user of an account or a key; null for other kinds. */
  readonly userId: string | null
}

/** What a search found: exact ids first, then users, then organizations. */
export interface Findings {
  readonly hits: readonly Hit[]
  /** Whether there may be more users or organizations with the words: more words find fewer. */
  readonly more: boolean
}

/** The text of a search without blanks at its ends, and without the brackets and quotes that people copy with it. */
export function trimSearch(text: string): string {
  const trimmed = text.trim()
  const [, inner] = /^(?:<(.+)>|"(.+)"|'(.+)')$/su.exec(trimmed)?.filter((part) => part !== undefined) ?? []
  return (inner ?? trimmed).trim()
}

/** Returns whether anything can have the text: stores hold no U+0000, and no name or id is longer. */
export function isFindable(text: string): boolean {
  return text !== '' && isStorable(text) && countCodePoints(text) <= MAX_TEXT
}
