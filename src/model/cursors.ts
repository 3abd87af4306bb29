import { createHash } from 'node:crypto'

/** Numbers and texts that say where the next page of a list begins. Texts must hold no blank. */
export type CursorParts = readonly (number | string)[]

/**
 * Formats the place where the next page of a list begins.
 * @param about what the list is about, with its filters: the cursor is good for this list alone
 * @returns base64url text
 */
export function formatCursor(parts: CursorParts, about: readonly unknown[]): string {
  return Buffer.from([hashOf(about), ...parts].join(' ')).toString('base64url')
}

/**
 * Parses what `formatCursor` returned for the same list.
 * @returns the parts as texts; undefined for another text
 */
function parseCursor(text: string, about: readonly unknown[]): string[] | undefined {
  if (!/^[\w-]{1,400}$/.test(text)) return undefined
  const [hash, ...parts] = Buffer.from(text, 'base64url').toString('utf8').split(' ')
  return hash === hashOf(about) ? parts : undefined
}

/** Like `parseCursor`, for a cursor of whole numbers: returns undefined unless it has this many of them. */
export function parseNumbers(text: string, about: readonly unknown[], count: number): number[] | undefined {
  const numbers = parseCursor(text, about)?.map((part) => (/^\d{1,15}$/.test(part) ? Number(part) : NaN))
  return numbers?.length === count && !numbers.some(Number.isNaN) ? numbers : undefined
}

function hashOf(about: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(about)).digest('base64url').slice(0, 12)
}
