import type { Issue } from '../model/error.ts'
import { DAY_MS } from '../model/times.ts'

/** A secret that was replaced, and is still accepted until a time, ISO 8601. */
export interface FormerSecret {
  readonly validUntil: string
}

/** How long a replaced secret is accepted, unless the caller says otherwise, in milliseconds. */
const OVERLAP_MS = DAY_MS
/** The longest time that a caller can give, in milliseconds. */
const MAX_OVERLAP_MS = 90 * DAY_MS
/** The most replaced secrets that are accepted at once. */
const MAX_FORMER = 4

/** Checks until when a caller wants a replaced secret to be accepted: at most 90 days from now; null ends it at once. */
export function checkOverlapEnd(until: string | null | undefined, now: Date): Issue[] {
  if (until === undefined || until === null) return []
  const ms = Date.parse(until) - now.getTime()
  if (ms > 0 && ms <= MAX_OVERLAP_MS) return []
  const days = MAX_OVERLAP_MS / DAY_MS
  const message = ms > 0 ? `must be at most ${days} days from now` : 'must be in the future'
  return [{ path: 'previousUntil', rule: 'range', message }]
}

/**
 * Decides a rotation: until when the secret that is replaced is accepted, and which replaced secrets are. These are at
 * most 4. Of more, those that end first are left out, but not the one that is replaced now.
 * @param rotation.until the time that the caller gave: earlier secrets end then too, unless they end sooner. By default,
 *   the replaced secret is accepted for a day, and the earlier ones keep their times. Null ends all of them
 * @param list returns the secret that is replaced, with its end, and those before it. It is not called if all end
 */
export function overlapSecrets<Secret extends FormerSecret>(
  { until, now }: { readonly until: string | null | undefined; readonly now: Date },
  list: (validUntil: string) => readonly [Secret, ...Secret[]],
): { readonly previousUntil: string | null; readonly previous: readonly Secret[] } {
  if (until === null) return { previousUntil: null, previous: [] }
  const previousUntil = until ?? new Date(now.getTime() + OVERLAP_MS).toISOString()
  const [former, ...earlier] = list(previousUntil)
  const older = listAccepted(earlier, now).map((secret) =>
    until !== undefined && secret.validUntil > until ? { ...secret, validUntil: until } : secret,
  )
  const longest = older.sort((one, other) => Date.parse(other.validUntil) - Date.parse(one.validUntil))
  return { previousUntil, previous: [former, ...longest.slice(0, MAX_FORMER - 1)] }
}

/** Returns the replaced secrets that are still accepted. */
export function listAccepted<Secret extends FormerSecret>(secrets: readonly Secret[], now: Date): Secret[] {
  const time = now.toISOString()
  return secrets.filter(({ validUntil }) => validUntil > time)
}

/** Returns when the last of the replaced secrets ends; null if none is accepted any more. */
export function findLastEnd(secrets: readonly FormerSecret[], now: Date): string | null {
  const ends = listAccepted(secrets, now).map(({ validUntil }) => validUntil)
  return ends.sort().at(-1) ?? null
}
