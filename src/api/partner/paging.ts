import type { TSchema } from 'typebox'
import { Type } from '../../json-schema.ts'
import type { Page, PageRequest } from '../../model/pages.ts'

const DEFAULT_PAGE_SIZE = 25
const MAX_PAGE_SIZE = 2000
const MAX_INT32 = 2 ** 31 - 1

/** The query parameters of every list that has pages (section 7 of the contract). A value out of range is refused. */
export const pageQuery = {
  pageNumber: Type.Optional(
    Type.Integer({
      format: 'int32',
      minimum: 1,
      maximum: MAX_INT32,
      default: 1,
      description: 'The number of the page, from 1.',
    }),
  ),
  pageSize: Type.Optional(
    Type.Integer({
      format: 'int32',
      minimum: 1,
      maximum: MAX_PAGE_SIZE,
      default: DEFAULT_PAGE_SIZE,
      description: 'The maximum number of items of a page.',
    }),
  ),
}

/** What a caller asks for with `pageQuery`. */
export interface PageQuery {
  readonly pageNumber?: number
  readonly pageSize?: number
}

/** The envelope of a page (section 7 of the contract). */
export const PageOf = <Item extends TSchema>(item: Item) =>
  Type.Object({
    items: Type.Array(item, { description: 'The items of the page.' }),
    paginationParameters: Type.Object(
      {
        pageNumber: Type.Integer({ format: 'int32', description: 'The number of the page.' }),
        pageSize: Type.Integer({ format: 'int32', description: 'The maximum number of items of a page.' }),
      },
      { additionalProperties: false },
    ),
    totalPages: Type.Integer({ format: 'int32', description: 'The number of pages.' }),
    totalCount: Type.Integer({ format: 'int32', description: 'The number of results over all pages.' }),
    hasPreviousPage: Type.Boolean({ description: 'Whether there is a page before this one.' }),
    hasNextPage: Type.Boolean({ description: 'Whether there is a page after this one.' }),
    continuationToken: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'The token to continue with, for lists that have one; otherwise null.',
    }),
  })

/** Translates the paging of a query. */
export function toPageRequest({ pageNumber = 1, pageSize = DEFAULT_PAGE_SIZE }: PageQuery): PageRequest {
  return { offset: (pageNumber - 1) * pageSize, limit: pageSize }
}

/** Translates a page. A page after the last one has no items, and counts as preceded by the last one. */
export function toEnvelope<T, W>({ items, total }: Page<T>, query: PageQuery, toWire: (item: T) => W) {
  const { pageNumber = 1, pageSize = DEFAULT_PAGE_SIZE } = query
  const totalPages = Math.ceil(total / pageSize)
  return {
    items: items.map(toWire),
    paginationParameters: { pageNumber, pageSize },
    totalPages,
    totalCount: total,
    hasPreviousPage: pageNumber > 1 && totalPages > 0,
    hasNextPage: pageNumber < totalPages,
    continuationToken: null,
  }
}
