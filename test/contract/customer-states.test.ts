import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import { type HttpResponse, jsonOf } from '../../testing/http.ts'
import { getToken } from '../../testing/usher.ts'
import { addCaller, addCustomer, awaitJob, list, read } from './companies.ts'
import {
  assertOsisError,
  createdOf,
  createTenant,
  createUser,
  getPage,
  newOsisUser,
  type OsisUser,
  osis,
  queryPath,
} from './object-store.ts'
import { assertNoBody, assertTokenRefused, callPortal, create, errorOf, idOf, newUser } from './portal.ts'
import { useTarget } from './target.ts'

const target = useTarget()

const post = (customer: string, what: string, call = {}) =>
  callPortal(target, 'POST', `/Customers/${customer}/${what}`, call)

interface Storage {
  readonly id: string
  readonly tenant: string
  readonly org: string
  readonly user: OsisUser
}

/** A customer with a tenant, and an account in it. */
async function addStorage(resellerId?: string): Promise<Storage> {
  const [id, org] = [await addCustomer(target, { resellerId: resellerId ?? null }), randomUUID()]
  const tenant = (await target.operator.createTenant({ customer: id, orgs: [org] })).id
  const body = newOsisUser({ cd_tenant_id: org })
  const user = createdOf<OsisUser>(await createUser(target, tenant, body))
  return { id, tenant, org, user }
}

const getUser = (tenant: string, user: string): Promise<HttpResponse> =>
  osis(target, { path: `/api/v1/tenants/${tenant}/users/${user}` })

async function isActive({ tenant, user }: Storage): Promise<boolean> {
  return jsonOf<OsisUser>(await getUser(tenant, user.user_id)).active
}

describe('suspending a customer', () => {
  test('its clients are refused at once, and it can be resumed', async () => {
    const id = await addCustomer(target)
    const client = await target.operator.addClient({ organization: id, permission: 'administrator' })
    const token = await getToken(target.url, client)
    const call = { token }
    assert.equal((await callPortal(target, 'GET', `/Customers/${id}`, call)).status, 200)
    const suspended = jsonOf<{ suspendedAt: string }>(await post(id, 'suspend'))
    assert.match(suspended.suspendedAt, /Z$/)
    assertTokenRefused(await callPortal(target, 'GET', `/Customers/${id}`, call))
    await assert.rejects(getToken(target.url, client))
    assert.deepEqual(jsonOf(await post(id, 'suspend')), { ...suspended, pendingAccounts: 0 })
    assert.equal((await read(target, `/Customers/${id}`)).suspendedAt, suspended.suspendedAt)
    assert.deepEqual(jsonOf(await post(id, 'resume')), { suspendedAt: null, pendingAccounts: 0 })
    assert.equal((await callPortal(target, 'GET', `/Customers/${id}`, call)).status, 200)
    await getToken(target.url, client)
  })

  test('the provider and its reseller read and change it as before', async () => {
    const caller = await addCaller(target)
    const id = await addCustomer(target, { resellerId: caller.id })
    assert.equal((await post(id, 'suspend', caller)).status, 200)
    idOf(await create(target, newUser(), { customer: id }))
    idOf(await create(target, newUser(), { customer: id, ...caller }))
    const body = { customer: { city: 'Porto' } }
    const changed = await callPortal(target, 'PATCH', `/Customers/${id}/account-info`, { ...caller, body })
    assert.equal(changed.status, 204)
    const other = await addCaller(target)
    errorOf(await post(id, 'resume', other), 404, 'NotFound')
    assert.equal((await post(id, 'resume', caller)).status, 200)
  })

  test('its accounts stop working, new ones too; resume brings back exactly what was', async () => {
    const storage = await addStorage()
    const { id, tenant, org, user } = storage
    const off = createdOf<OsisUser>(
      await createUser(target, tenant, newOsisUser({ cd_tenant_id: org, active: false })),
    )
    assert.equal((await post(id, 'suspend')).status, 200)
    assert.equal(await isActive(storage), false)
    const late = createdOf<OsisUser>(await createUser(target, tenant, newOsisUser({ cd_tenant_id: org })))
    assert.equal(late.active, false)
    assert.equal((await post(id, 'resume')).status, 200)
    const statesOf = async () =>
      Promise.all(
        [user, off, late].map(async (one) => jsonOf<OsisUser>(await getUser(tenant, one.user_id)).active),
      )
    assert.deepEqual(await statesOf(), [true, false, true])
  })
})

