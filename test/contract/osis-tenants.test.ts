import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { jsonOf } from '../../testing/http.ts'
import {
  assertBadRequest,
  assertOsisError,
  assertPagingChecked,
  createdOf,
  createTenant,
  createUser,
  getPage,
  newOsisUser,
  newTenant,
  type OsisPage,
  type OsisTenant,
  osis,
  queryPath,
} from './object-store.ts'
import { useTarget } from './target.ts'

const target = useTarget()

async function customerOf({ tenant_id }: OsisTenant): Promise<string> {
  const tenants = await target.operator.listTenants()
  return tenants.find((one) => one.id === tenant_id)?.customer ?? assert.fail()
}

test("a tenant is created with every member, an id of Usher's and its orgs as received", async () => {
  const orgs = [randomUUID().toUpperCase()]
  const response = await createTenant(target, { name: 'Acme', active: true, cd_tenant_ids: orgs })
  const { tenant_id, ...rest } = createdOf<OsisTenant>(response)
  assert.match(tenant_id, /^[A-Za-z0-9_]+$/)
  assert.deepEqual(rest, { name: 'Acme', active: true, cd_tenant_ids: orgs, health: null, extensions: null })
})

test('a tenant id is made of A-Za-z0-9_ whatever the name', async () => {
  for (const name of ['日本', '☃', 'a/b$c-d', ' ', 'query', 'É'.repeat(255)]) {
    const { tenant_id, name: kept } = createdOf<OsisTenant>(await createTenant(target, { name }))
    assert.match(tenant_id, /^[A-Za-z0-9_]+$/)
    assert.notEqual(tenant_id, 'query')
    assert.equal(kept, name)
  }
})

test('an org that has a tenant gets it again, unchanged', async () => {
  const tenant = await newTenant(target)
  for (let i = 0; i < 2; i++) {
    const again = await createTenant(target, { name: 'Other', cd_tenant_ids: tenant.cd_tenant_ids })
    assert.deepEqual(createdOf<OsisTenant>(again), tenant)
  }
})

test('a create with a mapped org and free orgs maps the free ones to the same tenant, also with many at once', async () => {
  const tenant = await newTenant(target)
  const [org] = tenant.cd_tenant_ids
  const [second, third] = [randomUUID(), randomUUID()]
  for (const orgs of [
    [org, second],
    [third, org],
  ]) {
    const again = createdOf<OsisTenant>(await createTenant(target, { name: 'Other', cd_tenant_ids: orgs }))
    assert.deepEqual([again.tenant_id, again.name], [tenant.tenant_id, tenant.name])
  }
  const many = Array.from({ length: 10 }, () => randomUUID())
  await Promise.all(
    many.map(async (free) =>
      createdOf(await createTenant(target, { name: 'Other', cd_tenant_ids: [org, free] })),
    ),
  )
  const stored = jsonOf<OsisTenant>(await osis(target, { path: `/api/v1/tenants/${tenant.tenant_id}` }))
  assert.deepEqual(stored.cd_tenant_ids.slice(0, 3), [org, second, third])
  assert.deepEqual([...stored.cd_tenant_ids].sort(), [org, second, third, ...many].sort())
})

test('an org whose tenant was purged gets a new tenant of the same customer', async () => {
  for (const unmapsFirst of [false, true]) {
    const first = await newTenant(target)
    const customer = await customerOf(first)
    const path = `/api/v1/tenants/${first.tenant_id}`
    createdOf(
      await createUser(target, first.tenant_id, newOsisUser({ cd_tenant_id: first.cd_tenant_ids[0] })),
    )
    if (unmapsFirst) await osis(target, { method: 'PATCH', path, body: { cd_tenant_ids: [] } })
    assert.equal((await osis(target, { method: 'DELETE', path: `${path}?purge_data=True` })).status, 204)
    const body = { name: 'Renamed', cd_tenant_ids: [randomUUID(), ...first.cd_tenant_ids] }
    const second = createdOf<OsisTenant>(await createTenant(target, body))
    assert.notEqual(second.tenant_id, first.tenant_id)
    assert.deepEqual([second.name, second.cd_tenant_ids], [body.name, body.cd_tenant_ids])
    assert.equal(await customerOf(second), customer)
  }
})

test('50 creates of one tenant at once make one tenant', async () => {
  const body = { name: 'Acme', cd_tenant_ids: [randomUUID()] }
  const responses = await Promise.all(Array.from({ length: 50 }, () => createTenant(target, body)))
  for (const response of responses) createdOf(response)
  assert.equal(new Set(responses.map((response) => response.text)).size, 1)
})

