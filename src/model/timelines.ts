/**
 * What a timeline of a user shows: `changes` that were made, calls to the `platform`, `refusals` of changes, and `reads`
 * of the user's secrets.
 */
export const TIMELINE_KINDS = ['changes', 'platform', 'refusals', 'reads'] as const
export type TimelineKind = (typeof TIMELINE_KINDS)[number]

/** What a timeline shows if its reader does not choose: Object Storage Extension reads secrets very often. */
export const USUAL_KINDS: readonly TimelineKind[] = ['changes', 'platform', 'refusals']

/** The most items of one page of a timeline. */
export const MAX_TIMELINE = 200
