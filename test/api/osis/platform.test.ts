import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { type App, startApp } from '../../../src/app.ts'
import { readConfig } from '../../../src/config.ts'
import { deleteUser } from '../../../src/directory/users.ts'
import { newLogger } from '../../../src/logger.ts'
import { newMetrics } from '../../../src/metrics.ts'
import { type Answer, basic, jsonOf, send } from '../../../testing/http.ts'
import { newTestDirectory, readAudit, type TestDirectory } from '../../support/directories.ts'
import { type FakePlatform, newFakePlatform, only } from '../../support/platform.ts'
import { sqliteStores } from '../../support/stores.ts'

/** OSIS over HTTP on a platform that a test can break, which no setting of a real Usher can do. */

const { open } = sqliteStores()
const apps: App[] = []

let on: TestDirectory
let platform: FakePlatform
let app: App

beforeEach(async () => {
  platform = newFakePlatform()
  on = await newTestDirectory(open, platform.name)
  const config = await readConfig({ USHER_PORT: '0' })
  const log = newLogger('silent', process.stderr)
  const opened = { dir: on.dir, platforms: only(platform), close: async () => undefined }
  app = await startApp({ config, log, metrics: newMetrics(), open: opened })
  apps.push(app)
})

after(() => Promise.all(apps.map((one) => one.close())))

function call(method: string, path: string, body?: object): Promise<Answer> {
  const { id, secret } = on.setup.osis
  return send(app.url, {
    method,
    path: `/api/v1/${path}`,
    headers: { authorization: basic(id, secret ?? ''), 'content-type': body && 'application/json' },
    body: body && JSON.stringify(body),
  })
}

interface User {
  readonly user_id: string
  readonly canonical_user_id: string
}

async function addUser(id = 'ada'): Promise<User & { path: string }> {
  const body = { cd_user_id: id, cd_tenant_id: on.orgId }
  const answer = await call('POST', `tenants/${on.tenantId}/users`, body)
  assert.equal(answer.status, 201, answer.text)
  const user = jsonOf<User>(answer)
  return { ...user, path: `tenants/${on.tenantId}/users/${user.user_id}` }
}

function assertError(answer: Answer, status: number, code: string): void {
  assert.equal(answer.status, status, answer.text)
  assert.equal(jsonOf<{ code: string }>(answer).code, code)
}

function pass(ms: number): void {
  on.clock.now = new Date(on.clock.now.getTime() + ms)
}

function own(user: User, ...names: string[]): void {
  platform.buckets.set(
    user.canonical_user_id,
    names.map((name) => ({ name, createdAt: '2026-11-22T08:00:00.000Z', owner: user.canonical_user_id })),
  )
}

const count = async (path: string): Promise<number> =>
  jsonOf<{ page_info: { total: number } }>(await call('GET', path)).page_info.total