test('a name is no identifier: without an org, two tenants of one name are two', async () => {
  const one = createdOf<OsisTenant>(await createTenant(target, { name: 'Twin', cd_tenant_ids: [] }))
  const other = createdOf<OsisTenant>(await createTenant(target, { name: 'Twin', cd_tenant_ids: null }))
  assert.deepEqual([one.cd_tenant_ids, other.cd_tenant_ids], [[], []])
  assert.notEqual(one.tenant_id, other.tenant_id)
})

test('a tenant may have several orgs', async () => {
  const orgs = [randomUUID(), 'no-uuid', 'ORG with spaces ☃']
  const tenant = createdOf<OsisTenant>(await createTenant(target, { name: 'Acme', cd_tenant_ids: orgs }))
  assert.deepEqual(tenant.cd_tenant_ids, orgs)
})

test('org ids are compared exactly', async () => {
  const org = `org-${randomUUID()}`
  const one = createdOf<OsisTenant>(await createTenant(target, { name: 'A', cd_tenant_ids: [org] }))
  const upper = { name: 'A', cd_tenant_ids: [org.toUpperCase()] }
  assert.notEqual(createdOf<OsisTenant>(await createTenant(target, upper)).tenant_id, one.tenant_id)
})

test('while the customer of an org has a tenant, an unmapped org gets a customer of its own', async () => {
  const first = await newTenant(target)
  const path = `/api/v1/tenants/${first.tenant_id}`
  await osis(target, { method: 'PATCH', path, body: { cd_tenant_ids: [randomUUID()] } })
  const body = { name: 'Acme', cd_tenant_ids: first.cd_tenant_ids }
  const second = createdOf<OsisTenant>(await createTenant(target, body))
  assert.notEqual(second.tenant_id, first.tenant_id)
  assert.notEqual(await customerOf(second), await customerOf(first))
})

test('orgs that are mapped to different tenants are refused', async () => {
  const [one, other] = [await newTenant(target), await newTenant(target)]
  const orgs = [...one.cd_tenant_ids, ...other.cd_tenant_ids]
  assertBadRequest(await createTenant(target, { name: 'Acme', cd_tenant_ids: orgs }), 'cd_tenant_ids')
})

test('a tenant needs a name', async () => {
  for (const body of [{}, { name: null }, { name: '' }, { name: 5 }, { name: 'a\u0000' }])
    assertBadRequest(await createTenant(target, body), 'name')
})

test('cd_tenant_ids must be texts', async () => {
  for (const orgs of ['x', [5], [null], [''], ['\u0000'], ['\ud800'], {}])
    assertBadRequest(await createTenant(target, { name: 'Acme', cd_tenant_ids: orgs }), 'cd_tenant_ids')
})

test('a tenant_id in the body, unknown members and active are ignored', async () => {
  const body = { name: 'Acme', tenant_id: 'mine', active: false, health: 'AVAILABLE', other: [1] }
  const tenant = createdOf<OsisTenant>(await createTenant(target, body))
  assert.notEqual(tenant.tenant_id, 'mine')
  assert.equal(tenant.active, true)
  for (const tenant_id of [5, true, {}, ['x'], '', 'x'.repeat(300), 'a\u0000'])
    createdOf(await createTenant(target, { name: 'Acme', tenant_id }))
})

test('a tenant is found by GET and HEAD, an unknown one is not', async () => {
  const tenant = await newTenant(target)
  const [org = ''] = tenant.cd_tenant_ids
  const found = await osis(target, { path: `/api/v1/tenants/${tenant.tenant_id}` })
  assert.equal(found.status, 200)
  assert.deepEqual(jsonOf(found), tenant)
  for (const id of ['nobody', org, '%00', 'a%24b', 'x'.repeat(300)]) {
    const path = `/api/v1/tenants/${id}`
    assertOsisError(await osis(target, { path }), 404, 'E_NOT_FOUND')
    const head = await osis(target, { method: 'HEAD', path })
    assert.equal(head.status, 404)
    assert.equal(head.text, '')
  }
})

test('HEAD of a tenant returns 200 and no body, also with a Content-Type', async () => {
  const { tenant_id } = await newTenant(target)
  const path = `/api/v1/tenants/${tenant_id}`
  for (const type of [undefined, 'application/json']) {
    const response = await osis(target, { method: 'HEAD', path, headers: { 'content-type': type } })
    assert.equal(response.status, 200)
    assert.equal(response.text, '')
  }
})

