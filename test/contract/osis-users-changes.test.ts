import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { type HttpResponse, jsonOf } from '../../testing/http.ts'
import {
  assertBadRequest,
  assertOsisError,
  createdOf,
  createUser,
  getPage,
  listCredentials,
  newOsisUser,
  newTenant,
  type OsisUser,
  osis,
  queryPath,
} from './object-store.ts'
import { create, idOf, newEmail, newUser } from './portal.ts'
import { useTarget } from './target.ts'

let tenantId: string

const target = useTarget({}, async () => {
  tenantId = (await newTenant(target)).tenant_id
})

async function addUser(members: Record<string, unknown> = {}, id = tenantId): Promise<OsisUser> {
  return createdOf<OsisUser>(await createUser(target, id, newOsisUser(members)))
}

function pathOf({ tenant_id, user_id }: Pick<OsisUser, 'tenant_id' | 'user_id'>): string {
  return `/api/v1/tenants/${tenant_id}/users/${user_id}`
}

function patch(user: Pick<OsisUser, 'tenant_id' | 'user_id'>, body: unknown): Promise<HttpResponse> {
  return osis(target, { method: 'PATCH', path: pathOf(user), body })
}

function remove(user: Pick<OsisUser, 'tenant_id' | 'user_id'>, query = ''): Promise<HttpResponse> {
  return osis(target, { method: 'DELETE', path: `${pathOf(user)}${query}` })
}

async function getUser(user: OsisUser): Promise<OsisUser> {
  return jsonOf<OsisUser>(await osis(target, { path: pathOf(user) }))
}

test('a user is suspended and activated again; a GET shows it at once, also where nothing changes', async () => {
  const user = await addUser()
  for (const active of [false, false, true, true]) {
    const response = await patch(user, { active })
    assert.equal(response.status, 200, response.text)
    assert.deepEqual(jsonOf(response), { ...user, active })
    assert.deepEqual(await getUser(user), { ...user, active })
    const filter = `user_id==${user.user_id};active==${active}`
    assert.equal((await getPage(target, queryPath('users', filter))).page_info.total, 1)
  }
})

test('suspending a user leaves the status of its keys alone', async () => {
  const user = await addUser()
  const [first] = (await listCredentials(target, user)).items
  await osis(target, { method: 'POST', path: `${pathOf(user)}/s3credentials` })
  const key = `/api/v1/s3credentials/${first?.access_key}`
  assert.equal((await osis(target, { method: 'PATCH', path: key, body: { active: false } })).status, 200)
  for (const active of [false, true]) {
    await patch(user, { active })
    const { items } = await listCredentials(target, user)
    assert.deepEqual(
      items.map((one) => one.active),
      [false, true],
    )
  }
})

test('a PATCH changes active and nothing else, whatever else the body holds', async () => {
  const user = await addUser()
  const others = { username: 'other', email: 'x', role: 'king', cd_user_id: 5, tenant_id: null, user_id: [] }
  assert.deepEqual(jsonOf(await patch(user, { ...others, active: false })), { ...user, active: false })
  assert.deepEqual(await getUser(user), { ...user, active: false })
})

test('a PATCH without a right active is refused and changes nothing', async () => {
  const user = await addUser()
  for (const active of [undefined, null, 'true', 1, {}])
    assertBadRequest(await patch(user, { ...user, active }), 'active')
  for (const body of ['', '{', 'null', '[]']) assertOsisError(await patch(user, body), 400, 'E_BAD_REQUEST')
  assert.deepEqual(await getUser(user), user)
})

test('a PATCH of an unknown user, or through another tenant, is a 404, and recorded', async () => {
  const user = await addUser()
  const other = await newTenant(target)
  assertOsisError(await patch({ ...user, user_id: 'nobody' }, { active: true }), 404, 'E_NOT_FOUND')
  const correlation = randomUUID()
  const path = pathOf({ ...user, tenant_id: other.tenant_id })
  const headers = { 'x-correlation-id': correlation }
  const response = await osis(target, { method: 'PATCH', path, body: { active: false }, headers })
  assertOsisError(response, 404, 'E_NOT_FOUND')
  assert.partialDeepStrictEqual(await target.operator.listAudit(correlation), [
    { operation: 'UpdateAccount', status: 'Failed', outcome: 'user_not_found', target: user.user_id },
  ])
  assert.deepEqual(await getUser(user), user)
})

test('a change of status is recorded, with the customer', async () => {
  const user = await addUser()
  const correlation = randomUUID()
  const headers = { 'x-correlation-id': correlation }
  await osis(target, { method: 'PATCH', path: pathOf(user), body: { active: false }, headers })
  const [entry] = await target.operator.listAudit(correlation)
  assert.partialDeepStrictEqual(entry, {
    operation: 'UpdateAccount',
    status: 'Succeeded',
    outcome: 'updated',
    target: user.user_id,
    changedFields: ['active'],
  })
  assert.notEqual(entry?.organization, target.init.provider.id)
})

test('50 changes of status at once end in the status that was recorded last', async () => {
  const user = await addUser()
  const correlation = randomUUID()
  const headers = { 'x-correlation-id': correlation }
  const responses = await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      osis(target, { method: 'PATCH', path: pathOf(user), body: { active: i % 2 === 0 }, headers }),
    ),
  )
  for (const response of responses) assert.equal(response.status, 200, response.text)
  const changes = (await target.operator.listAudit(correlation)).filter(
    (entry) => entry.outcome === 'updated',
  )
  assert.equal((await getUser(user)).active, changes.length % 2 === 0)
})

