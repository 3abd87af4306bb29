import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, mock, test } from 'node:test'
import { CreateBucketCommand, ListBucketsCommand } from '@aws-sdk/client-s3'
import {
  admin,
  assertApplied,
  controlGateway,
  gateway,
  listUids,
  newAccount,
  newPlatform,
  newTenantId,
  ownDir,
  removeTenants,
  s3,
  signal,
  type TestAccount,
} from './gateway.ts'

after(removeTenants)

/** A platform that has learnt from one new account what the gateway gives to all. */
async function newTaught(): Promise<ReturnType<typeof newPlatform>> {
  const platform = newPlatform()
  await platform.apply(newAccount(), signal)
  return platform
}

async function ask(query: Record<string, string>): Promise<Record<string, unknown>> {
  const { body } = await admin.call({ method: 'GET', path: '/admin/user', query }, signal)
  return body as Record<string, unknown>
}

async function recordOf(uid: string): Promise<Record<string, unknown>> {
  const { body } = await admin.call(
    { method: 'GET', path: '/admin/metadata/user', query: { key: uid } },
    signal,
  )
  return (body as { data: Record<string, unknown> }).data
}

async function versionOf(uid: string): Promise<unknown> {
  const { body } = await admin.call(
    { method: 'GET', path: '/admin/metadata/user', query: { key: uid } },
    signal,
  )
  return (body as { ver: { ver: number } }).ver.ver
}

/** As the gateway makes a user when it is told the keys. */
async function createDirectly({
  canonicalUserId: uid,
  displayName,
  credentials,
}: TestAccount): Promise<void> {
  const [{ accessKey, secretKey } = assert.fail('no key')] = credentials
  const query = { uid, 'display-name': displayName, 'access-key': accessKey, 'secret-key': secretKey }
  await admin.call({ method: 'PUT', path: '/admin/user', query }, signal)
}

function withoutOwn({ user_id, keys, ...rest }: Record<string, unknown>): unknown {
  return rest
}

for (const isNew of [true, false])
  test(`a user written in one call${isNew ? ', without a look,' : ''} is what the gateway itself would make`, async () => {
    const platform = await newTaught()
    const [account, direct] = [newAccount({ isNew }), newAccount()]
    await platform.apply(account, signal)
    await createDirectly(direct)
    assert.equal(await versionOf(account.canonicalUserId), 1)
    const { canonicalUserId: uid } = account
    assert.deepEqual(withoutOwn(await recordOf(uid)), withoutOwn(await recordOf(direct.canonicalUserId)))
    const [one, other] = [
      await ask({ uid, stats: 'true' }),
      await ask({ uid: direct.canonicalUserId, stats: 'true' }),
    ]
    const { tenant: _, ...asked } = one
    const { tenant: __, ...askedDirect } = other
    assert.deepEqual(withoutOwn(asked), withoutOwn(askedDirect))
  })

test('it is found by its key and in lists, makes buckets, and goes', async () => {
  const platform = await newTaught()
  const account = newAccount({ isNew: true })
  await platform.apply(account, signal)
  await assertApplied(account)
  const [credential = assert.fail('no key')] = account.credentials
  const { tenant, user_id } = await ask({ 'access-key': credential.accessKey })
  assert.equal(`${tenant}$${user_id}`, account.canonicalUserId)
  await s3(credential).send(new CreateBucketCommand({ Bucket: 'first' }))
  assert.equal((await platform.listBuckets(account.canonicalUserId, signal)).length, 1)
  await platform.apply({ ...account, status: 'gone', purge: true }, signal)
  assert.deepEqual(await listUids(account.tenantId), [])
  await assert.rejects(ask({ 'access-key': credential.accessKey }))
})

test('two processes that make one account leave one user with its keys', async () => {
  const [one, other] = [await newTaught(), await newTaught()]
  const tenantId = newTenantId()
  for (let round = 0; round < 10; round++) {
    const account = newAccount({ tenantId, isNew: round % 2 === 0 })
    await Promise.all([one.apply(account, signal), other.apply(account, signal)])
    await assertApplied(account)
    for (const credential of account.credentials) await s3(credential).send(new ListBucketsCommand({}))
  }
})

test('a default that the operator changes is seen after a minute', { skip: !ownDir }, async () => {
  const platform = await newTaught()
  const conf = join(ownDir ?? '', 'ceph.conf')
  const before = readFileSync(conf, 'utf8')
  const restart = async (content: string): Promise<void> => {
    controlGateway('stop')
    writeFileSync(conf, content)
    controlGateway('start')
    // Connections to the one that has ended are noticed now.
    await ask({ 'access-key': gateway.accessKey }).catch(() => undefined)
  }
  await restart(`${before}\nrgw user max buckets = 7\nrgw user default quota max size = 1048576\n`)
  try {
    const now = performance.now.bind(performance)
    mock.method(performance, 'now', () => now() + 61_000)
    for (let i = 0; i < 2; i++) {
      const account = newAccount({ isNew: true })
      await platform.apply(account, signal)
      const { max_buckets, user_quota } = await recordOf(account.canonicalUserId)
      assert.equal(max_buckets, 7)
      assert.partialDeepStrictEqual(user_quota, { enabled: true, max_size: 1_048_576 })
    }
  } finally {
    mock.restoreAll()
    await restart(before)
  }
})
