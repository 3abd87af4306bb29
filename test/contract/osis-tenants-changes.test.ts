import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { type HttpResponse, jsonOf } from '../../testing/http.ts'
import {
  assertBadRequest,
  assertOsisError,
  createdOf,
  createTenant,
  createUser,
  getPage,
  listCredentials,
  newOsisUser,
  newTenant,
  type OsisPage,
  type OsisTenant,
  type OsisUser,
  osis,
  queryPath,
} from './object-store.ts'
import { create, idOf, newEmail, newUser } from './portal.ts'
import { useTarget } from './target.ts'

const target = useTarget()

function getTenants(path: string): Promise<OsisPage<OsisTenant>> {
  return getPage<OsisTenant>(target, path)
}

function patch(id: string, body: unknown): Promise<HttpResponse> {
  return osis(target, { method: 'PATCH', path: `/api/v1/tenants/${id}`, body })
}

function remove(id: string, query = ''): Promise<HttpResponse> {
  return osis(target, { method: 'DELETE', path: `/api/v1/tenants/${id}${query}` })
}

async function getTenant(id: string): Promise<OsisTenant> {
  return jsonOf<OsisTenant>(await osis(target, { path: `/api/v1/tenants/${id}` }))
}

test('a PATCH replaces the whole list of orgs, and nothing else', async () => {
  const tenant = await newTenant(target)
  const orgs = [randomUUID(), ...tenant.cd_tenant_ids, randomUUID()]
  const response = await patch(tenant.tenant_id, { cd_tenant_ids: orgs })
  assert.equal(response.status, 200, response.text)
  assert.deepEqual(jsonOf(response), { ...tenant, cd_tenant_ids: orgs })
  assert.deepEqual(await getTenant(tenant.tenant_id), { ...tenant, cd_tenant_ids: orgs })
  const swapped = [...orgs].reverse()
  assert.deepEqual(
    jsonOf<OsisTenant>(await patch(tenant.tenant_id, { cd_tenant_ids: swapped })).cd_tenant_ids,
    swapped,
  )
  const twice = [orgs[0], orgs[0]]
  assert.deepEqual(
    jsonOf<OsisTenant>(await patch(tenant.tenant_id, { cd_tenant_ids: twice })).cd_tenant_ids,
    [orgs[0]],
  )
})

test('a PATCH with an empty list leaves the tenant unmapped', async () => {
  const tenant = await newTenant(target)
  assert.equal((await patch(tenant.tenant_id, { cd_tenant_ids: [] })).status, 200)
  assert.deepEqual((await getTenant(tenant.tenant_id)).cd_tenant_ids, [])
  const taken = await newTenant(target)
  assert.equal((await patch(taken.tenant_id, { cd_tenant_ids: tenant.cd_tenant_ids })).status, 200)
})

test('a PATCH ignores name, tenant_id and active, whatever they are', async () => {
  const [tenant, other] = [await newTenant(target), await newTenant(target, 'Other')]
  const ignored = [
    { name: other.name, tenant_id: other.tenant_id, active: false },
    { name: 5, tenant_id: null, active: 'x', extensions: [], health: 7 },
  ]
  for (const members of ignored) {
    const response = await patch(tenant.tenant_id, { ...members, cd_tenant_ids: tenant.cd_tenant_ids })
    assert.deepEqual(jsonOf(response), tenant)
  }
})

test('a PATCH without a right list is refused and changes nothing', async () => {
  const tenant = await newTenant(target)
  for (const orgs of [undefined, null, 'x', {}, [5], [null], [''], ['\u0000'], ['x'.repeat(256)]])
    assertBadRequest(await patch(tenant.tenant_id, { name: 'x', cd_tenant_ids: orgs }), 'cd_tenant_ids')
  assertOsisError(await patch(tenant.tenant_id, '{'), 400, 'E_BAD_REQUEST')
  assertOsisError(await patch(tenant.tenant_id, ''), 400, 'E_BAD_REQUEST')
  assert.deepEqual(await getTenant(tenant.tenant_id), tenant)
})

test('a PATCH of an unknown tenant is a 404, and recorded', async () => {
  const correlation = randomUUID()
  const response = await osis(target, {
    method: 'PATCH',
    path: '/api/v1/tenants/nobody',
    body: { cd_tenant_ids: [] },
    headers: { 'x-correlation-id': correlation },
  })
  assertOsisError(response, 404, 'E_NOT_FOUND')
  const refused = { operation: 'UpdateTenant', status: 'Failed', target: 'nobody' }
  assert.partialDeepStrictEqual(await target.operator.listAudit(correlation), [refused])
})

