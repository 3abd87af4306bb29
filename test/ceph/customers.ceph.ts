import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { CreateBucketCommand, ListBucketsCommand } from '@aws-sdk/client-s3'
import { type HttpResponse, jsonOf } from '../../testing/http.ts'
import { type StartedTarget, startTarget } from '../../testing/target.ts'
import { addCustomer, awaitJob } from '../contract/companies.ts'
import { callPortal, create, idOf, newUser } from '../contract/portal.ts'
import { adoptTenant, gateway, platform, refusalOf, removeTenants, s3, signal } from './gateway.ts'

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

function call(method: string, path: string, body?: unknown): Promise<HttpResponse> {
  return callPortal(target, method, path, { body })
}

interface Key {
  readonly accessKey: string
  readonly secretKey: string
}

/** A customer with a person who stores data, and one who does not. */
async function addPeople() {
  const customer = await addCustomer(target)
  const body = { accounts: 'everyone' }
  const tenant = jsonOf<{ id: string }>(await call('PUT', `/Customers/${customer}/tenant`, body)).id
  adoptTenant(tenant)
  const keys: Key[] = []
  const ids: string[] = []
  for (let i = 0; i < 2; i++) {
    const id = idOf(await create(target, newUser(), { customer }))
    ids.push(id)
    keys.push(jsonOf<Key>(await call('POST', `/users/${id}/account/credentials`)))
  }
  const [keeper, idle] = keys
  assert.ok(keeper && idle)
  await s3(keeper).send(new CreateBucketCommand({ Bucket: 'kept' }))
  await s3(idle).send(new ListBucketsCommand({}))
  return { customer, tenant, ids, keeper, idle }
}

const stateOf = async (tenant: string, id: string | undefined) =>
  (await platform.read(`${tenant}$${id}`, signal))?.status

test('deleting a customer removes its accounts; those that own data stay suspended, and the receipt names them', async () => {
  const { customer, tenant, ids, keeper, idle } = await addPeople()
  const { state, result } = await awaitJob(target, await call('DELETE', `/Customers/${customer}`))
  assert.deepEqual([state, result.users, result.accounts], ['succeeded', 2, 2])
  assert.deepEqual(result.keptAccounts, [`ceph-rgw/${tenant}/${ids[0]}`])
  assert.deepEqual([await stateOf(tenant, ids[0]), await stateOf(tenant, ids[1])], ['suspended', undefined])
  for (const key of [keeper, idle]) assert.ok(await refusalOf(s3(key).send(new ListBucketsCommand({}))))
})

test('with purgeData the data goes too', async () => {
  const { customer, tenant, ids } = await addPeople()
  const response = await call('DELETE', `/Customers/${customer}?purgeData=true`)
  const { result } = await awaitJob(target, response)
  assert.deepEqual(result, { users: 2, accounts: 2, purgedData: true, keptAccounts: [] })
  for (const id of ids) assert.equal(await stateOf(tenant, id), undefined)
})
