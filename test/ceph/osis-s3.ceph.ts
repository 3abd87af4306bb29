import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetBucketAclCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { AwsClient } from 'aws4fetch'
import { type HttpResponse, jsonOf } from '../../testing/http.ts'
import { type StartedTarget, startTarget } from '../../testing/target.ts'
import {
  assertOsisError,
  createdOf,
  createTenant,
  createUser,
  getPage,
  listCredentials,
  newOsisUser,
  newTenant,
  type OsisCredential,
  type OsisTenant,
  type OsisUser,
  osis,
} from '../contract/object-store.ts'
import { adoptTenant, gateway, listUids, refusalOf, removeTenants, s3 } from './gateway.ts'
import type { Key } from './s3-probe.ts'

/** Everything here goes in through OSIS and out through S3: neither side of Usher's insides is touched. */
let target: StartedTarget

before(async () => {
  target = await startTarget({
    USHER_CEPH_RGW_URL: gateway.url,
    USHER_CEPH_RGW_ACCESS_KEY: gateway.accessKey,
    USHER_CEPH_RGW_SECRET_KEY: gateway.secretKey,
  })
})

after(async () => {
  await target.end()
  await removeTenants()
})

interface Person {
  readonly user: OsisUser
  readonly key: Key
  readonly client: S3Client
}

async function aTenant(): Promise<OsisTenant> {
  const tenant = await newTenant(target)
  adoptTenant(tenant.tenant_id)
  return tenant
}

const toKey = ({ access_key, secret_key }: OsisCredential): Key => ({
  accessKey: access_key,
  secretKey: secret_key,
})

/** A user of a tenant, with the SDK that has the issued key. */
async function aUser(tenantId: string, members: Record<string, unknown> = {}): Promise<Person> {
  const user = createdOf<OsisUser>(await createUser(target, tenantId, newOsisUser(members)))
  const [found = assert.fail('no credential')] = (await listCredentials(target, user)).items
  const key = toKey(found)
  return { user, key, client: s3(key) }
}

/** Creates one bucket with objects of these sizes in bytes. */
async function upload({ client }: Person, bucket: string, ...sizes: number[]): Promise<void> {
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  for (const [index, size] of sizes.entries())
    await client.send(
      new PutObjectCommand({ Bucket: bucket, Key: `object-${index}`, Body: 'x'.repeat(size) }),
    )
}

const pathOf = ({ tenant_id, user_id }: OsisUser): string => `/api/v1/tenants/${tenant_id}/users/${user_id}`
const listBuckets = (client: S3Client) => client.send(new ListBucketsCommand({}))
const namesOf = async ({ client }: Person): Promise<string[]> =>
  ((await listBuckets(client)).Buckets ?? []).map(({ Name = '' }) => Name).sort()
const patch = (path: string, active: boolean): Promise<HttpResponse> =>
  osis(target, { method: 'PATCH', path, body: { active } })
const remove = (path: string): Promise<HttpResponse> => osis(target, { method: 'DELETE', path })

async function setActive(path: string, active: boolean): Promise<void> {
  const response = await patch(path, active)
  assert.equal(response.status, 200, response.text)
}

test('the canonical id is the owner that S3 shows, of the list, the bucket and the object', async () => {
  const ada = await aUser((await aTenant()).tenant_id)
  const id = ada.user.canonical_user_id
  await upload(ada, 'owned', 1)
  assert.equal((await listBuckets(ada.client)).Owner?.ID, id)
  assert.equal((await ada.client.send(new GetBucketAclCommand({ Bucket: 'owned' }))).Owner?.ID, id)
  const list = new ListObjectsV2Command({ Bucket: 'owned', FetchOwner: true })
  assert.deepEqual(
    ((await ada.client.send(list)).Contents ?? []).map(({ Owner }) => Owner?.ID),
    [id],
  )
  const path = `/api/v1/users/${encodeURIComponent(id)}`
  assert.deepEqual(jsonOf(await osis(target, { path })), ada.user)
})

test('a suspended user is refused with every key at once, and let in again with the same ones', async () => {
  const ada = await aUser((await aTenant()).tenant_id)
  await upload(ada, 'kept', 3)
  const second = toKey(
    createdOf(await osis(target, { method: 'POST', path: `${pathOf(ada.user)}/s3credentials` })),
  )
  await setActive(pathOf(ada.user), false)
  for (const key of [ada.key, second]) assert.equal(await refusalOf(listBuckets(s3(key))), 'UserSuspended')
  const put = new PutObjectCommand({ Bucket: 'kept', Key: 'more', Body: 'x' })
  assert.equal(await refusalOf(ada.client.send(put)), 'UserSuspended')
  await setActive(pathOf(ada.user), true)
  for (const key of [ada.key, second]) assert.equal((await listBuckets(s3(key))).Buckets?.length, 1)
})

