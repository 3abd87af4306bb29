import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { deleteUser } from '../../../src/directory/user-changes.ts'
import { jsonOf } from '../../../testing/http.ts'
import { readAudit } from '../../support/directories.ts'
import { assertOsisCode, type OsisApp, startOsisApp } from '../../support/osis-app.ts'
import { sqliteStores } from '../../support/stores.ts'

const { open } = sqliteStores()

async function start(t: TestContext): Promise<OsisApp> {
  const app = await startOsisApp(open)
  t.after(() => app.close())
  return app
}

test('a change is on the platform before the response: status, keys, removal', async (t) => {
  const { platform, call, addUser } = await start(t)
  const user = await addUser()
  const newest = () => platform.calls.at(-1) ?? assert.fail('the platform was not called')
  await call('PATCH', user.path, { active: false })
  assert.equal(newest().status, 'suspended')
  await call('PATCH', user.path, { active: true })
  const key = jsonOf<{ access_key: string }>(await call('POST', `${user.path}/s3credentials`))
  assert.deepEqual([newest().status, newest().credentials.length], ['active', 2])
  await call('PATCH', `s3credentials/${key.access_key}`, { active: false })
  assert.deepEqual(
    newest().credentials.map(({ active }) => active),
    [true, false],
  )
  await call('DELETE', `s3credentials/${key.access_key}`)
  assert.equal(newest().credentials.length, 1)
  await call('DELETE', user.path)
  assert.deepEqual([newest().status, newest().purge, newest().credentials], ['gone', false, []])
})

test('a call that changes nothing does not call the platform', async (t) => {
  const { on, platform, call, addUser } = await start(t)
  const user = await addUser()
  const before = platform.calls.length
  assert.equal((await call('PATCH', user.path, { active: true })).status, 200)
  await addUser()
  for (const path of [`tenants/${on.tenantId}/users`, 'users/query', 's3credentials/query', 'tenants'])
    assert.equal((await call('GET', path)).status, 200)
  assert.equal(platform.calls.length, before)
})

test('a user who owns buckets is refused without purge, recorded, and as it was', async (t) => {
  const { on, platform, call, addUser, own, count } = await start(t)
  const user = await addUser()
  own(user, 'backups')
  for (const query of ['', '?purge_data=false'])
    assertOsisCode(await call('DELETE', `${user.path}${query}`), 409, 'E_CONFLICT')
  const [entry] = await readAudit(on.dir, 1)
  assert.partialDeepStrictEqual(entry, {
    operation: 'DeleteAccount',
    status: 'Failed',
    outcome: 'account_not_empty',
    target: user.user_id,
  })
  assert.equal((await call('GET', user.path)).status, 200)
  assert.equal(await count(`${user.path}/s3credentials`), 1)
  const again = platform.calls.at(-1)
  assert.deepEqual([again?.status, again?.credentials.length], ['active', 1])
  assert.equal((await addUser()).user_id, user.user_id)
  assert.equal((await call('DELETE', `${user.path}?purge_data=true`)).status, 204)
  assert.equal(platform.buckets.size, 0)
})

test('a key that is deleted stays deleted when the removal of its user meets data', async (t) => {
  const { call, addUser, own, count } = await start(t)
  const user = await addUser()
  const { access_key } = jsonOf<{ access_key: string }>(await call('POST', `${user.path}/s3credentials`))
  own(user, 'backups')
  await call('DELETE', `s3credentials/${access_key}`)
  assertOsisCode(await call('DELETE', user.path), 409, 'E_CONFLICT')
  assert.equal(await count(`${user.path}/s3credentials`), 1)
})

test('deleting a user who has data leaves a suspended account, which can be purged', async (t) => {
  const { on, platform, call, addUser, own } = await start(t)
  const user = await addUser()
  own(user, 'backups')
  await deleteUser(on.dir, on.operator, { user: user.user_id })
  // The removal and, once it has met the data, the suspension.
  const states = () => platform.calls.slice(-2).map((one) => one.status)
  while (states().join() !== 'gone,suspended') await new Promise((resolve) => setTimeout(resolve, 20))
  const kept = jsonOf<{ active: boolean }>(await call('GET', user.path))
  assert.equal(kept.active, false)
  assert.equal((await call('DELETE', `${user.path}?purge_data=true`)).status, 204)
})

