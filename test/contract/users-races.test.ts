import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { rounds } from '../../testing/full-length.ts'
import { type HttpResponse, jsonOf } from '../../testing/http.ts'
import { createdOf, createUser, newOsisUser, newTenant, type OsisUser, osis } from './object-store.ts'
import { assertInvalid, create, errorOf, idOf, newEmail, newUser } from './portal.ts'
import { changed, singleUsersOf } from './single-users.ts'
import { useTarget } from './target.ts'

// Calls at the same moment. Whatever their order was, one order of them must explain all responses and what is there
// afterwards.

const target = useTarget()
const { get, patch, remove, act, read, add } = singleUsersOf(target)

const ROUNDS = rounds(5, 50)
const MANY = 50

function countStatus(responses: readonly HttpResponse[], status: number): number {
  return responses.filter((response) => response.status === status).length
}

test('50 equal PATCHes at once are one change', async () => {
  const { id, email } = await add()
  const correlation = randomUUID()
  const call = { headers: { 'x-correlation-id': correlation } }
  const body = { firstName: 'Grace', groups: [{ id: target.init.groups.Viewer }] }
  const responses = await Promise.all(
    Array.from({ length: MANY }, (_, i) => patch(i % 2 ? id : email, body, call)),
  )
  assert.equal(new Set(responses.map(changed)).size, 1)
  const outcomes = (await target.operator.listAudit(correlation)).map((entry) => entry.outcome)
  assert.equal(outcomes.length, MANY)
  assert.equal(outcomes.filter((outcome) => outcome === 'updated').length, 1)
  assert.equal(outcomes.filter((outcome) => outcome === 'repeated').length, MANY - 1)
})

test('of 50 PATCHes at once with one If-Match, one wins', async () => {
  const { id } = await add()
  const call = { headers: { 'if-match': String((await get(id)).headers.etag) } }
  const responses = await Promise.all(
    Array.from({ length: MANY }, (_, i) => patch(id, { firstName: `${i}` }, call)),
  )
  assert.equal(countStatus(responses, 204), 1)
  for (const response of responses) if (response.status !== 204) errorOf(response, 412, 'PreconditionFailed')
  const winner = responses.findIndex((response) => response.status === 204)
  assert.equal((await read(id)).firstName, `${winner}`)
})

test('PATCHes at once that differ each make a version, and the last one is there', async () => {
  const { id } = await add()
  const responses = await Promise.all(Array.from({ length: 20 }, (_, i) => patch(id, { firstName: `${i}` })))
  const etags = responses.map(changed)
  assert.equal(new Set(etags).size, 20)
  const last = await get(id)
  assert.equal(jsonOf<{ firstName: string }>(last).firstName, `${etags.indexOf(String(last.headers.etag))}`)
})

test('PATCHes at once of different members keep each other’s changes', async () => {
  const { id } = await add()
  const groups = [{ id: target.init.groups.Viewer }]
  const responses = await Promise.all([
    patch(id, { firstName: 'One' }),
    patch(id, { lastName: 'Two' }),
    patch(id, { groups }),
    act(id, 'suspend'),
  ])
  assert.equal(new Set(responses.map(changed)).size, 4)
  const user = await read(id)
  const found = [user.firstName, user.lastName, user.groups.length, user.active]
  assert.deepEqual(found, ['One', 'Two', 1, false])
})

test('PATCH against DELETE: the change is there after a restore if and only if it was confirmed', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { id, email } = await add()
    const [patched, deleted] = await Promise.all([patch(email, { firstName: 'Late' }), remove(id)])
    changed(deleted)
    errorOf(await get(id), 404, 'NotFound')
    if (patched.status !== 204) errorOf(patched, 404, 'NotFound')
    changed(await act(id, 'restore'))
    assert.equal((await read(id)).firstName, patched.status === 204 ? 'Late' : 'Ada')
  }
})

test('20 DELETEs at once: one deletes, the others find no user', async () => {
  const { id } = await add()
  const responses = await Promise.all(Array.from({ length: 20 }, () => remove(id)))
  assert.equal(countStatus(responses, 204), 1)
  assert.equal(countStatus(responses, 404), 19)
})

test('restore against create: both give the same user back, with the content of one order', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { id, email } = await add()
    changed(await remove(id))
    const [restored, created] = await Promise.all([
      act(id, 'restore'),
      create(target, newUser({ email, firstName: 'New' })),
    ])
    changed(restored)
    // After the restore, the create is another person's; before it, the create has brought the user back.
    if (created.status === 200) assert.equal(idOf(created, 200), id)
    else assertInvalid(created, ['email'], 'Conflict')
    assert.equal((await read(email)).firstName, created.status === 200 ? 'New' : 'Ada')
  }
})