test('a key that is deactivated or deleted is refused at once, while the other one works', async () => {
  const ada = await aUser((await aTenant()).tenant_id)
  const second = toKey(
    createdOf(await osis(target, { method: 'POST', path: `${pathOf(ada.user)}/s3credentials` })),
  )
  const path = `/api/v1/s3credentials/${ada.key.accessKey}`
  await setActive(path, false)
  assert.equal(await refusalOf(listBuckets(ada.client)), 'InvalidAccessKeyId')
  await listBuckets(s3(second))
  await setActive(path, true)
  await listBuckets(ada.client)
  assert.equal((await remove(path)).status, 204)
  assert.equal(await refusalOf(listBuckets(ada.client)), 'InvalidAccessKeyId')
  await listBuckets(s3(second))
})

test('a key that was deactivated stays so when its user is suspended and let in again', async () => {
  const ada = await aUser((await aTenant()).tenant_id)
  await setActive(`/api/v1/s3credentials/${ada.key.accessKey}`, false)
  await setActive(pathOf(ada.user), false)
  await setActive(pathOf(ada.user), true)
  assert.equal(await refusalOf(listBuckets(ada.client)), 'InvalidAccessKeyId')
})

test('two orgs on one tenant: each user keeps its org, its key and its buckets, also when one org goes', async () => {
  const { tenant_id, cd_tenant_ids } = await aTenant()
  const [first = ''] = cd_tenant_ids
  const second = randomUUID()
  const path = `/api/v1/tenants/${tenant_id}`
  const remap = async (orgs: readonly string[]): Promise<void> => {
    const response = await osis(target, { method: 'PATCH', path, body: { cd_tenant_ids: orgs } })
    assert.deepEqual(jsonOf<OsisTenant>(response).cd_tenant_ids, orgs)
  }
  await remap([first, second])
  // The same person in both orgs, which must not become one account.
  const person = { cd_user_id: randomUUID(), username: 'jdoe' }
  const ada = await aUser(tenant_id, { ...person, cd_tenant_id: first })
  const bob = await aUser(tenant_id, { ...person, cd_tenant_id: second })
  assert.notEqual(ada.user.canonical_user_id, bob.user.canonical_user_id)
  await upload(ada, 'of-first', 1)
  await upload(bob, 'of-second', 1)
  for (const [one, org, bucket] of [
    [ada, first, 'of-first'],
    [bob, second, 'of-second'],
  ] as const) {
    const filter = encodeURIComponent(`tenant_id==${tenant_id};cd_tenant_id==${org};`)
    const { items } = await getPage<OsisCredential>(target, `/api/v1/s3credentials/query?filter=${filter}`)
    assert.deepEqual(
      items.map(({ access_key, cd_tenant_id }) => [access_key, cd_tenant_id]),
      [[one.key.accessKey, org]],
    )
    assert.deepEqual(await namesOf(one), [bucket])
  }
  await remap([first])
  for (const one of [ada, bob]) assert.equal((await namesOf(one)).length, 1)
})

test('users of one tenant see nothing of each other', async () => {
  const { tenant_id } = await aTenant()
  const [ada, bob] = [await aUser(tenant_id), await aUser(tenant_id)]
  await upload(ada, 'plans', 5)
  assert.deepEqual(await namesOf(bob), [])
  const object = { Bucket: 'plans', Key: 'object-0' }
  for (const command of [new GetObjectCommand(object), new DeleteObjectCommand(object)])
    assert.equal(await refusalOf(bob.client.send(command as GetObjectCommand)), 'AccessDenied')
  const list = new ListObjectsV2Command({ Bucket: 'plans' })
  assert.equal(await refusalOf(bob.client.send(list)), 'AccessDenied')
  const put = new PutObjectCommand({ Bucket: 'plans', Key: 'mine', Body: 'x' })
  assert.equal(await refusalOf(bob.client.send(put)), 'AccessDenied')
  await ada.client.send(new GetObjectCommand(object))
})

