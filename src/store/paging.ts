import type { SelectQueryBuilder } from 'kysely'
import type { PageRequest } from '../model/pages.ts'
import type { QueryBuilder, Tx } from './port.ts'
import type { Tables } from './schema.ts'

/** How to read a page: from which end, and how many rows to skip and to read. */
export interface PagePlan {
  readonly direction: 'asc' | 'desc'
  readonly offset: number
  readonly limit: number
}

/**
 * Decides from which end of the list to read a page: from the nearer one, because each skipped row costs a step.
 * @param total the length of the list
 * @returns undefined if the page is empty
 */
export function planPage({ offset, limit }: PageRequest, total: number): PagePlan | undefined {
  const count = Math.min(limit, total - offset)
  if (count <= 0) return undefined
  const after = total - offset - count
  if (after >= offset) return { direction: 'asc', offset, limit: count }
  return { direction: 'desc', offset: after, limit: count }
}

/** Counts the rows that a query finds. */
export async function countMatching<T extends keyof Tables>(
  tx: Tx,
  select: (db: QueryBuilder) => SelectQueryBuilder<Tables, T, object>,
): Promise<number> {
  const rows = await tx.query((db) => select(db).select((eb) => eb.fn.countAll<number>().as('total')))
  return Number(rows[0]?.total ?? 0)
}
