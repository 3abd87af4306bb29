import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { jsonOf } from '../../testing/http.ts'
import { type ProcessTarget, startProcess } from '../../testing/target.ts'
import { serve } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'
import {
  assertOsisError,
  createdOf,
  createUser,
  listCredentials,
  newOsisUser,
  newTenant,
  type OsisTenant,
  type OsisUser,
  osis,
} from '../contract/object-store.ts'
import { queryStore } from '../support/stored.ts'
import {
  admin,
  adoptTenant,
  controlGateway,
  gateway,
  listUids,
  ownDir,
  platform,
  refusalOf,
  removeTenants,
  s3,
  signal,
} from './gateway.ts'
import { type Fault, type RgwProxy, startProxy } from './proxy.ts'

let proxy: RgwProxy
let settings: Record<string, string>
let target: ProcessTarget
let tenant: OsisTenant

before(async () => {
  proxy = await startProxy()
  settings = {
    USHER_CEPH_RGW_URL: proxy.url,
    USHER_CEPH_RGW_ACCESS_KEY: gateway.accessKey,
    USHER_CEPH_RGW_SECRET_KEY: gateway.secretKey,
    USHER_CEPH_RGW_S3_URL: gateway.url,
  }
  target = await startProcess(settings)
  tenant = await newTenant(target)
  adoptTenant(tenant.tenant_id)
})

after(async () => {
  // The one that serves now, and then the first one's data.
  await target.stop()
  await target.end()
  await proxy.close()
  await removeTenants()
})

/** Asserts that the gateway has one user with one key, that OSIS returns this key, and that it works. */
async function assertOneWorkingKey(user: OsisUser): Promise<{ accessKey: string; secretKey: string }> {
  const { items } = await listCredentials(target, user)
  const [{ access_key: accessKey, secret_key: secretKey } = assert.fail('no credential'), ...others] = items
  assert.deepEqual(others, [])
  assert.deepEqual((await platform.read(user.canonical_user_id, signal))?.keys, [
    { accessKey, secretKey, active: true },
  ])
  await s3({ accessKey, secretKey }).send(new ListBucketsCommand({}))
  return { accessKey, secretKey }
}

/** Puts an Usher on the same data in the place of one that has ended. */
async function restart(): Promise<void> {
  target = { ...target, ...(await serve(target.dataDir, { settings })) }
}

test('a user that OSIS creates has a credential that works, and owns what it makes by its canonical id', async () => {
  const user = createdOf<OsisUser>(
    await createUser(target, tenant.tenant_id, newOsisUser({ username: 'Zoë\u0007' })),
  )
  const client = s3(await assertOneWorkingKey(user))
  await client.send(new CreateBucketCommand({ Bucket: 'backups' }))
  await client.send(new PutObjectCommand({ Bucket: 'backups', Key: 'a', Body: 'hello' }))
  const { Body } = await client.send(new GetObjectCommand({ Bucket: 'backups', Key: 'a' }))
  assert.equal(await Body?.transformToString(), 'hello')
  const { Owner } = await client.send(new ListBucketsCommand({}))
  assert.deepEqual(Owner, { ID: user.canonical_user_id, DisplayName: 'Zoë ' })
})

test('the platform is named and well, and no secret is in the log', async () => {
  const user = createdOf<OsisUser>(await createUser(target, tenant.tenant_id, newOsisUser()))
  const { secretKey } = await assertOneWorkingKey(user)
  const info = jsonOf<Record<string, unknown>>(await osis(target, { path: '/api/info' }))
  assert.deepEqual([info.platform_name, info.status], ['ceph-rgw', 'NORMAL'])
  assert.match(target.log(), /platform healthy/)
  for (const secret of [secretKey, gateway.secretKey]) assert.ok(!target.log().includes(secret))
})

test('the usage and the buckets of many users are those of the gateway, read in the background', async () => {
  const many = await newTenant(target)
  adoptTenant(many.tenant_id)
  const users: OsisUser[] = []
  for (let i = 0; i < 20; i++)
    users.push(createdOf<OsisUser>(await createUser(target, many.tenant_id, newOsisUser())))
  const [first] = users as [OsisUser]
  const client = s3(await assertOneWorkingKey(first))
  await client.send(new CreateBucketCommand({ Bucket: 'figures' }))
  await client.send(new PutObjectCommand({ Bucket: 'figures', Key: 'a', Body: 'hello' }))
  const get = async <T>(path: string): Promise<T> =>
    jsonOf<T>(await osis(target, { path: `/api/v1/${path}` }))
  const ofTenant = `usage?tenant_id=${many.tenant_id}`
  // Accounts that were read before the object was there are read again when they are due.
  await waitUntil(async () => {
    await queryStore(target.dataDir, "UPDATE contents SET due_at = '' WHERE bucket_count = 0")
    return (await get<{ used_bytes: number }>(ofTenant)).used_bytes === 5
  }, 30_000)
  const figures = { bucket_count: 1, object_count: 1, used_bytes: 5 }
  assert.partialDeepStrictEqual(await get<object>(ofTenant), figures)
  assert.partialDeepStrictEqual(await get<object>(`${ofTenant}&user_id=${first.user_id}`), figures)
  const { items } = await get<{ items: { name: string; user_id: string }[] }>(
    `bucket-list?tenant_id=${many.tenant_id}`,
  )
  assert.deepEqual(
    items.map((one) => [one.name, one.user_id]),
    [['figures', first.canonical_user_id]],
  )
})