test('restore against a PATCH to the same e-mail: one of them gets it', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const gone = await add()
    const other = await add()
    changed(await remove(gone.id))
    const [restored, patched] = await Promise.all([
      act(gone.id, 'restore'),
      patch(other.id, { email: gone.email }),
    ])
    assert.deepEqual([restored.status, patched.status].sort(), [204, 400])
    assertInvalid(restored.status === 400 ? restored : patched, ['email'], 'Conflict')
    assert.equal((await read(gone.email)).id, restored.status === 204 ? gone.id : other.id)
  }
})

test('20 PATCHes at once to one e-mail: one user gets it', async () => {
  const users = await Promise.all(Array.from({ length: 20 }, () => add()))
  const email = newEmail()
  const responses = await Promise.all(users.map((user) => patch(user.id, { email })))
  assert.equal(countStatus(responses, 204), 1)
  for (const response of responses)
    if (response.status !== 204) assertInvalid(response, ['email'], 'Conflict')
  const winner = responses.findIndex((response) => response.status === 204)
  assert.equal((await read(email)).id, users[winner]?.id)
})

test('a create against a PATCH away from its e-mail', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { id, email } = await add()
    const [patched, created] = await Promise.all([
      patch(id, { email: newEmail() }),
      create(target, newUser({ email, firstName: 'New' })),
    ])
    changed(patched)
    if (created.status === 201) assert.equal((await read(email)).id, idOf(created))
    else {
      assertInvalid(created, ['email'], 'Conflict')
      errorOf(await get(email), 404, 'NotFound')
    }
  }
})

test('suspend against resume: the status is that of the last version', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { id } = await add()
    const [suspended, resumed] = await Promise.all([act(id, 'suspend'), act(id, 'resume')])
    const etags = [changed(suspended), changed(resumed)]
    // A resume that came first found an active user, and changed nothing.
    const found = await get(id)
    const { active } = jsonOf<{ active: boolean }>(found)
    assert.equal(String(found.headers.etag), etags[active ? 1 : 0])
  }
})

test('suspend against a create by OSIS: the account of a suspended person is suspended', async () => {
  const customer = await target.operator.addCustomer()
  await target.operator.createTenant({ customer, orgs: [randomUUID()] })
  const tenant = (await target.operator.listTenants()).find((one) => one.customer === customer)
  assert.ok(tenant)
  for (let round = 0; round < ROUNDS; round++) {
    const email = newEmail()
    const id = idOf(await create(target, newUser({ email }), { customer }))
    const body = newOsisUser({ email, cd_tenant_id: tenant.orgs[0] })
    const responses: HttpResponse[] = await Promise.all([
      act(id, 'suspend'),
      createUser(target, tenant.id, body),
    ])
    const [suspended, made] = responses as [HttpResponse, HttpResponse]
    changed(suspended)
    assert.equal(createdOf<OsisUser>(made).user_id, id)
    const path = `/api/v1/tenants/${tenant.id}/users/${id}`
    const isActive = async (): Promise<boolean> => jsonOf<OsisUser>(await osis(target, { path })).active
    assert.equal(await isActive(), false)
    changed(await act(id, 'resume'))
    assert.equal(await isActive(), true)
  }
})

test('DELETE against a create by OSIS leaves no account of a deleted person', async () => {
  const { tenant_id, cd_tenant_ids } = await newTenant(target)
  const tenant = (await target.operator.listTenants()).find((one) => one.id === tenant_id)
  for (let round = 0; round < ROUNDS; round++) {
    const email = newEmail()
    const id = idOf(await create(target, newUser({ email }), { customer: String(tenant?.customer) }))
    const body = newOsisUser({ email, cd_tenant_id: cd_tenant_ids[0] })
    const [deleted, made] = await Promise.all([remove(id), createUser(target, tenant_id, body)])
    changed(deleted)
    // Either the account went with the person, or it belongs to another user.
    const account = await osis(target, { path: `/api/v1/tenants/${tenant_id}/users/${id}` })
    assert.equal(account.status, 404, account.text)
    if (made.status === 201 && jsonOf<OsisUser>(made).user_id !== id)
      assert.equal((await get(jsonOf<OsisUser>(made).user_id)).status, 200)
  }
})