test('usage is summed over a tenant, in bytes, with the quota where everybody has one', async (t) => {
  const { on, platform, call, addUser } = await start(t)
  const [one, other] = [await addUser('a'), await addUser('b')]
  const usage = { bucketCount: 1, objectCount: 10, usedBytes: 1_000, quotaBytes: 5_000 }
  platform.usages.set(one.canonical_user_id, usage)
  platform.usages.set(other.canonical_user_id, { ...usage, usedBytes: 7_000 })
  const get = async (query: string): Promise<object> => jsonOf<object>(await call('GET', `usage${query}`))
  const ofTenant = `?tenant_id=${on.tenantId}`
  const figures = (
    buckets: number,
    objects: number,
    total: number,
    available: number,
    used: number,
  ): object => ({
    bucket_count: buckets,
    object_count: objects,
    total_bytes: total,
    available_bytes: available,
    used_bytes: used,
  })
  assert.deepEqual(await get(''), figures(2, 20, 10_000, 2_000, 8_000))
  assert.deepEqual(await get(ofTenant), figures(2, 20, 10_000, 2_000, 8_000))
  assert.deepEqual(await get(`${ofTenant}&user_id=${other.user_id}`), figures(1, 10, 5_000, 0, 7_000))
  platform.usages.set(other.canonical_user_id, { ...usage, quotaBytes: null })
  assert.deepEqual(await get(ofTenant), figures(2, 20, -1, -1, 2_000))
})

test('the buckets of all users of a tenant are one list by name, with their owners’ canonical ids', async (t) => {
  const { on, call, addUser, own } = await start(t)
  const [one, other] = [await addUser('a'), await addUser('b')]
  own(one, 'zebra', 'ant')
  own(other, 'mole')
  const path = `bucket-list?tenant_id=${on.tenantId}`
  const page = jsonOf<{ items: { name: string; user_id: string; creation_date: string }[] }>(
    await call('GET', path),
  )
  assert.deepEqual(
    page.items.map((bucket) => [bucket.name, bucket.user_id]),
    [
      ['ant', one.canonical_user_id],
      ['mole', other.canonical_user_id],
      ['zebra', one.canonical_user_id],
    ],
  )
  assert.equal(page.items[0]?.creation_date, '2026-11-22T08:00:00.000Z')
  const second = jsonOf<{ items: { name: string }[]; page_info: object }>(
    await call('GET', `${path}&offset=1&limit=1`),
  )
  assert.deepEqual(
    second.items.map((bucket) => bucket.name),
    ['mole'],
  )
  assert.deepEqual(second.page_info, { limit: 1, offset: 1, total: 3 })
})

test('figures that the platform cannot give now are a 503, never zeros or an empty page', async (t) => {
  const { on, platform, call, addUser, count } = await start(t)
  await addUser()
  platform.fail('down')
  for (const path of ['usage', `usage?tenant_id=${on.tenantId}`, `bucket-list?tenant_id=${on.tenantId}`])
    assertOsisCode(await call('GET', path), 503, 'E_PLATFORM')
  assert.equal(await count(`tenants/${on.tenantId}/users`), 1)
})

test('one damaged secret does not break a list, and its key can be deleted', async (t) => {
  const { on, call, addUser, count } = await start(t)
  const user = await addUser()
  await call('POST', `${user.path}/s3credentials`)
  const page = jsonOf<{ items: { access_key: string }[] }>(await call('GET', `${user.path}/s3credentials`))
  const [damaged, whole] = page.items
  await on.dir.store.write((tx) =>
    tx.query((db) =>
      db
        .updateTable('credentials')
        .set({ sealed_secret: '1.x.y' })
        .where('access_key', '=', damaged?.access_key ?? ''),
    ),
  )
  const path = `s3credentials/query?filter=user_id==${user.user_id}`
  const { items } = jsonOf<{ items: object[] }>(await call('GET', path))
  assert.deepEqual(items, [{ ...damaged, secret_key: 'Not Available' }, whole])
  assert.equal((await call('DELETE', `s3credentials/${damaged?.access_key}`)).status, 204)
  assert.equal(await count(path), 1)
})