test('one org on two tenants is refused, in a PATCH too', async () => {
  const [one, other] = [await newTenant(target), await newTenant(target)]
  const orgs = [...one.cd_tenant_ids, ...other.cd_tenant_ids]
  assertBadRequest(await patch(one.tenant_id, { cd_tenant_ids: orgs }), 'cd_tenant_ids')
  assert.deepEqual(await getTenant(one.tenant_id), one)
})

test('remapping is recorded with the orgs before and after, added and removed', async () => {
  const tenant = await newTenant(target)
  const before = tenant.cd_tenant_ids
  const after = [randomUUID(), randomUUID()]
  const correlation = randomUUID()
  const call = {
    method: 'PATCH',
    path: `/api/v1/tenants/${tenant.tenant_id}`,
    body: { cd_tenant_ids: after },
    headers: { 'x-correlation-id': correlation },
  }
  await osis(target, call)
  await osis(target, call)
  const [repeated, updated] = await target.operator.listAudit(correlation)
  assert.partialDeepStrictEqual(updated, {
    operation: 'UpdateTenant',
    outcome: 'updated',
    target: tenant.tenant_id,
    changedFields: ['orgIds'],
    changes: { orgIds: { before, after, added: after, removed: before } },
  })
  assert.deepEqual([repeated?.outcome, repeated?.changedFields], ['repeated', []])
  assert.equal(await target.operator.verifyAudit(), true)
})

test('50 PATCHes at once: one after the other, each seeing the one before, and the last one stays', async () => {
  const tenant = await newTenant(target)
  const correlation = randomUUID()
  const lists = Array.from({ length: 50 }, () => [randomUUID(), randomUUID()])
  const responses = await Promise.all(
    lists.map((cd_tenant_ids) =>
      osis(target, {
        method: 'PATCH',
        path: `/api/v1/tenants/${tenant.tenant_id}`,
        body: { cd_tenant_ids },
        headers: { 'x-correlation-id': correlation },
      }),
    ),
  )
  for (const response of responses) assert.equal(response.status, 200, response.text)
  const entries = (await target.operator.listAudit(correlation)).toReversed()
  let known: readonly string[] = tenant.cd_tenant_ids
  for (const { changes } of entries) {
    assert.deepEqual(changes?.orgIds?.before, known)
    known = changes?.orgIds?.after ?? []
  }
  assert.deepEqual((await getTenant(tenant.tenant_id)).cd_tenant_ids, known)
})

test('50 tenants that want one org at once: one has it, the others are refused', async () => {
  const tenants = await Promise.all(
    Array.from({ length: 50 }, async () =>
      createdOf<OsisTenant>(await createTenant(target, { name: 'Acme' })),
    ),
  )
  const org = randomUUID()
  const responses = await Promise.all(
    tenants.map(({ tenant_id }) => patch(tenant_id, { cd_tenant_ids: [org] })),
  )
  assert.deepEqual(responses.map((response) => response.status).sort(), [200, ...Array(49).fill(400)])
})

test('a tenant without users is deleted, and its orgs are free', async () => {
  const tenant = await newTenant(target)
  const response = await remove(tenant.tenant_id)
  assert.deepEqual([response.status, response.text], [204, ''])
  assert.equal((await osis(target, { path: `/api/v1/tenants/${tenant.tenant_id}` })).status, 404)
  assert.equal(
    (await osis(target, { method: 'HEAD', path: `/api/v1/tenants/${tenant.tenant_id}` })).status,
    404,
  )
  const gone = queryPath('tenants', `cd_tenant_id==${tenant.cd_tenant_ids[0]}`)
  assert.equal((await getTenants(gone)).page_info.total, 0)
  assert.equal((await getTenants(queryPath('tenants', `tenant_id==${tenant.tenant_id}`))).page_info.total, 0)
  assertOsisError(await patch(tenant.tenant_id, { cd_tenant_ids: [] }), 404, 'E_NOT_FOUND')
  assertOsisError(await createUser(target, tenant.tenant_id, newOsisUser()), 404, 'E_NOT_FOUND')
  const body = { name: 'Again', cd_tenant_ids: tenant.cd_tenant_ids }
  assert.notEqual(createdOf<OsisTenant>(await createTenant(target, body)).tenant_id, tenant.tenant_id)
})

test('deleting a tenant that is gone or never was is a 204', async () => {
  const { tenant_id } = await newTenant(target)
  for (const id of [tenant_id, tenant_id, 'nobody', '%00', randomUUID()])
    for (const query of ['', '?purge_data=true']) assert.equal((await remove(id, query)).status, 204, id)
})