test('the cluster has an identity, which the directory has recorded', async () => {
  const { platform: status } = await target.cli<{ platform: { cluster: string; health: string } }>(
    ...['platform', 'status'],
  )
  const call = { method: 'GET', path: '/admin/metadata/user', query: { key: 'usher-cluster' } } as const
  const { body } = await admin.call(call, signal)
  const { data } = body as { data: { display_name: string; keys: object[]; suspended: number } }
  assert.equal(data.display_name, `Identity of this cluster for Usher: ${status.cluster}`)
  assert.deepEqual([data.keys, data.suspended, status.health], [[], 1, 'NORMAL'])
})

test('one create sent 30 times at once leaves one user with one key', async () => {
  const body = newOsisUser()
  const before = (await listUids(tenant.tenant_id)).length
  const responses = await Promise.all(
    Array.from({ length: 30 }, () => createUser(target, tenant.tenant_id, body)),
  )
  assert.equal(new Set(responses.map((response) => response.text)).size, 1)
  const [first = assert.fail('no response')] = responses
  await assertOneWorkingKey(createdOf<OsisUser>(first))
  assert.equal((await listUids(tenant.tenant_id)).length, before + 1)
})

test('a user that is removed goes from the gateway, and its key stops working', async () => {
  const user = createdOf<OsisUser>(await createUser(target, tenant.tenant_id, newOsisUser()))
  const key = await assertOneWorkingKey(user)
  await target.cli('user', 'remove', user.user_id)
  await waitUntil(async () => (await platform.read(user.canonical_user_id, signal)) === null, 10_000)
  assert.equal(await refusalOf(s3(key).send(new ListBucketsCommand({}))), 'InvalidAccessKeyId')
})

test('an unreachable gateway leads to a 503, and the retry when it is back finds the same user', async () => {
  const body = newOsisUser()
  await proxy.close()
  try {
    assertOsisError(await createUser(target, tenant.tenant_id, body), 503, 'E_PLATFORM')
  } finally {
    await proxy.open()
  }
  await retry(body)
})

test('Usher starts while the gateway is away, says so, and catches up', async () => {
  const body = newOsisUser()
  await target.stop()
  await proxy.close()
  try {
    await restart()
    await waitUntil(async () => target.log().includes('platform not healthy'), 10_000)
    assert.match(target.log(), /cannot be reached: ECONNREFUSED/)
    const info = jsonOf<Record<string, unknown>>(await osis(target, { path: '/api/info' }))
    assert.equal(info.status, 'ERROR')
    assertOsisError(await createUser(target, tenant.tenant_id, body), 503, 'E_PLATFORM')
  } finally {
    await proxy.open()
  }
  await retry(body)
})

const skip = ownDir === undefined && 'the gateway is not ours to stop'

test('the gateway itself stops and starts', { skip }, async () => {
  const body = newOsisUser()
  controlGateway('stop')
  try {
    assertOsisError(await createUser(target, tenant.tenant_id, body), 503, 'E_PLATFORM')
  } finally {
    controlGateway('start')
  }
  await retry(body)
})

/** Repeats a create until it succeeds; the pauses between attempts have grown meanwhile. */
async function retry(body: Record<string, unknown>): Promise<OsisUser> {
  const before = (await listUids(tenant.tenant_id)).length
  let user: OsisUser | undefined
  await waitUntil(async () => {
    const response = await createUser(target, tenant.tenant_id, body)
    if (response.status === 201) user = createdOf<OsisUser>(response)
    else assertOsisError(response, 503, 'E_PLATFORM')
    return user !== undefined
  }, 30_000)
  assert.ok(user)
  await assertOneWorkingKey(user)
  const uids = await listUids(tenant.tenant_id)
  assert.equal(uids.filter((uid) => uid === user?.canonical_user_id).length, 1)
  assert.ok(uids.length <= before + 1)
  return user
}

describe('Usher is killed between its commit and the gateway’s response', () => {
  const faults: readonly Fault[] = ['hold before', 'hold after']
  for (const call of [/PUT .admin.user$/, /PUT .admin.metadata.user$/])
    for (const fault of faults)
      test(`${fault} of ${call.source}: after the restart one user, one key, equal on both sides`, async () => {
        // One that has just started makes its first new user by both calls.
        await target.stop()
        await restart()
        const body = newOsisUser({ cd_user_id: randomUUID() })
        const known = await listUids(tenant.tenant_id)
        proxy.break(call, fault)
        const lost = createUser(target, tenant.tenant_id, body).catch(() => 'no response')
        await proxy.held()
        await target.stop('SIGKILL')
        assert.equal(await lost, 'no response')
        await restart()
        // The restart finishes the removal; no other call is needed.
        const isNew = (uid: string): boolean => !known.includes(uid)
        await waitUntil(async () => (await listUids(tenant.tenant_id)).some(isNew), 15_000)
        const [uid = ''] = (await listUids(tenant.tenant_id)).filter(isNew)
        await waitUntil(async () => (await platform.read(uid, signal))?.status === 'active', 15_000)
        const user = createdOf<OsisUser>(await createUser(target, tenant.tenant_id, body))
        assert.equal(user.canonical_user_id, uid)
        await assertOneWorkingKey(user)
        assert.equal((await listUids(tenant.tenant_id)).length, known.length + 1)
      })
})
