import type { Issue } from '../model/error.ts'

/** A secret that was replaced, and is still accepted until a time, ISO 8601. */
export interface FormerSecret {
  readonly validUntil: string
}

/** How long a replaced secret is accepted, unless the caller says otherwise, in milliseconds. */
const OVERLAP_MS = 24 * 60 * 60 * 1000
/** The longest time that a caller can give, in milliseconds. */
const MAX_OVERLAP_MS = 90 * 24 * 60 * 60 * 1000
/** The most replaced secrets that are accepted at once. */
const MAX_FORMER = 4

/** Checks until when a caller wants a replaced secret to be accepted: at most 90 days from now; null ends it at once. */
export function checkUntil(until: string | null | undefined, now: Date): Issue[] {
  if (until === undefined || until === null) return []
  const ms = Date.parse(until) - now.getTime()
  if (ms > 0 && ms <= MAX_OVERLAP_MS) return []
  const days = MAX_OVERLAP_MS / OVERLAP_MS
  const message = ms > 0 ? `must be at most ${days} days from now` : 'must be in the future'
  return [{ path: 'previousUntil', rule: 'range', message }]
}

/** Returns until when a replaced secret is accepted: for a day, unless the caller says otherwise; null ends it. */
export function toEnd(until: string | null | undefined, now: Date): string | null {
  return until === undefined ? new Date(now.getTime() + OVERLAP_MS).toISOString() : until
}

/**
 * Returns the replaced secrets that are accepted after a rotation, newest first.
 * @param former the secret that is replaced now, with its end; undefined if it ends at once, with all before it
 * @param earlier the secrets that were replaced before, newest first
 * @param at.cap ends the earlier ones, unless they end sooner; they keep their times without it
 */
export function overlapSecrets<Secret extends FormerSecret>(
  former: Secret | undefined,
  earlier: readonly Secret[],
  { cap, now }: { readonly cap: string | null | undefined; readonly now: Date },
): Secret[] {
  if (!former) return []
  const older = listAccepted(earlier, now).map((secret) =>
    cap && secret.validUntil > cap ? { ...secret, validUntil: cap } : secret,
  )
  return [former, ...older].slice(0, MAX_FORMER)
}

/** Returns the replaced secrets that are still accepted. */
export function listAccepted<Secret extends FormerSecret>(secrets: readonly Secret[], now: Date): Secret[] {
  const time = now.toISOString()
  return secrets.filter(({ validUntil }) => validUntil > time)
}