test('tenants are isolated: neither list, nor read, nor write, nor removal, nor a policy', async () => {
  const ada = await aUser((await aTenant()).tenant_id)
  const eve = await aUser((await aTenant()).tenant_id)
  await upload(ada, 'plans', 5)
  assert.deepEqual(await namesOf(eve), [])
  const head = new HeadBucketCommand({ Bucket: 'plans' })
  assert.equal(await refusalOf(eve.client.send(head)), 'NotFound')
  // RGW addresses another tenant's bucket as tenant:bucket, which the SDK takes for an ARN; so by hand.
  const foreign = `/${ada.user.tenant_id}:plans`
  const calls: [method: string, path: string, body?: string][] = [
    ['GET', foreign],
    ['GET', `${foreign}/object-0`],
    ['GET', `${foreign}?acl`],
    ['PUT', `${foreign}/mine`, 'x'],
    ['DELETE', `${foreign}/object-0`],
    ['PUT', `${foreign}?policy`, '{"Version":"2012-10-17","Statement":[]}'],
    ['DELETE', foreign],
  ]
  for (const [method, path, body] of calls)
    assert.equal(await statusOf(eve.key, method, path, body), 403, `${method} ${path}`)
  assert.equal(await statusOf(ada.key, 'GET', `${foreign}/object-0`), 200)
  // The name is free in the other tenant, and means another bucket there.
  await upload(eve, 'plans')
  const list = new ListObjectsV2Command({ Bucket: 'plans' })
  assert.equal((await eve.client.send(list)).KeyCount, 0)
  assert.equal((await ada.client.send(list)).KeyCount, 1)
})

async function statusOf(key: Key, method: string, path: string, body?: string): Promise<number> {
  const client = new AwsClient({
    accessKeyId: key.accessKey,
    secretAccessKey: key.secretKey,
    service: 's3',
    region: 'x',
  })
  const init = body === undefined ? { method } : { method, body }
  return (await client.fetch(new URL(path, gateway.url), init)).status
}

test('without purge a user with data is kept: 409, and the key, the data and the list stay', async () => {
  const ada = await aUser((await aTenant()).tenant_id)
  await upload(ada, 'kept', 4)
  for (const query of ['', '?purge_data=false'])
    assertOsisError(await remove(`${pathOf(ada.user)}${query}`), 409, 'E_CONFLICT')
  assert.deepEqual(await namesOf(ada), ['kept'])
  const { Body } = await ada.client.send(new GetObjectCommand({ Bucket: 'kept', Key: 'object-0' }))
  assert.equal(await Body?.transformToString(), 'xxxx')
  assert.deepEqual(jsonOf(await osis(target, { path: pathOf(ada.user) })), ada.user)
  const { items } = await listCredentials(target, ada.user)
  assert.deepEqual(items.map(toKey), [ada.key])
})

test('with purge a user goes with key, buckets and objects; without data it goes either way', async () => {
  const { tenant_id } = await aTenant()
  const [ada, bob] = [await aUser(tenant_id), await aUser(tenant_id)]
  await upload(ada, 'gone', 4, 5)
  assert.equal((await remove(`${pathOf(ada.user)}?purge_data=true`)).status, 204)
  assert.equal((await remove(pathOf(bob.user))).status, 204)
  for (const { key, user } of [ada, bob]) {
    assert.equal(await refusalOf(listBuckets(s3(key))), 'InvalidAccessKeyId')
    assert.equal((await osis(target, { path: pathOf(user) })).status, 404)
  }
  assert.deepEqual(await listUids(tenant_id), [])
  // A bucket that were left over would still have its name.
  const eve = await aUser(tenant_id)
  await upload(eve, 'gone')
  const list = new ListObjectsV2Command({ Bucket: 'gone' })
  assert.equal((await eve.client.send(list)).KeyCount, 0)
})

test('a tenant with users is kept without purge, and with it goes with users, keys and buckets', async () => {
  const tenant = await aTenant()
  const path = `/api/v1/tenants/${tenant.tenant_id}`
  const people = [await aUser(tenant.tenant_id), await aUser(tenant.tenant_id)]
  for (const [index, one] of people.entries()) await upload(one, `bucket-${index}`, 6)
  assertOsisError(await remove(path), 409, 'E_CONFLICT')
  for (const one of people) assert.equal((await namesOf(one)).length, 1)
  assert.equal((await remove(`${path}?purge_data=true`)).status, 204)
  for (const { client } of people) assert.equal(await refusalOf(listBuckets(client)), 'InvalidAccessKeyId')
  assert.deepEqual(await listUids(tenant.tenant_id), [])
  assert.equal((await osis(target, { path })).status, 404)
  // The org may begin anew, with nothing of what was.
  const [org] = tenant.cd_tenant_ids
  const again = createdOf<OsisTenant>(await createTenant(target, { name: 'Acme', cd_tenant_ids: [org] }))
  assert.notEqual(again.tenant_id, tenant.tenant_id)
})

interface Usage {
  readonly bucket_count: number
  readonly object_count: number
  readonly used_bytes: number
}

async function usageOf(query: string): Promise<[buckets: number, objects: number, bytes: number]> {
  const response = await osis(target, { path: `/api/v1/usage${query}` })
  assert.equal(response.status, 200, response.text)
  const { bucket_count, object_count, used_bytes } = jsonOf<Usage>(response)
  return [bucket_count, object_count, used_bytes]
}

