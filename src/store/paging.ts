import type { SelectQueryBuilder } from 'kysely'
import type { PageRequest } from '../model/pages.ts'
import type { QueryBuilder, Tx } from './port.ts'
import type { Tables } from './schema.ts'

/** How to walk to a page. */
export interface PagePlan {
  readonly direction: 'asc' | 'desc'
  readonly offset: number
  readonly limit: number
}

/**
 * The shorter way to a page of a list of known length, from its begin or from its end; undefined when it is empty.
 * An offset costs a step for each item that it skips.
 */
export function planPage({ offset, limit }: PageRequest, total: number): PagePlan | undefined {
  const count = Math.min(limit, total - offset)
  if (count <= 0) return undefined
  const behind = total - offset - count
  if (behind >= offset) return { direction: 'asc', offset, limit: count }
  return { direction: 'desc', offset: behind, limit: count }
}

/** How many rows a query finds. */
export async function countMatching<T extends keyof Tables>(
  tx: Tx,
  select: (db: QueryBuilder) => SelectQueryBuilder<Tables, T, object>,
): Promise<number> {
  const rows = await tx.query((db) => select(db).select((eb) => eb.fn.countAll<number>().as('total')))
  return Number(rows[0]?.total ?? 0)
}
