import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { AwsClient } from 'aws4fetch'
import type { Usage } from '../../src/model/contents.ts'
import {
  admin,
  newAccount,
  newCredential,
  newTenantId,
  platform,
  refusalOf,
  removeTenants,
  s3,
  signal,
  type TestAccount,
} from './gateway.ts'

after(removeTenants)

async function newUser(
  change: Partial<TestAccount> = {},
): Promise<{ account: TestAccount; client: S3Client }> {
  const account = newAccount(change)
  await platform.apply(account, signal)
  return { account, client: s3(account.credentials[0] ?? assert.fail('no credential')) }
}

const createBucket = (client: S3Client, Bucket: string): Promise<unknown> =>
  client.send(new CreateBucketCommand({ Bucket }))
const put = (client: S3Client, Bucket: string, Key: string, Body: string): Promise<unknown> =>
  client.send(new PutObjectCommand({ Bucket, Key, Body }))

async function get(client: S3Client, Bucket: string, Key: string): Promise<string> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
  return (await Body?.transformToString()) ?? ''
}

test('with an issued key the AWS SDK makes buckets, and writes, reads, lists and deletes objects', async () => {
  const { account, client } = await newUser()
  await createBucket(client, 'documents')
  await put(client, 'documents', 'a/b ü.txt', 'hello')
  assert.equal(await get(client, 'documents', 'a/b ü.txt'), 'hello')
  const { Contents = [] } = await client.send(
    new ListObjectsV2Command({ Bucket: 'documents', FetchOwner: true }),
  )
  assert.deepEqual(
    Contents.map(({ Key, Size, Owner }) => [Key, Size, Owner?.ID]),
    [['a/b ü.txt', 5, account.canonicalUserId]],
  )
  await client.send(new DeleteObjectCommand({ Bucket: 'documents', Key: 'a/b ü.txt' }))
  assert.equal(await refusalOf(get(client, 'documents', 'a/b ü.txt')), 'NoSuchKey')
})

test('every key of an account reaches the same buckets', async () => {
  const credentials = [newCredential(), newCredential()]
  const { client } = await newUser({ credentials })
  await createBucket(client, 'shared')
  const [, second] = credentials
  const { Buckets = [] } = await s3(second ?? assert.fail()).send(new ListBucketsCommand({}))
  assert.deepEqual(
    Buckets.map(({ Name }) => Name),
    ['shared'],
  )
})

test('a wrong secret and an unknown key are refused', async () => {
  const { account } = await newUser()
  const [credential] = account.credentials
  const list = (one: { accessKey: string; secretKey: string }): Promise<unknown> =>
    s3(one).send(new ListBucketsCommand({}))
  assert.equal(
    await refusalOf(list({ ...(credential ?? assert.fail()), secretKey: 'wrong' })),
    'SignatureDoesNotMatch',
  )
  assert.equal(await refusalOf(list(newCredential())), 'InvalidAccessKeyId')
})