test('a deleted user is gone everywhere, with its keys', async () => {
  const user = await addUser()
  const [key] = (await listCredentials(target, user)).items
  const response = await remove(user)
  assert.deepEqual([response.status, response.text], [204, ''])
  const canonical = `/api/v1/users/${encodeURIComponent(user.canonical_user_id)}`
  for (const path of [pathOf(user), canonical, `/api/v1/s3credentials/${key?.access_key}`])
    assertOsisError(await osis(target, { path }), 404, 'E_NOT_FOUND')
  assert.equal((await osis(target, { method: 'HEAD', path: pathOf(user) })).status, 404)
  for (const kind of ['users', 's3credentials'] as const) {
    const page = await getPage(target, queryPath(kind, `cd_user_id==${user.cd_user_id}`))
    assert.equal(page.page_info.total, 0)
  }
  assert.equal((await listCredentials(target, user)).page_info.total, 0)
  assertOsisError(await patch(user, { active: true }), 404, 'E_NOT_FOUND')
  const post = { method: 'POST', path: `${pathOf(user)}/s3credentials` }
  assertOsisError(await osis(target, post), 404, 'E_NOT_FOUND')
})

test('deleting a user that is gone or never was returns 204; a user of another tenant is a 404, and stays', async () => {
  const user = await addUser()
  const other = await newTenant(target)
  for (const query of ['', '?purge_data=true']) {
    assert.equal((await remove({ tenant_id: tenantId, user_id: 'nobody' }, query)).status, 204)
    for (const tenant_id of ['nobody', other.tenant_id]) {
      const misplaced = { tenant_id, user_id: user.user_id }
      assertOsisError(await remove(misplaced, query), 404, 'E_NOT_FOUND')
    }
  }
  assert.deepEqual(await getUser(user), user)
  for (const query of ['', '', '?purge_data=true']) assert.equal((await remove(user, query)).status, 204)
})

test('purge_data is true or false, also with a capital letter, and nothing else', async () => {
  for (const value of ['', '1', 'TRUE', 'True ', 'no'])
    assertBadRequest(await remove(await addUser(), `?purge_data=${encodeURIComponent(value)}`), 'purge_data')
  for (const value of ['false', 'False', 'true', 'True'])
    assert.equal((await remove(await addUser(), `?purge_data=${value}`)).status, 204)
})

test('a create for a user whose keys were all deleted leaves exactly one, also with many at once', async () => {
  const body = newOsisUser()
  const user = createdOf<OsisUser>(await createUser(target, tenantId, body))
  for (const { access_key } of (await listCredentials(target, user)).items)
    await osis(target, { method: 'DELETE', path: `/api/v1/s3credentials/${access_key}` })
  const again = await Promise.all(Array.from({ length: 20 }, () => createUser(target, tenantId, body)))
  for (const response of again) assert.deepEqual(createdOf<OsisUser>(response), user)
  const { items } = await listCredentials(target, user)
  assert.deepEqual(
    items.map((key) => key.active),
    [true],
  )
})

test('a user that is created again is a new one with new keys', async () => {
  const body = newOsisUser()
  const first = createdOf<OsisUser>(await createUser(target, tenantId, body))
  const [old] = (await listCredentials(target, first)).items
  await remove(first)
  const second = createdOf<OsisUser>(await createUser(target, tenantId, body))
  assert.notEqual(second.user_id, first.user_id)
  assert.notEqual(second.canonical_user_id, first.canonical_user_id)
  const { items } = await listCredentials(target, second)
  assert.equal(items.length, 1)
  assert.notEqual(items[0]?.access_key, old?.access_key)
})

test('a deletion is recorded', async () => {
  const user = await addUser()
  const correlation = randomUUID()
  const path = `${pathOf(user)}?purge_data=true`
  await osis(target, { method: 'DELETE', path, headers: { 'x-correlation-id': correlation } })
  assert.partialDeepStrictEqual(await target.operator.listAudit(correlation), [
    { operation: 'DeleteAccount', status: 'Succeeded', outcome: 'deleted', target: user.user_id },
  ])
})

test('a portal user stays when the account is deleted, and a user that OSIS created goes with it', async () => {
  const customer = await target.operator.addCustomer()
  const { id } = await target.operator.createTenant({ customer })
  const [personal, own] = [newEmail(), newEmail()]
  const person = idOf(await create(target, newUser({ email: personal }), { customer }))
  const linked = await addUser({ email: personal }, id)
  assert.equal(linked.user_id, person)
  const made = await addUser({ email: own }, id)
  for (const user of [linked, made]) assert.equal((await remove(user)).status, 204)
  const people = await target.operator.listUsers(customer)
  assert.deepEqual(
    people.map((one) => one.id),
    [person],
  )
})

test('50 deletions of one user at once are all 204, and one is recorded', async () => {
  const user = await addUser()
  const correlation = randomUUID()
  const headers = { 'x-correlation-id': correlation }
  const responses = await Promise.all(
    Array.from({ length: 50 }, () => osis(target, { method: 'DELETE', path: pathOf(user), headers })),
  )
  for (const response of responses) assert.equal(response.status, 204, response.text)
  assert.equal((await target.operator.listAudit(correlation)).length, 1)
})

test('creates and deletions of one user at once leave one user or none, each with one key', async () => {
  const body = newOsisUser()
  const first = createdOf<OsisUser>(await createUser(target, tenantId, body))
  const calls = Array.from({ length: 40 }, (_, i) =>
    i % 2 === 0 ? createUser(target, tenantId, body) : remove(first, i % 4 === 1 ? '?purge_data=true' : ''),
  )
  for (const { status } of await Promise.all(calls))
    assert.ok([201, 204, 503].includes(status), String(status))
  const { items } = await getPage<OsisUser>(target, queryPath('users', `cd_user_id==${body.cd_user_id}`))
  assert.ok(items.length <= 1)
  for (const user of items) assert.equal((await listCredentials(target, user)).page_info.total, 1)
})