test('a new tenant is a customer of the provider, and its creation is recorded', async () => {
  const correlation = randomUUID()
  const headers = { 'x-correlation-id': correlation }
  const body = { name: `Acme ${correlation}`, cd_tenant_ids: [randomUUID()] }
  const tenant = createdOf<OsisTenant>(
    await osis(target, { method: 'POST', path: '/api/v1/tenants', headers, body }),
  )
  const customers = await target.operator.listCustomers()
  const customer = customers.find((one) => one.name === body.name)
  const [entry] = await target.operator.listAudit(correlation)
  assert.partialDeepStrictEqual(entry, {
    operation: 'CreateTenant',
    status: 'Succeeded',
    outcome: 'created',
    organization: customer?.id,
    target: tenant.tenant_id,
  })
})

function getTenants(path: string): Promise<OsisPage<OsisTenant>> {
  return getPage<OsisTenant>(target, path)
}

async function map(id: string, ...orgs: string[]): Promise<void> {
  const call = { method: 'PATCH', path: `/api/v1/tenants/${id}`, body: { cd_tenant_ids: orgs } }
  assert.equal((await osis(target, call)).status, 200)
}

test('the list has every tenant once, in a stable order, unmapped ones among them', async () => {
  const unmapped = createdOf<OsisTenant>(await createTenant(target, { name: 'Unmapped' }))
  const mapped = await newTenant(target)
  const all = await getTenants('/api/v1/tenants?limit=1000')
  assert.equal(all.items.length, all.page_info.total)
  const ids = all.items.map((one) => one.tenant_id)
  assert.equal(new Set(ids).size, ids.length)
  assert.deepEqual(all.items.slice(-2), [unmapped, mapped])
  const pages = []
  for (let offset = 0; offset < ids.length; offset += 3)
    pages.push(...(await getTenants(`/api/v1/tenants?offset=${offset}&limit=3`)).items)
  assert.deepEqual(pages, all.items)
})

test('a page of tenants echoes offset and limit, and its total is exact', async () => {
  const { total } = (await getTenants('/api/v1/tenants')).page_info
  await newTenant(target)
  const page = async (query: string): Promise<OsisPage<OsisTenant>['page_info']> =>
    (await getTenants(`/api/v1/tenants${query}`)).page_info
  assert.deepEqual(await page(''), { limit: 100, offset: 0, total: total + 1 })
  assert.deepEqual(await page('?limit=0&offset=2'), { limit: 0, offset: 2, total: total + 1 })
  assert.deepEqual(await page('?limit=2147483647'), { limit: 1000, offset: 0, total: total + 1 })
  const beyond = await getTenants('/api/v1/tenants?offset=2147483647')
  assert.deepEqual([beyond.items, beyond.page_info.total], [[], total + 1])
  await assertPagingChecked(target, '/api/v1/tenants')
  await assertPagingChecked(target, '/api/v1/tenants/query')
})

test('a query by org tells whether the org has a tenant', async () => {
  const org = randomUUID()
  const path = queryPath('tenants', `cd_tenant_id==${org}`)
  assert.deepEqual(await getTenants(path), { items: [], page_info: { limit: 100, offset: 0, total: 0 } })
  const tenant = createdOf<OsisTenant>(
    await createTenant(target, { name: 'Acme', cd_tenant_ids: ['other', org].map((id) => `${id}${org}`) }),
  )
  assert.equal((await getTenants(path)).page_info.total, 0)
  await map(tenant.tenant_id, `x${org}`, org)
  const { items, page_info } = await getTenants(path)
  assert.deepEqual([items.length, page_info.total, items[0]?.tenant_id], [1, 1, tenant.tenant_id])
})

test('a tenant id in place of an org finds that tenant, unless an org has that name', async () => {
  const [one, other] = [await newTenant(target), await newTenant(target)]
  const path = queryPath('tenants', `cd_tenant_id==${one.tenant_id};`)
  assert.deepEqual((await getTenants(path)).items, [one])
  await map(other.tenant_id, one.tenant_id)
  assert.deepEqual(
    (await getTenants(path)).items.map((tenant) => tenant.tenant_id),
    [other.tenant_id],
  )
})

test('terms of a query are all asked for', async () => {
  const [one, other] = [await newTenant(target), await newTenant(target)]
  const [org] = one.cd_tenant_ids
  const query = (filter: string): Promise<OsisPage<OsisTenant>> => getTenants(queryPath('tenants', filter))
  assert.deepEqual((await query(`tenant_id==${one.tenant_id}`)).items, [one])
  assert.deepEqual((await query(`cd_tenant_id==${org};tenant_id==${one.tenant_id};`)).items, [one])
  assert.deepEqual((await query(`tenant_id==${other.tenant_id};cd_tenant_id==${org}`)).items, [])
  assert.deepEqual((await query(`cd_tenant_id==${one.tenant_id};tenant_id==${other.tenant_id}`)).items, [])
  assert.deepEqual((await query('tenant_id==nobody')).items, [])
})
