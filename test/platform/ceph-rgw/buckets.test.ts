import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toBuckets, toUsage } from '../../../src/platform/ceph-rgw/buckets.ts'
import { PlatformError } from '../../../src/platform/platform.ts'

/** As GET /admin/bucket?stats=true shows them in RGW 16.2, without what is not read. */
const BUCKETS = [
  {
    bucket: 'backups',
    tenant: 'acme',
    owner: 'acme$ada',
    creation_time: '2026-11-24T14:26:42.704032Z',
    usage: {
      'rgw.main': { size: 5_243_000, size_actual: 5_251_072, size_kb: 5121, num_objects: 2 },
      'rgw.multimeta': { size: 0, size_kb: 0, num_objects: 1 },
    },
  },
  {
    bucket: 'empty',
    tenant: 'acme',
    owner: 'acme$ada',
    creation_time: '2019-03-04 12:34:56.789Z',
    usage: {},
  },
]

test('buckets have their names, their dates and their owners', () => {
  assert.deepEqual(toBuckets(BUCKETS), [
    { name: 'backups', createdAt: '2026-11-24T14:26:42.704Z', owner: 'acme$ada' },
    { name: 'empty', createdAt: '2019-03-04T12:34:56.789Z', owner: 'acme$ada' },
  ])
  assert.deepEqual(toBuckets([]), [])
})

test('usage counts bytes and objects, not blocks, kilobytes or uploads under way', () => {
  assert.deepEqual(toUsage(BUCKETS, 10_000_000), {
    bucketCount: 2,
    objectCount: 2,
    usedBytes: 5_243_000,
    quotaBytes: 10_000_000,
  })
  assert.deepEqual(toUsage([], null), { bucketCount: 0, objectCount: 0, usedBytes: 0, quotaBytes: null })
})

test('a response of another shape is an error, and not an empty list', () => {
  for (const body of [
    null,
    {},
    'x',
    ['backups'],
    [{ bucket: 'a' }],
    [{ ...BUCKETS[0], creation_time: 'then' }],
  ])
    assert.throws(() => toBuckets(body), PlatformError)
  for (const body of [null, {}, ['backups'], [{ bucket: 'a' }], [{ usage: { 'rgw.main': { size: '5' } } }]])
    assert.throws(() => toUsage(body, null), PlatformError)
})
