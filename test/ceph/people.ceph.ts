import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { CreateBucketCommand, ListBucketsCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { type HttpResponse, jsonOf } from '../../testing/http.ts'
import { type StartedTarget, startTarget } from '../../testing/target.ts'
import { waitUntil } from '../../testing/wait.ts'
import {
  createdOf,
  createUser,
  listCredentials,
  newOsisUser,
  type OsisUser,
} from '../contract/object-store.ts'
import { callPortal, create, idOf, newEmail, newUser } from '../contract/portal.ts'
import { adoptTenant, gateway, platform, refusalOf, removeTenants, s3, signal } from './gateway.ts'

let target: StartedTarget
let customer: string
let tenant: string

before(async () => {
  target = await startTarget({
    USHER_CEPH_RGW_URL: gateway.url,
    USHER_CEPH_RGW_ACCESS_KEY: gateway.accessKey,
    USHER_CEPH_RGW_SECRET_KEY: gateway.secretKey,
  })
  customer = await target.operator.addCustomer(target.init.reseller.id)
  const body = { accounts: 'everyone' }
  tenant = jsonOf<{ id: string }>(await call('PUT', `/Customers/${customer}/tenant`, body)).id
  adoptTenant(tenant)
})

after(async () => {
  await target.end()
  await removeTenants()
})

function call(method: string, path: string, body?: unknown): Promise<HttpResponse> {
  return callPortal(target, method, path, { body })
}

interface Key {
  readonly accessKey: string
  readonly secretKey: string
}

/** Makes a key of a user, which the gateway has when the call returns. */
async function addKey(id: string): Promise<Key> {
  const response = await call('POST', `/users/${id}/account/credentials`)
  assert.equal(response.status, 201, response.text)
  const key = jsonOf<Key & { platformState: string }>(response)
  assert.equal(key.platformState, 'applied')
  return key
}

async function addPerson(email = newEmail()): Promise<string> {
  return idOf(await create(target, newUser({ email }), { customer }))
}

const list = (key: Key) => s3(key).send(new ListBucketsCommand({}))
const state = (key: Key): Promise<string> =>
  list(key).then(
    () => 'works',
    (error: Error) => error.name,
  )

async function dies(key: Key): Promise<void> {
  await waitUntil(async () => (await state(key)) !== 'works', 10_000)
}

async function revives(key: Key): Promise<void> {
  await waitUntil(async () => (await state(key)) === 'works', 10_000)
}

test('a person of a customer without Cloud Director is on the platform at once, and gets a key on request', async () => {
  const id = await addPerson()
  const uid = `${tenant}$${id}`
  await waitUntil(async () => (await platform.read(uid, signal)) !== null, 10_000)
  assert.deepEqual((await platform.read(uid, signal))?.keys, [])
  const [first, second] = [await addKey(id), await addKey(id)]
  await s3(first).send(new CreateBucketCommand({ Bucket: 'reports' }))
  await s3(first).send(new PutObjectCommand({ Bucket: 'reports', Key: 'a', Body: 'hello' }))
  // No personal data reaches the platform: the id of the user is their name there.
  assert.deepEqual((await list(second)).Owner, { ID: uid, DisplayName: id })
  const path = `/users/${id}/account/credentials/${first.accessKey}`
  assert.equal((await call('PATCH', path, { active: false })).status, 200)
  assert.equal(await refusalOf(list(first)), 'InvalidAccessKeyId')
  await list(second)
  assert.equal((await call('PATCH', path, { active: true })).status, 200)
  await list(first)
  assert.equal((await call('DELETE', path)).status, 204)
  assert.equal(await refusalOf(list(first)), 'InvalidAccessKeyId')
})

test('suspending a person, their account or their customer stops their keys, and resuming brings back what was', async () => {
  const [id, other] = [await addPerson(), await addPerson()]
  const [key, disabled] = [await addKey(id), await addKey(other)]
  assert.equal((await call('PATCH', `/users/${other}/account`, { active: false })).status, 200)
  assert.equal(await refusalOf(list(disabled)), 'UserSuspended')
  await call('POST', `/users/${id}/suspend`)
  await dies(key)
  await call('POST', `/users/${id}/resume`)
  await revives(key)
  await call('POST', `/Customers/${customer}/suspend`)
  await dies(key)
  const late = await addPerson()
  const lateKey = await addKey(late)
  assert.equal(await refusalOf(list(lateKey)), 'UserSuspended')
  await call('POST', `/Customers/${customer}/resume`)
  for (const one of [key, lateKey]) await revives(one)
  assert.equal(await refusalOf(list(disabled)), 'UserSuspended')
})

test('a person who leaves has no working key; their data stays, and is theirs again when they come back', async () => {
  const email = newEmail()
  const id = await addPerson(email)
  const key = await addKey(id)
  await s3(key).send(new CreateBucketCommand({ Bucket: 'kept' }))
  await call('DELETE', `/users/${id}`)
  await dies(key)
  const isKept = async (): Promise<boolean> =>
    (await platform.read(`${tenant}$${id}`, signal))?.status === 'suspended'
  await waitUntil(isKept, 10_000)
  assert.equal(idOf(await create(target, newUser({ email }), { customer }), 200), id)
  const again = await addKey(id)
  const { Buckets = [] } = await list(again)
  assert.deepEqual(
    Buckets.map(({ Name }) => Name),
    ['kept'],
  )
  assert.equal(await refusalOf(list(key)), 'InvalidAccessKeyId')
  const path = `/users/${id}/account`
  assert.equal((await call('DELETE', path)).status, 400)
  assert.equal((await call('DELETE', `${path}?purgeData=true`)).status, 204)
  assert.equal(await platform.read(`${tenant}$${id}`, signal), null)
})

test('Cloud Director finds the account by e-mail, with its data and its key', async () => {
  const email = newEmail()
  const id = await addPerson(email)
  const key = await addKey(id)
  await s3(key).send(new CreateBucketCommand({ Bucket: 'linked' }))
  const user = createdOf<OsisUser>(await createUser(target, tenant, newOsisUser({ email, username: 'ada' })))
  assert.equal(user.user_id, id)
  const { items } = await listCredentials(target, user)
  assert.deepEqual(
    items.map((one) => [one.access_key, one.secret_key]),
    [[key.accessKey, key.secretKey]],
  )
  const { Buckets = [], Owner } = await list(key)
  assert.deepEqual([Buckets.map(({ Name }) => Name), Owner?.DisplayName], [['linked'], 'ada'])
})
