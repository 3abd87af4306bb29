/**
 * Cuts a list that was read with one item more than its limit.
 * @returns the items of the page, and whether there are more
 */
export function cutPage<T>(items: readonly T[], limit: number): { items: readonly T[]; more: boolean } {
  return { items: items.slice(0, limit), more: items.length > limit }
}

/**
 * Describes how to go on after a list that ended early. Lists of JSON stay arrays, so this goes to standard error.
 * @param next the option that lists the next page; left out if the list has no pages
 */
export function describeMore(shown: number, next?: string | null): string {
  const pages = !next ? '' : `add ${next} for the next page, or `
  return `the list ends after ${shown} ${shown === 1 ? 'entry' : 'entries'}, and there are more: ${pages}raise --limit`
}

/** Quotes a text as one word of a POSIX shell. Operators paste it into their shell, and others have typed it. */
export function quoteWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
