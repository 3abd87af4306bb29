import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { CreateBucketCommand, ListBucketsCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { DataLeftError, PlatformError } from '../../src/platform/platform.ts'
import {
  admin,
  assertApplied,
  listUids,
  newAccount,
  newCredential,
  newPlatform,
  newTenantId,
  platform,
  readAccount,
  refusalOf,
  removeTenants,
  s3,
  signal,
  type TestAccount,
} from './gateway.ts'

after(removeTenants)

const apply = (account: TestAccount): Promise<void> => platform.apply(account, signal)
const works = (credential: { accessKey: string; secretKey: string }): Promise<unknown> =>
  s3(credential).send(new ListBucketsCommand({}))

async function applied(change: Partial<TestAccount> = {}): Promise<TestAccount> {
  const account = newAccount(change)
  await apply(account)
  return account
}

/** What an operator does with radosgw-admin. */
async function byHand(account: TestAccount, query: Record<string, string>): Promise<void> {
  const method = 'key' in query ? 'PUT' : 'POST'
  await admin.call({ method, path: '/admin/user', query: { uid: account.canonicalUserId, ...query } }, signal)
}

test('a new account has its key, which works at once, and nothing else', async () => {
  const account = await applied()
  await assertApplied(account)
  for (const credential of account.credentials) await works(credential)
  assert.equal((await readAccount(account)).displayName, 'Ada Lovelace')
  assert.deepEqual(await listUids(account.tenantId), [account.canonicalUserId])
})

test('no account ever gets a capability or an e-mail address', async () => {
  const { canonicalUserId: uid } = await applied()
  const { body } = await admin.call({ method: 'GET', path: '/admin/user', query: { uid } }, signal)
  assert.partialDeepStrictEqual(body, { caps: [], email: '', system: 'false' })
})

test('an account is applied again and again without a change', async () => {
  const account = await applied()
  const versionOf = async (): Promise<unknown> => {
    const query = { key: account.canonicalUserId }
    const { body } = await admin.call({ method: 'GET', path: '/admin/metadata/user', query }, signal)
    return (body as { ver: unknown }).ver
  }
  const version = await versionOf()
  for (let i = 0; i < 3; i++) await apply(account)
  assert.deepEqual(await versionOf(), version)
})

test('a suspended account is locked out with all its keys, and let in again', async () => {
  const account = await applied({ credentials: [newCredential(), newCredential()] })
  await apply({ ...account, status: 'suspended' })
  await assertApplied({ ...account, status: 'suspended' })
  for (const credential of account.credentials)
    assert.equal(await refusalOf(works(credential)), 'UserSuspended')
  await apply(account)
  for (const credential of account.credentials) await works(credential)
})

test('an account can be new and suspended, and have no key at all', async () => {
  const suspended = await applied({ status: 'suspended' })
  await assertApplied(suspended)
  await assertApplied(await applied({ credentials: [] }))
  await assertApplied(await applied({ credentials: [newCredential(false)] }))
})

test('one key is disabled while another works, and enabled again with the same secret', async () => {
  const [one, other] = [newCredential(), newCredential()]
  const account = await applied({ credentials: [one, other] })
  const changed = { ...account, credentials: [{ ...one, active: false }, other] }
  await apply(changed)
  await assertApplied(changed)
  assert.equal(await refusalOf(works(one)), 'InvalidAccessKeyId')
  await works(other)
  await apply(account)
  await works(one)
})

test('keys are added and removed', async () => {
  const account = await applied()
  const [first] = account.credentials
  assert.ok(first)
  const added = { ...account, credentials: [first, newCredential(), newCredential()] }
  await apply(added)
  await assertApplied(added)
  await apply(account)
  await assertApplied(account)
})

test('manual changes are undone: keys, secrets, suspension, name', async () => {
  const account = await applied()
  const [credential] = account.credentials
  assert.ok(credential)
  const { accessKey } = credential
  const alien = newCredential()
  await byHand(account, { key: '', 'access-key': alien.accessKey, 'secret-key': alien.secretKey })
  await byHand(account, { key: '', 'access-key': accessKey, 'secret-key': 'another' })
  await byHand(account, { suspended: 'true', 'display-name': 'Mallory' })
  await apply(account)
  await assertApplied(account)
  assert.equal((await readAccount(account)).displayName, 'Ada Lovelace')
  assert.equal(await refusalOf(works(alien)), 'InvalidAccessKeyId')
  await works(credential)
})

test('what is the operator’s stays as it is: quotas, limits, caps', async () => {
  const account = await applied()
  await byHand(account, { 'max-buckets': '7', 'op-mask': 'read, write' })
  const { canonicalUserId: uid } = account
  const quota = { uid, quota: '', 'quota-type': 'user', 'max-size': '1048576', enabled: 'true' }
  await admin.call({ method: 'PUT', path: '/admin/user', query: quota }, signal)
  await apply({ ...account, displayName: 'Countess of Lovelace', status: 'suspended' })
  const { body } = await admin.call({ method: 'GET', path: '/admin/user', query: { uid } }, signal)
  assert.partialDeepStrictEqual(body, {
    display_name: 'Countess of Lovelace',
    max_buckets: 7,
    op_mask: 'read, write',
    user_quota: { enabled: true, max_size: 1_048_576 },
  })
})

test('any display name is kept, and clients can read the owner in S3 responses', async () => {
  const account = await applied()
  const [credential] = account.credentials
  assert.ok(credential)
  const names = ['Zoë O’Neil @ acme; a:b', '<&>"\'%41+=#?/\\', 'a$b', '😀'.repeat(255), 'a\u2028b', 'null']
  const ownerOf = async (): Promise<unknown> => (await s3(credential).send(new ListBucketsCommand({}))).Owner
  for (const displayName of names) {
    await apply({ ...account, displayName })
    assert.equal((await readAccount(account)).displayName, displayName)
    assert.deepEqual(await ownerOf(), { ID: account.canonicalUserId, DisplayName: displayName })
  }
  for (const displayName of ['', '\u0000', 'a\u0001b\u001f', '\ud800', '\uffff', 'x'.repeat(5_000)]) {
    await apply({ ...account, displayName })
    await works(credential)
  }
})

test('an account is removed with its keys; a second removal changes nothing', async () => {
  const account = await applied()
  for (let i = 0; i < 2; i++) {
    await apply({ ...account, status: 'gone' })
    assert.equal(await platform.read(account.canonicalUserId, signal), null)
  }
  for (const credential of account.credentials)
    assert.equal(await refusalOf(works(credential)), 'InvalidAccessKeyId')
  await apply(newAccount({ status: 'gone', purge: true }))
})

test('an account that went can come back', async () => {
  const account = await applied()
  await apply({ ...account, status: 'gone' })
  await apply(account)
  await assertApplied(account)
})

test('an account with buckets goes only when its data may go too; until then it stays as it was', async () => {
  const account = await applied()
  const [credential] = account.credentials
  assert.ok(credential)
  const client = s3(credential)
  await client.send(new CreateBucketCommand({ Bucket: 'backups' }))
  await client.send(new PutObjectCommand({ Bucket: 'backups', Key: 'a', Body: 'data' }))
  for (let i = 0; i < 2; i++)
    await assert.rejects(apply({ ...account, status: 'gone' }), (error: Error) => {
      assert.ok(error instanceof DataLeftError)
      assert.match(error.message, /still owns buckets/)
      return true
    })
  await assertApplied(account)
  await works(credential)
  assert.equal((await platform.listBuckets(account.canonicalUserId, signal)).length, 1)
  await apply({ ...account, status: 'gone', purge: true })
  assert.equal(await platform.read(account.canonicalUserId, signal), null)
  assert.deepEqual(await platform.listBuckets(account.canonicalUserId, signal), [])
  assert.equal(await refusalOf(works(credential)), 'InvalidAccessKeyId')
})

test('a key that another user has is refused and not stolen', async () => {
  const owner = await applied()
  const thief = newAccount({ credentials: [...owner.credentials, newCredential()] })
  await assert.rejects(apply(thief), (error: Error) => {
    assert.ok(error instanceof PlatformError)
    assert.match(error.message, /another user of the Ceph RGW has one of the access keys/)
    for (const { secretKey } of thief.credentials) assert.ok(!error.message.includes(secretKey))
    return true
  })
  await assertApplied(owner)
  for (const credential of owner.credentials) await works(credential)
  // Written in one call or in two: there is nothing, or nothing that could be used.
  const left = await platform.read(thief.canonicalUserId, signal)
  assert.ok(left === null || (left.keys.length === 0 && left.status === 'suspended'))
})

test('an id that RGW would take for another user is refused', async () => {
  const account = newAccount()
  const wrong = { ...account, canonicalUserId: `${account.canonicalUserId}$x` }
  await assert.rejects(apply(wrong), PlatformError)
  assert.deepEqual(await listUids(account.tenantId), [])
})

test('many that apply one new account at once leave one user with one working key', async () => {
  for (let round = 0; round < 5; round++) {
    const account = newAccount()
    const processes = Array.from({ length: 8 }, () => newPlatform())
    const all = [...processes, platform, platform].map((one) => one.apply(account, signal))
    for (const { status } of await Promise.allSettled(all)) assert.equal(status, 'fulfilled')
    await assertApplied(account)
    for (const credential of account.credentials) await works(credential)
  }
})

test('many new accounts of one tenant at once are all there', async () => {
  const tenantId = newTenantId()
  const accounts = Array.from({ length: 40 }, () => newAccount({ tenantId }))
  await Promise.all(accounts.map(apply))
  for (const account of accounts) await assertApplied(account)
  assert.equal((await listUids(tenantId)).length, 40)
})