test('a tenant with users is refused without purge, also by default; they stay', async () => {
  const { tenant_id } = await newTenant(target)
  const user = createdOf<OsisUser>(await createUser(target, tenant_id, newOsisUser()))
  for (const query of ['', '?purge_data=false'])
    assertOsisError(await remove(tenant_id, query), 409, 'E_CONFLICT')
  const path = `/api/v1/tenants/${tenant_id}/users/${user.user_id}`
  assert.equal((await osis(target, { path })).status, 200)
})

test('a purge takes users and keys along, and is recorded', async () => {
  const tenant = await newTenant(target)
  const { tenant_id } = tenant
  const users = await Promise.all(
    Array.from({ length: 20 }, async () =>
      createdOf<OsisUser>(await createUser(target, tenant_id, newOsisUser())),
    ),
  )
  const [key] = (await listCredentials(target, users[0] ?? assert.fail())).items
  const correlation = randomUUID()
  const path = `/api/v1/tenants/${tenant_id}?purge_data=true`
  const headers = { 'x-correlation-id': correlation }
  assert.equal((await osis(target, { method: 'DELETE', path, headers })).status, 204)
  for (const { user_id, canonical_user_id } of users) {
    assert.equal((await osis(target, { path: `/api/v1/tenants/${tenant_id}/users/${user_id}` })).status, 404)
    const canonical = encodeURIComponent(canonical_user_id)
    assert.equal((await osis(target, { path: `/api/v1/users/${canonical}` })).status, 404)
  }
  assert.equal((await osis(target, { path: `/api/v1/s3credentials/${key?.access_key}` })).status, 404)
  assert.equal((await getPage(target, `/api/v1/tenants/${tenant_id}/users`)).page_info.total, 0)
  const filter = queryPath('s3credentials', `cd_tenant_id==${users[0]?.cd_tenant_id}`)
  assert.equal((await getPage(target, filter)).page_info.total, 0)
  assert.partialDeepStrictEqual(await target.operator.listAudit(correlation), [
    {
      operation: 'DeleteTenant',
      status: 'Succeeded',
      target: tenant_id,
      changedFields: ['deletedAt', 'users', 'data'],
    },
  ])
})

test('purge_data is true or false and nothing else', async () => {
  const { tenant_id } = await newTenant(target)
  for (const value of ['', '1', 'TRUE', 'yes', 'null', 'true&purge_data=true'])
    assertBadRequest(await remove(tenant_id, `?purge_data=${value}`), 'purge_data')
  assert.equal((await osis(target, { path: `/api/v1/tenants/${tenant_id}` })).status, 200)
})

test('a DELETE with a Content-Type and no body is taken', async () => {
  const { tenant_id } = await newTenant(target)
  const call = { method: 'DELETE', path: `/api/v1/tenants/${tenant_id}`, body: '' }
  assert.equal((await osis(target, { ...call, headers: { 'content-type': 'application/json' } })).status, 204)
})

test('an operator makes an existing customer a tenant, and its users are linked', async () => {
  const customer = await target.operator.addCustomer()
  const org = randomUUID()
  const made = await target.operator.createTenant({ customer, name: 'Adopted', orgs: [org] })
  const found = await getTenants(queryPath('tenants', `cd_tenant_id==${org}`))
  assert.partialDeepStrictEqual(found.items, [{ tenant_id: made.id, name: 'Adopted', cd_tenant_ids: [org] }])
  const email = newEmail()
  const id = idOf(await create(target, newUser({ email }), { customer }))
  const body = newOsisUser({ email, cd_tenant_id: org })
  assert.equal(createdOf<OsisUser>(await createUser(target, made.id, body)).user_id, id)
  await assert.rejects(target.operator.createTenant({ customer }), /has the tenant/)
  const next = await target.operator.addCustomer()
  await assert.rejects(target.operator.createTenant({ customer: next, orgs: [org] }), /another tenant/)
  await assert.rejects(target.operator.createTenant({ customer: randomUUID() }), /no customer/)
  const listed = await target.operator.listTenants()
  assert.partialDeepStrictEqual(
    listed.filter((one) => one.id === made.id),
    [{ customer, name: 'Adopted', orgs: [org] }],
  )
})

test('a customer whose tenant was deleted can be adopted again, as a new tenant', async () => {
  const customer = await target.operator.addCustomer()
  const first = await target.operator.createTenant({ customer })
  assert.equal((await remove(first.id)).status, 204)
  const second = await target.operator.createTenant({ customer })
  assert.notEqual(second.id, first.id)
  assert.equal((await osis(target, { path: `/api/v1/tenants/${first.id}` })).status, 404)
  assert.deepEqual((await getTenant(second.id)).cd_tenant_ids, [])
})
