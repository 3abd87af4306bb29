import { type ExpectedStates, toState, type Versioned } from '../model/versions.ts'

/** One entity tag (RFC 9110 section 8.8.3). */
const TAG = '(?:W/)?"[\\x21\\x23-\\x7e\\x80-\\xff]*"'

/** The pattern of `If-Match`: `*`, or a list of entity tags. A list may have empty members (RFC 9110 section 5.6.1). */
export const IF_MATCH = `^(?:\\*|[ \\t,]*${TAG}(?:[ \\t]*,(?:[ \\t]*${TAG})?)*[ \\t]*)$`

/** The most characters of `If-Match`. */
export const MAX_IF_MATCH = 1_024

/** Returns the value of `ETag` for an object. */
export function toEtag(object: Versioned): string {
  return fromState(toState(object))
}

/** Returns the value of `ETag` for a text that names the state of an object. */
export function fromState(state: string): string {
  return `"${state}"`
}

/**
 * Reads the value of `If-Match`. A weak tag is never equal to another one (RFC 9110 section 13.1.1), so it is dropped.
 * @param header a value that `IF_MATCH` matches
 * @returns undefined if the header is absent or `*`
 */
export function fromIfMatch(header: string | undefined): ExpectedStates {
  if (header === undefined || header.trim() === '*') return undefined
  const tags = header.match(new RegExp(TAG, 'g')) ?? []
  return tags.filter((tag) => !tag.startsWith('W/')).map((tag) => tag.slice(1, -1))
}
