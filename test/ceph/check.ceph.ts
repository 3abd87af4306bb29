import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { CreateBucketCommand, ListBucketsCommand } from '@aws-sdk/client-s3'
import { newAccessKey, newSecretKey } from '../../src/model/credentials.ts'
import { type StartedTarget, startTarget } from '../../testing/target.ts'
import { runUsher } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'
import {
  createdOf,
  createUser,
  newOsisUser,
  newTenant,
  type OsisTenant,
  type OsisUser,
} from '../contract/object-store.ts'
import { admin, adoptTenant, gateway, newPlatform, removeTenants, s3, signal } from './gateway.ts'

const settings = {
  USHER_CEPH_RGW_URL: gateway.url,
  USHER_CEPH_RGW_ACCESS_KEY: gateway.accessKey,
  USHER_CEPH_RGW_SECRET_KEY: gateway.secretKey,
}
const platform = newPlatform()
let target: StartedTarget
let tenant: OsisTenant

before(async () => {
  target = await startTarget(settings)
  tenant = await newTenant(target)
  adoptTenant(tenant.tenant_id)
})
after(async () => {
  await target.end()
  await removeTenants()
})

interface Finding {
  readonly userId: string
  readonly drift: readonly { kind: string; accessKey: string | null }[]
  readonly fixed: boolean
  readonly error: string | null
}

async function check(...args: string[]): Promise<{ code: number; findings: readonly Finding[] }> {
  const words = ['platform', 'check', '--json', '--tenant', tenant.tenant_id, ...args]
  const { code, stdout, stderr } = await runUsher(target.dataDir, words, settings)
  assert.equal(stderr, '')
  return { code, findings: (JSON.parse(stdout) as { findings: Finding[] }).findings }
}

/** What an operator does with radosgw-admin. */
async function byHand(
  method: 'PUT' | 'POST' | 'DELETE',
  user: Pick<OsisUser, 'canonical_user_id'>,
  query: Record<string, string> = {},
): Promise<void> {
  await admin.call({ method, path: '/admin/user', query: { uid: user.canonical_user_id, ...query } }, signal)
}

async function addUser(): Promise<{ user: OsisUser; key: { accessKey: string; secretKey: string } }> {
  // A name that RGW cannot keep as it is must not count as drift.
  const user = createdOf<OsisUser>(
    await createUser(target, tenant.tenant_id, newOsisUser({ username: 'Zoë\u0007' })),
  )
  const [key] = (await platform.read(user.canonical_user_id, signal))?.keys ?? []
  assert.ok(key)
  return { user, key }
}

/** Each thing that can be done to a user by hand, and what it is found as. */
const DRIFTS: readonly (readonly [
  kinds: string,
  change: (user: OsisUser, accessKey: string) => Promise<void>,
])[] = [
  ['missing', (user) => byHand('DELETE', user)],
  ['suspended', (user) => byHand('POST', user, { suspended: 'true' })],
  ['name', (user) => byHand('POST', user, { 'display-name': 'By hand' })],
  ['key_missing', (user, key) => byHand('DELETE', user, { key: '', 'access-key': key })],
  ['key_foreign', (user) => byHand('PUT', user, { key: '', 'generate-key': 'true' })],
  [
    'key_differs',
    (user, key) =>
      byHand('PUT', user, { key: '', 'access-key': key, 'secret-key': 'other', 'generate-key': 'false' }),
  ],
]

for (const [kind, change] of DRIFTS)
  test(`${kind}: made by hand, found and fixed`, async () => {
    const { user, key } = await addUser()
    const before = await platform.read(user.canonical_user_id, signal)
    assert.deepEqual((await check()).findings, [])
    await change(user, key.accessKey)
    const found = await check()
    assert.equal(found.code, 1)
    assert.deepEqual(
      found.findings.map((one) => [one.userId, one.drift.map((drift) => drift.kind).join()]),
      [[user.user_id, kind]],
    )
    const fixed = await check('--fix')
    assert.deepEqual([fixed.code, fixed.findings.map((one) => one.fixed)], [0, [true]])
    assert.deepEqual(await platform.read(user.canonical_user_id, signal), before)
    assert.deepEqual((await check()).findings, [])
  })