test('what is changed is on the platform when it is answered: status, keys, removal', async () => {
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

test('what changes nothing does not trouble the platform', async () => {
  const user = await addUser()
  const before = platform.calls.length
  assert.equal((await call('PATCH', user.path, { active: true })).status, 200)
  await addUser()
  for (const path of [`tenants/${on.tenantId}/users`, 'users/query', 's3credentials/query', 'tenants'])
    assert.equal((await call('GET', path)).status, 200)
  assert.equal(platform.calls.length, before)
})

test('while the platform is down each change is answered 503 and kept, and repeating it succeeds later', async () => {
  const user = await addUser()
  const [{ access_key }] = jsonOf<{ items: [{ access_key: string }] }>(
    await call('GET', `${user.path}/s3credentials`),
  ).items
  platform.fail('down')
  const late = await Promise.all([
    call('POST', `tenants/${on.tenantId}/users`, { cd_user_id: 'bob', cd_tenant_id: on.orgId }),
    call('PATCH', user.path, { active: false }),
    call('POST', `${user.path}/s3credentials`),
    call('DELETE', `s3credentials/${access_key}`),
  ])
  for (const answer of late) assertError(answer, 503, 'E_PLATFORM')
  assert.equal(jsonOf<{ active: boolean }>(await call('GET', user.path)).active, false)
  assert.equal((await call('GET', `s3credentials/${access_key}`)).status, 404)
  platform.succeed()
  pass(10 * 60_000)
  assert.equal((await call('PATCH', user.path, { active: false })).status, 200)
  assert.equal((await call('DELETE', `s3credentials/${access_key}`)).status, 204)
  const applied = platform.calls.at(-1)
  assert.deepEqual([applied?.status, applied?.credentials.length], ['suspended', 1])
  assert.equal(await count(`tenants/${on.tenantId}/users`), 2)
})

test('a deletion is a 204 only once the platform has followed, also when it is repeated', async () => {
  const user = await addUser()
  platform.fail('down')
  assertError(await call('DELETE', user.path), 503, 'E_PLATFORM')
  assert.equal((await call('GET', user.path)).status, 404)
  assert.equal(await count(`s3credentials/query?filter=cd_tenant_id==${on.orgId}`), 0)
  assertError(await call('DELETE', user.path), 503, 'E_PLATFORM')
  platform.succeed()
  pass(10 * 60_000)
  assert.equal((await call('DELETE', user.path)).status, 204)
  assert.equal(platform.calls.at(-1)?.status, 'gone')
})

test('a user is not created anew while data may still keep the old one', async () => {
  const user = await addUser()
  platform.fail('down')
  await call('DELETE', user.path)
  const body = { cd_user_id: 'ada', cd_tenant_id: on.orgId }
  assertError(await call('POST', `tenants/${on.tenantId}/users`, body), 503, 'E_PLATFORM')
  platform.succeed()
  pass(10 * 60_000)
  await call('DELETE', user.path)
  assert.notEqual((await addUser()).user_id, user.user_id)
})

test('a user who owns buckets is refused without purge, recorded, and as it was', async () => {
  const user = await addUser()
  own(user, 'backups')
  for (const query of ['', '?purge_data=false'])
    assertError(await call('DELETE', `${user.path}${query}`), 409, 'E_CONFLICT')
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

test('a key that is deleted stays deleted when the removal of its user meets data', async () => {
  const user = await addUser()
  const { access_key } = jsonOf<{ access_key: string }>(await call('POST', `${user.path}/s3credentials`))
  own(user, 'backups')
  await call('DELETE', `s3credentials/${access_key}`)
  assertError(await call('DELETE', user.path), 409, 'E_CONFLICT')
  assert.equal(await count(`${user.path}/s3credentials`), 1)
})

test('a removal under way becomes a purge when that is asked for', async () => {
  const user = await addUser()
  own(user, 'backups')
  platform.fail('down')
  assertError(await call('DELETE', user.path), 503, 'E_PLATFORM')
  platform.succeed()
  pass(10 * 60_000)
  assert.equal((await call('DELETE', `${user.path}?purge_data=true`)).status, 204)
  assert.equal(platform.buckets.size, 0)
})

test('a person who leaves with data leaves a suspended account behind, which can be purged', async () => {
  const user = await addUser()
  own(user, 'backups')
  await deleteUser(on.dir, on.operator, user.user_id)
  // The removal and, once it has met the data, the suspension.
  const states = () => platform.calls.slice(-2).map((one) => one.status)
  while (states().join() !== 'gone,suspended') await new Promise((resolve) => setTimeout(resolve, 20))
  const kept = jsonOf<{ active: boolean }>(await call('GET', user.path))
  assert.equal(kept.active, false)
  assert.equal((await call('DELETE', `${user.path}?purge_data=true`)).status, 204)
})

test('a tenant is purged with all its users and data; without purge its users keep it', async () => {
  const users = [await addUser('a'), await addUser('b'), await addUser('c')]
  own(users[1] ?? assert.fail(), 'backups')
  assertError(await call('DELETE', `tenants/${on.tenantId}`), 409, 'E_CONFLICT')
  platform.fail('down')
  assertError(await call('DELETE', `tenants/${on.tenantId}?purge_data=true`), 503, 'E_PLATFORM')
  assert.equal((await call('GET', `tenants/${on.tenantId}`)).status, 404)
  platform.succeed()
  pass(10 * 60_000)
  assert.equal((await call('DELETE', `tenants/${on.tenantId}`)).status, 204)
  const gone = platform.calls.filter((one) => one.status === 'gone' && one.purge)
  assert.equal(new Set(gone.map((one) => one.userId)).size, 3)
  assert.equal(platform.buckets.size, 0)
})

test('usage is summed over a tenant, in bytes, with the quota where everybody has one', async () => {
  const [one, other] = [await addUser('a'), await addUser('b')]
  const usage = { bucketCount: 1, objectCount: 10, usedBytes: 1_000, quotaBytes: 5_000 }
  platform.usages.set(one.canonical_user_id, usage)
  platform.usages.set(other.canonical_user_id, { ...usage, usedBytes: 7_000 })
  platform.usages.set('everybody', { ...usage, bucketCount: 99 })
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
  assert.deepEqual(await get(''), figures(99, 10, 5_000, 4_000, 1_000))
  assert.deepEqual(await get(ofTenant), figures(2, 20, 10_000, 2_000, 8_000))
  assert.deepEqual(await get(`${ofTenant}&user_id=${other.user_id}`), figures(1, 10, 5_000, 0, 7_000))
  platform.usages.set(other.canonical_user_id, { ...usage, quotaBytes: null })
  assert.deepEqual(await get(ofTenant), figures(2, 20, -1, -1, 2_000))
})

test('the buckets of all users of a tenant are one list by name, with their owners’ canonical ids', async () => {
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

test('figures that the platform cannot give now are a 503, never zeros or an empty page', async () => {
  await addUser()
  platform.fail('down')
  for (const path of ['usage', `usage?tenant_id=${on.tenantId}`, `bucket-list?tenant_id=${on.tenantId}`])
    assertError(await call('GET', path), 503, 'E_PLATFORM')
  assert.equal(await count(`tenants/${on.tenantId}/users`), 1)
})

test('one damaged secret does not break a list, and its key can be deleted', async () => {
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