describe('deleting a customer', () => {
  test('it is hidden at once, everywhere', async () => {
    const storage = await addStorage()
    const { id, tenant, org, user } = storage
    const person = idOf(await create(target, newUser(), { customer: id }))
    const client = await target.operator.addClient({ organization: id, permission: 'administrator' })
    const token = await getToken(target.url, client)
    assert.equal((await callPortal(target, 'GET', `/Customers/${id}`, { token })).status, 200)
    const response = await callPortal(target, 'DELETE', `/Customers/${id}`)
    assert.deepEqual([response.status, response.text], [202, ''])
    assertNoBody(await callPortal(target, 'GET', `/Customers/${id}`, { token }), 401)
    await assert.rejects(getToken(target.url, client))
    errorOf(await callPortal(target, 'DELETE', `/Customers/${id}`), 404, 'NotFound')
    errorOf(await callPortal(target, 'GET', `/Customers/${id}`), 404, 'NotFound')
    errorOf(await create(target, newUser(), { customer: id }), 404, 'NotFound')
    errorOf(await callPortal(target, 'GET', `/users/${person}`), 404, 'NotFound')
    errorOf(await post(id, 'suspend'), 404, 'NotFound')
    assertOsisError(await getUser(tenant, user.user_id), 404, 'E_NOT_FOUND')
    assertOsisError(await createUser(target, tenant, newOsisUser({ cd_tenant_id: org })), 404, 'E_NOT_FOUND')
    for (const what of ['users', 's3credentials'] as const)
      assert.deepEqual((await getPage(target, queryPath(what, `cd_tenant_id==${org}`))).items, [])
    assert.equal((await osis(target, { path: `/api/v1/tenants/${tenant}` })).status, 404)
    await awaitJob(target, response)
  })

  test('the job removes accounts and users, and leaves a receipt', async () => {
    const { id } = await addStorage()
    for (let i = 0; i < 3; i++) idOf(await create(target, newUser(), { customer: id }))
    const response = await callPortal(target, 'DELETE', `/Customers/${id}`)
    const job = await awaitJob(target, response)
    assert.deepEqual(
      [job.state, job.result],
      ['succeeded', { users: 4, accounts: 1, purgedData: false, keptAccounts: [] }],
    )
    const deleted = (await list(target, '/users?state=deleted&pageSize=2000')).items
    assert.equal(deleted.filter(({ customerId }) => customerId === id).length, 4)
    const entries = await target.operator.listAuditOf(id)
    const [receipt] = entries.filter(({ operation }) => operation === 'DeleteCustomer')
    assert.deepEqual([receipt?.outcome, receipt?.target], ['deleted', id])
  })

  test('it stays in the list with the time of its deletion, unless that is not asked for', async () => {
    const name = `Gone ${randomUUID()}`
    const id = await addCustomer(target, { companyName: name })
    await callPortal(target, 'DELETE', `/Customers/${id}`)
    const search = `searchValue=${encodeURIComponent(name)}`
    const [item] = (await list(target, `/Customers?${search}`)).items
    assert.equal(item?.id, id)
    assert.match(String(item?.deletedAt), /Z$/)
    assert.equal((await list(target, `/Customers?${search}&includeDeleted=false`)).totalCount, 0)
  })

  test('an org of a deleted customer can be given to a new one', async () => {
    const { id, org, tenant } = await addStorage()
    const response = await callPortal(target, 'DELETE', `/Customers/${id}`)
    const again = await createTenant(target, { name: 'Again', cd_tenant_ids: [org] })
    const made = createdOf<{ tenant_id: string }>(again)
    assert.notEqual(made.tenant_id, tenant)
    await awaitJob(target, response)
    assert.equal((await osis(target, { path: `/api/v1/tenants/${made.tenant_id}` })).status, 200)
  })

  test('a reseller cannot delete a customer', async () => {
    const caller = await addCaller(target)
    const id = await addCustomer(target, { resellerId: caller.id })
    assertNoBody(await callPortal(target, 'DELETE', `/Customers/${id}`, caller), 403)
  })
})