test('usage and the bucket list are what was uploaded, by user, tenant and platform', async () => {
  const { tenant_id } = await aTenant()
  const [ada, bob] = [await aUser(tenant_id), await aUser(tenant_id)]
  const before = await usageOf('')
  await upload(ada, 'archive', 1_000, 24)
  await upload(ada, 'empty')
  await upload(bob, 'backups', 5_000)
  const of = ({ user }: Person): string => `?tenant_id=${tenant_id}&user_id=${user.user_id}`
  assert.deepEqual(await usageOf(of(ada)), [2, 2, 1_024])
  assert.deepEqual(await usageOf(of(bob)), [1, 1, 5_000])
  assert.deepEqual(await usageOf(`?tenant_id=${tenant_id}`), [3, 3, 6_024])
  const whole = await usageOf('')
  assert.ok(whole.every((figure, index) => figure >= (before[index] ?? 0) + ([3, 3, 6_024][index] ?? 0)))
  const page = await getPage<{ name: string; user_id: string; creation_date: string }>(
    target,
    `/api/v1/bucket-list?tenant_id=${tenant_id}&limit=2`,
  )
  assert.equal(page.page_info.total, 3)
  assert.deepEqual(
    page.items.map(({ name, user_id }) => [name, user_id]),
    [
      ['archive', ada.user.canonical_user_id],
      ['backups', bob.user.canonical_user_id],
    ],
  )
  const { Buckets = [] } = await listBuckets(ada.client)
  const archive = Buckets.find(({ Name }) => Name === 'archive')
  assert.equal(archive?.CreationDate?.toISOString(), page.items[0]?.creation_date)
})

test('an owner may share a bucket with a user of another tenant by the canonical parts of its id', async () => {
  const ada = await aUser((await aTenant()).tenant_id)
  const bob = await aUser((await aTenant()).tenant_id)
  await upload(ada, 'shared', 2)
  const { tenant_id, user_id } = bob.user
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: [`arn:aws:iam::${tenant_id}:user/${user_id}`] },
        Action: 's3:GetObject',
        Resource: 'arn:aws:s3:::shared/*',
      },
    ],
  })
  const path = `/${ada.user.tenant_id}:shared/object-0`
  assert.equal(await statusOf(bob.key, 'GET', path), 403)
  await ada.client.send(new PutBucketPolicyCommand({ Bucket: 'shared', Policy }))
  assert.equal(await statusOf(bob.key, 'GET', path), 200)
})

test('a deletion that names another owner is refused, and the key goes on working', async () => {
  const { tenant_id } = await aTenant()
  const [ada, eve] = [await aUser(tenant_id), await aUser(tenant_id)]
  const path = `/api/v1/s3credentials/${ada.key.accessKey}?tenant_id=${tenant_id}&user_id=${eve.user.user_id}`
  assertOsisError(await remove(path), 404, 'E_NOT_FOUND')
  await listBuckets(ada.client)
})

test('a create for a user without keys issues one that works', async () => {
  const { tenant_id } = await aTenant()
  const body = newOsisUser()
  const user = createdOf<OsisUser>(await createUser(target, tenant_id, body))
  for (const { access_key } of (await listCredentials(target, user)).items)
    await remove(`/api/v1/s3credentials/${access_key}`)
  assert.deepEqual(createdOf(await createUser(target, tenant_id, body)), user)
  const [issued = assert.fail('no credential'), ...more] = (await listCredentials(target, user)).items
  assert.equal(more.length, 0)
  await listBuckets(s3(toKey(issued)))
})

test('a purge deletes data under a compliance lock too', async () => {
  const ada = await aUser((await aTenant()).tenant_id)
  await ada.client.send(new CreateBucketCommand({ Bucket: 'locked', ObjectLockEnabledForBucket: true }))
  const until = new Date(Date.now() + 86_400_000)
  const lock = { ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate: until } as const
  const { VersionId } = await ada.client.send(
    new PutObjectCommand({ Bucket: 'locked', Key: 'kept', Body: 'x', ...lock }),
  )
  const deleted = ada.client.send(new DeleteObjectCommand({ Bucket: 'locked', Key: 'kept', VersionId }))
  assert.equal(await refusalOf(deleted), 'AccessDenied')
  assertOsisError(await remove(pathOf(ada.user)), 409, 'E_CONFLICT')
  assert.equal((await remove(`${pathOf(ada.user)}?purge_data=true`)).status, 204)
  assert.equal(await refusalOf(listBuckets(ada.client)), 'InvalidAccessKeyId')
})
