import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toEnvelope, toPageRequest } from '../../../src/api/partner/paging.ts'

const envelope = (total: number, pageNumber: number) =>
  toEnvelope({ items: [1, 2], total }, { pageNumber, pageSize: 2 }, String)

test('an envelope says where its page is', () => {
  assert.deepEqual(toEnvelope({ items: [7], total: 1 }, {}, String), {
    items: ['7'],
    paginationParameters: { pageNumber: 1, pageSize: 25 },
    totalPages: 1,
    totalCount: 1,
    hasPreviousPage: false,
    hasNextPage: false,
    continuationToken: null,
  })
  const around = [1, 2, 3, 4].map((page) => {
    const { totalPages, hasPreviousPage, hasNextPage } = envelope(5, page)
    return [totalPages, hasPreviousPage, hasNextPage]
  })
  assert.deepEqual(around, [
    [3, false, true],
    [3, true, true],
    [3, true, false],
    [3, true, false],
  ])
  assert.partialDeepStrictEqual(envelope(0, 1), { totalPages: 0, hasPreviousPage: false, hasNextPage: false })
})

test('a page request counts from page 1, and takes 25 items by default', () => {
  assert.deepEqual(toPageRequest({}), { offset: 0, limit: 25 })
  assert.deepEqual(toPageRequest({ pageNumber: 3, pageSize: 100 }), { offset: 200, limit: 100 })
})