test('active: a suspended user who was let in by hand is locked out again', async () => {
  const { user, key } = await addUser()
  await s3(key).send(new CreateBucketCommand({ Bucket: 'kept' }))
  // A person who leaves and owns data stays as a suspended account.
  await target.cli('user', 'remove', user.user_id)
  const stateOf = async (): Promise<string | undefined> =>
    (await platform.read(user.canonical_user_id, signal))?.status
  await waitUntil(async () => (await stateOf()) === 'suspended', 10_000)
  await waitUntil(async () => (await check()).findings.length === 0, 10_000)
  await byHand('POST', user, { suspended: 'false' })
  const found = await check()
  assert.deepEqual(
    found.findings.map((one) => one.drift.map((drift) => drift.kind).join()),
    ['active'],
  )
  assert.equal((await check('--fix')).code, 0)
  assert.equal(await stateOf(), 'suspended')
})

test('foreign: a user whom the directory never had is found, and locked out with all that is theirs', async () => {
  const uid = `${tenant.tenant_id}$stranger`
  const key = { accessKey: newAccessKey(), secretKey: newSecretKey() }
  await byHand(
    'PUT',
    { canonical_user_id: uid },
    {
      ...{ 'display-name': 'By hand', 'access-key': key.accessKey, 'secret-key': key.secretKey },
      'generate-key': 'false',
    },
  )
  await s3(key).send(new CreateBucketCommand({ Bucket: 'strange' }))
  const before = await platform.read(uid, signal)
  const found = await check()
  assert.equal(found.code, 1)
  assert.deepEqual(
    found.findings.map((one) => [one.userId, one.drift]),
    [['stranger', [{ kind: 'foreign', accessKey: null }]]],
  )
  const fixed = await check('--fix')
  assert.deepEqual([fixed.code, fixed.findings.map((one) => one.fixed)], [0, [true]])
  assert.deepEqual(await platform.read(uid, signal), { ...before, status: 'suspended' })
  await assert.rejects(s3(key).send(new ListBucketsCommand({})), /UserSuspended|AccessDenied/)
  assert.deepEqual((await check()).findings, [])
})

test('present: a removed user who was made again goes again, but not with a bucket', async () => {
  const { user, key } = await addUser()
  await target.cli('user', 'remove', user.user_id)
  await waitUntil(async () => (await platform.read(user.canonical_user_id, signal)) === null, 10_000)
  const makeAgain = (): Promise<void> =>
    byHand('PUT', user, {
      ...{ 'display-name': 'By hand', 'access-key': key.accessKey, 'secret-key': key.secretKey },
      'generate-key': 'false',
    })
  await makeAgain()
  const found = await check()
  assert.deepEqual(
    found.findings.map((one) => [one.userId, one.drift.map((drift) => drift.kind).join()]),
    [[user.user_id, 'present']],
  )
  assert.equal((await check('--fix')).code, 0)
  assert.equal(await platform.read(user.canonical_user_id, signal), null)

  await makeAgain()
  await s3(key).send(new CreateBucketCommand({ Bucket: 'by-hand' }))
  const left = await check('--fix')
  assert.deepEqual([left.code, left.findings.map((one) => one.fixed)], [1, [false]])
  assert.match(left.findings[0]?.error ?? '', /owns data/)
  assert.deepEqual(
    (await platform.listBuckets(user.canonical_user_id, signal)).map((bucket) => bucket.name),
    ['by-hand'],
  )
  const locked = await platform.read(user.canonical_user_id, signal)
  assert.deepEqual([locked?.status, locked?.keys], ['suspended', []])
})
