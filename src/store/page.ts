import type { PageRequest } from '../model/pages.ts'

/** How to walk to a page. */
export interface Walk {
  readonly direction: 'asc' | 'desc'
  readonly offset: number
  readonly limit: number
}

/**
 * The shorter way to a page of a list of known length, from its begin or from its end; undefined when it is empty.
 * An offset costs a step for each item that it skips.
 */
export function walkTo({ offset, limit }: PageRequest, total: number): Walk | undefined {
  const count = Math.min(limit, total - offset)
  if (count <= 0) return undefined
  const behind = total - offset - count
  if (behind >= offset) return { direction: 'asc', offset, limit: count }
  return { direction: 'desc', offset: behind, limit: count }
}
