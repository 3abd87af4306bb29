import assert from 'node:assert/strict'
import { test } from 'node:test'
import { embeddedPlatform } from '../../src/platform/embedded.ts'

const signal = new AbortController().signal

test('the embedded platform applies anything, keeps nothing, and says so', async () => {
  const platform = embeddedPlatform('1.2.3')
  const canonicalUserId = 'acme$ada'
  const credentials = [{ accessKey: 'A', secretKey: 'S', active: true }]
  for (const status of ['active', 'suspended', 'gone'] as const) {
    const names = { tenantId: 'acme', userId: 'ada', canonicalUserId, displayName: 'Ada' }
    await platform.apply({ ...names, status, purge: false, credentials }, signal)
    assert.equal(await platform.read(canonicalUserId, signal), null)
  }
  assert.deepEqual(await platform.listBuckets(canonicalUserId, signal), [])
  const usage = { bucketCount: 0, objectCount: 0, usedBytes: 0, quotaBytes: null }
  assert.deepEqual(await platform.readContent(canonicalUserId, signal), { usage, buckets: [] })
  assert.deepEqual(await platform.status(), { version: '1.2.3', health: 'NORMAL' })
  assert.equal(platform.s3Url, null)
})