test('buckets have their owner and the date of their creation', async () => {
  const { account, client } = await newUser()
  assert.deepEqual(await platform.listBuckets(account.canonicalUserId, signal), [])
  const begun = Date.now()
  for (const name of ['backups', 'archive']) await createBucket(client, name)
  const buckets = await platform.listBuckets(account.canonicalUserId, signal)
  assert.deepEqual(buckets.map(({ name }) => name).sort(), ['archive', 'backups'])
  const { Buckets = [] } = await client.send(new ListBucketsCommand({}))
  for (const { name, createdAt, owner } of buckets) {
    assert.equal(owner, account.canonicalUserId)
    assert.match(createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    // The gateway's clock may be another machine's.
    assert.ok(Math.abs(Date.parse(createdAt) - begun) < 15 * 60_000)
    const seen = Buckets.find((bucket) => bucket.Name === name)?.CreationDate
    assert.equal(seen?.toISOString(), createdAt)
  }
})

async function usageOf(canonicalUserId: string): Promise<Usage> {
  return (await platform.readContent(canonicalUserId, signal)).usage
}

test('usage is in bytes, of all buckets, with the quota that the operator has set', async () => {
  const { account, client } = await newUser()
  const usage = (): Promise<Usage> => usageOf(account.canonicalUserId)
  const nothing = { bucketCount: 0, objectCount: 0, usedBytes: 0, quotaBytes: null }
  assert.deepEqual(await usage(), nothing)
  await createBucket(client, 'one')
  await createBucket(client, 'two')
  assert.deepEqual(await usage(), { ...nothing, bucketCount: 2 })
  await put(client, 'one', 'a', 'x')
  await put(client, 'two', 'b', 'y'.repeat(5_000))
  assert.deepEqual(await usage(), { bucketCount: 2, objectCount: 2, usedBytes: 5_001, quotaBytes: null })
  const { canonicalUserId: uid } = account
  const quota = { uid, quota: '', 'quota-type': 'user', 'max-size': '107374182400' }
  for (const [enabled, quotaBytes] of [
    ['false', null],
    ['true', 107_374_182_400],
  ] as const) {
    await admin.call({ method: 'PUT', path: '/admin/user', query: { ...quota, enabled } }, signal)
    assert.equal((await usage()).quotaBytes, quotaBytes)
  }
})

test('the parts of an upload under way count as bytes, and as one object at the most', async () => {
  const { account, client } = await newUser()
  await createBucket(client, 'large')
  const upload = { Bucket: 'large', Key: 'big' }
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(upload))
  const Body = Buffer.alloc(5 * 1024 * 1024)
  await client.send(new UploadPartCommand({ ...upload, UploadId, PartNumber: 1, Body }))
  const { objectCount, usedBytes } = await usageOf(account.canonicalUserId)
  assert.equal(usedBytes, Body.length)
  assert.ok(objectCount <= 1)
})

test('an unknown account has no buckets and no usage', async () => {
  const { canonicalUserId } = newAccount()
  assert.deepEqual(await platform.listBuckets(canonicalUserId, signal), [])
  const nothing = { bucketCount: 0, objectCount: 0, usedBytes: 0, quotaBytes: null }
  assert.deepEqual(await usageOf(canonicalUserId), nothing)
})

test('tenants do not see each other: the same bucket name in each, the other one’s data refused', async () => {
  const [ada, eve] = [await newUser(), await newUser()]
  for (const { client } of [ada, eve]) await createBucket(client, 'backups')
  await put(ada.client, 'backups', 'plan', 'secret plan')
  assert.equal(await refusalOf(get(eve.client, 'backups', 'plan')), 'NoSuchKey')
  assert.equal((await platform.listBuckets(eve.account.canonicalUserId, signal)).length, 1)
  assert.equal((await usageOf(eve.account.canonicalUserId)).objectCount, 0)
  // RGW addresses another tenant's bucket as tenant:bucket, which the SDK takes for an ARN; so by hand.
  const foreign = `${ada.account.tenantId}:backups`
  assert.equal(await statusOf(eve.account, `/${foreign}/plan`), 403)
  assert.equal(await statusOf(eve.account, `/${foreign}`), 403)
  assert.equal(await statusOf(ada.account, `/${foreign}/plan`), 200)
})

test('users of one tenant do not see each other’s buckets either, and cannot take their names', async () => {
  const tenantId = newTenantId()
  const [ada, bob] = [await newUser({ tenantId }), await newUser({ tenantId })]
  await createBucket(ada.client, 'backups')
  await put(ada.client, 'backups', 'plan', 'secret plan')
  assert.equal(await refusalOf(get(bob.client, 'backups', 'plan')), 'AccessDenied')
  assert.equal(await refusalOf(createBucket(bob.client, 'backups')), 'BucketAlreadyExists')
  assert.deepEqual(await platform.listBuckets(bob.account.canonicalUserId, signal), [])
})

test('an issued key does not open the Admin API', async () => {
  const { account } = await newUser()
  for (const path of ['/admin/user?uid=x', '/admin/metadata/user', '/admin/bucket', '/admin/usage'])
    assert.equal(await statusOf(account, path), 403)
})

/** The status of a GET that is signed with an account's key. */
async function statusOf({ credentials: [credential] }: TestAccount, path: string): Promise<number> {
  const { accessKey, secretKey } = credential ?? assert.fail('no credential')
  const client = new AwsClient({
    accessKeyId: accessKey,
    secretAccessKey: secretKey,
    service: 's3',
    region: 'x',
  })
  return (await client.fetch(new URL(path, platform.s3Url))).status
}
