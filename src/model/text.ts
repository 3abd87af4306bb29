import type { Issue } from './error.ts'

/** The longest name, e-mail address or other short text, in Unicode code points. */
export const MAX_TEXT = 255

const NUL = '\u0000'

/** Whether every store and every wire format can carry the text: no U+0000, no lone surrogate. */
export function isStorable(text: string): boolean {
  return !text.includes(NUL) && text.isWellFormed()
}

/** The number of Unicode code points (not UTF-16 units: an emoji counts once). */
export function countCodePoints(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

/** Checks one short text. `null` passes, since whether it may be absent is the caller's rule. */
export function checkText(path: string, text: string | null, options: { min?: number } = {}): Issue[] {
  if (text === null) return []
  const issues: Issue[] = []
  // Counting code points costs a walk; a text of few UTF-16 units cannot have too many.
  if (text.length > MAX_TEXT) {
    const length = countCodePoints(text)
    if (length > MAX_TEXT) issues.push(tooLong(path, length))
  }
  if (text.length < (options.min ?? 0)) issues.push({ path, rule: 'minLength', message: 'must not be empty' })
  if (!isStorable(text)) issues.push(notStorable(path))
  return issues
}

function tooLong(path: string, length: number): Issue {
  return { path, rule: 'maxLength', message: `must have at most ${MAX_TEXT} characters; it has ${length}` }
}

function notStorable(path: string): Issue {
  return { path, rule: 'text', message: 'must not contain U+0000 or a lone surrogate' }
}
