import type { Page, PageRequest } from '../../model/pages.ts'
import { MAX_LIMIT, type PageQuery } from './schemas.ts'

/** What a query without `limit` gets; section 5.5 of the contract. */
const DEFAULT_LIMIT = 100

export function toPageRequest({ offset = 0, limit = DEFAULT_LIMIT }: PageQuery): PageRequest {
  return { offset, limit: Math.min(limit, MAX_LIMIT) }
}

/** A page on the wire; it says the limit that was really used. */
export function toWirePage<T, W>({ items, total }: Page<T>, request: PageRequest, toWire: (item: T) => W) {
  return { items: items.map(toWire), page_info: { limit: request.limit, offset: request.offset, total } }
}
