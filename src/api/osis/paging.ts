import type { Static } from 'typebox'
import type { Page, PageRequest } from '../../model/pages.ts'
import { MAX_LIMIT, type PageQuery } from './schemas.ts'

/** The limit of a query that sets none (section 5.5 of the contract). */
const DEFAULT_LIMIT = 100

/** The result of a filter that nothing can match. */
export const EMPTY_PAGE = { items: [], total: 0 } as const

/** Translates the paging of a query. A limit above `MAX_LIMIT` is lowered to it. */
export function toPageRequest({ offset = 0, limit = DEFAULT_LIMIT }: Static<typeof PageQuery>): PageRequest {
  return { offset, limit: Math.min(limit, MAX_LIMIT) }
}

/** Translates a page. The result states the limit that was really used. */
export function toWirePage<T, W>({ items, total }: Page<T>, request: PageRequest, toWire: (item: T) => W) {
  return { items: items.map(toWire), page_info: { limit: request.limit, offset: request.offset, total } }
}
