import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { type HttpResponse, jsonOf } from '../../testing/http.ts'
import {
  assertInvalid,
  assertNoBody,
  callPortal,
  create,
  errorOf,
  idOf,
  newEmail,
  newUser,
  type PortalCall,
} from './portal.ts'
import { changed, singleUsersOf, type UserView } from './single-users.ts'
import { newToken, useTarget } from './target.ts'

const PORTAL_A = `${randomUUID()}.example`
const PORTAL_B = `${randomUUID()}.example`

/** Two resellers that share the customer, and one customer of reseller B alone. */
const fixture = { shared: '', resellerB: '', customerB: '', tokenA: '', tokenB: '', customerClient: '' }

const target = useTarget({}, async () => {
  await target.operator.addPortal(PORTAL_A, target.init.reseller.id)
  fixture.resellerB = await target.operator.addReseller(PORTAL_B)
  fixture.customerB = await target.operator.addCustomer(fixture.resellerB)
  fixture.shared = await target.operator.addCustomer(target.init.reseller.id, fixture.resellerB)
  fixture.tokenA = await newToken(target, target.init.reseller.id)
  fixture.tokenB = await newToken(target, fixture.resellerB)
  fixture.customerClient = await newToken(target, fixture.shared)
})

const { get, patch, remove, act, read } = singleUsersOf(target)

const asA = (): PortalCall => ({ token: fixture.tokenA, portal: PORTAL_A })
const asB = (): PortalCall => ({ token: fixture.tokenB, portal: PORTAL_B })
const asCustomer = (): PortalCall => ({ token: fixture.customerClient })

/** Creates a user of the shared customer, in the context of a caller. */
async function addIn(call: PortalCall, members: object = {}): Promise<{ id: string; email: string }> {
  const email = newEmail()
  const path = `/customer/${fixture.shared}/users`
  const body = newUser({ email, ...members })
  return { id: idOf(await callPortal(target, 'POST', path, { ...call, body })), email }
}

/** Every call about one user, as one caller makes it. */
function everyCall(
  user: { id: string; email: string },
  call: PortalCall,
  query = '',
): Promise<HttpResponse[]> {
  return Promise.all([
    get(user.id + query, call),
    get(user.email + query, call),
    patch(user.id + query, { firstName: 'X' }, call),
    patch(user.email + query, { firstName: 'X' }, call),
    remove(user.id + query, call),
    remove(user.email + query, call),
    act(user.id, 'suspend', call),
    act(user.id, 'resume', call),
    act(user.id, 'restore', call),
  ])
}

/** What a response says, without what is the caller's own: ids, e-mails and the correlation id. */
function shapeOf({ status, text, headers }: HttpResponse, user: { id: string; email: string }): unknown {
  const body = text && { ...JSON.parse(text), correlationId: '' }
  const said = JSON.stringify(body).replaceAll(user.id, 'ID').replaceAll(user.email, 'EMAIL')
  return { status, said, headers: Object.keys(headers).sort() }
}

test('a user made in the context of a reseller is out of reach for another reseller', async () => {
  const user = await addIn(asA())
  assert.equal((await read(user.id, asA())).resellerId, target.init.reseller.id)
  const absent = { id: randomUUID(), email: newEmail() }
  const foreign = await everyCall(user, asB())
  const missing = await everyCall(absent, asB())
  for (const [i, response] of foreign.entries()) {
    errorOf(response, 404, 'NotFound')
    assert.deepEqual(shapeOf(response, user), shapeOf(missing[i] as HttpResponse, absent))
  }
  assert.equal((await read(user.email, asA())).firstName, 'Ada')
})

test('a user in no context is in reach of every reseller of the customer', async () => {
  const user = await addIn({})
  for (const call of [asA(), asB(), asCustomer(), {}]) {
    assert.deepEqual(await read(user.id, call), await read(user.email, call))
    changed(await patch(user.email, { firstName: randomUUID() }, call))
  }
})

test('users of a customer of another reseller, and users of the provider, are out of reach', async () => {
  const email = newEmail()
  const id = idOf(await create(target, newUser({ email }), { customer: fixture.customerB }))
  const provider = newEmail()
  const providerId = idOf(await callPortal(target, 'POST', '/users', { body: newUser({ email: provider }) }))
  for (const user of [
    { id, email },
    { id: providerId, email: provider },
  ])
    for (const call of [asA(), asCustomer()])
      for (const response of await everyCall(user, call)) errorOf(response, 404, 'NotFound')
  assert.equal((await get(id, asB())).status, 200)
})

test('a reseller manages its own users, and another reseller does not reach them', async () => {
  const { reseller } = target.init
  const email = newEmail()
  const path = `/reseller/${reseller.id}/users`
  const body = newUser({ email })
  const id = idOf(await callPortal(target, 'POST', path, { ...asA(), body }))
  // The same create by the provider is the same create.
  assert.equal(idOf(await callPortal(target, 'POST', path, { body }), 200), id)
  for (const response of await everyCall({ id, email }, asB())) errorOf(response, 404, 'NotFound')
  for (const response of await everyCall({ id, email }, asCustomer())) errorOf(response, 404, 'NotFound')
  changed(await act(id, 'suspend', asA()))
  assert.equal((await read(email)).active, false)
})

test('a reseller is told alike that another reseller and an absent one are missing', async () => {
  const shapes = []
  for (const id of [fixture.resellerB, randomUUID(), target.init.customer.id]) {
    const response = await callPortal(target, 'POST', `/reseller/${id}/users`, { ...asA(), body: newUser() })
    errorOf(response, 404, 'NotFound')
    shapes.push(shapeOf(response, { id, email: '?' }))
  }
  assert.deepEqual(shapes[0], shapes[1])
  assert.deepEqual(shapes[0], shapes[2])
})

test('customers create no users of resellers, and only a provider creates its own', async () => {
  const path = `/reseller/${target.init.reseller.id}/users`
  assertNoBody(await callPortal(target, 'POST', path, { ...asCustomer(), body: newUser() }), 403)
  for (const call of [asA(), asCustomer(), { portal: PORTAL_A }]) {
    assertNoBody(await callPortal(target, 'POST', '/users', { ...call, body: newUser() }), 403)
    // 403 comes before the shape.
    assertNoBody(await callPortal(target, 'POST', '/users', { ...call, body: {} }), 403)
  }
})

test('resellerId from a reseller is its own or 403, whether the other one exists or not', async () => {
  const user = await addIn(asA())
  assert.equal(
    (await get(`${user.email}?resellerId=${target.init.reseller.id.toUpperCase()}`, asA())).status,
    200,
  )
  for (const call of [asA(), { portal: PORTAL_A }])
    for (const id of [fixture.resellerB, randomUUID(), target.init.customer.id]) {
      const query = `?resellerId=${id}`
      for (const name of [user.id, user.email, newEmail(), randomUUID()]) {
        assertNoBody(await get(name + query, call), 403)
        assertNoBody(await patch(name + query, {}, call), 403)
        assertNoBody(await remove(name + query, call), 403)
      }
      const path = `/customer/${randomUUID()}/users${query}`
      assertNoBody(await callPortal(target, 'POST', path, { ...call, body: newUser() }), 403)
    }
})

test('a provider narrows to the context of a reseller', async () => {
  const inA = await addIn(asA())
  const inNone = await addIn({})
  const [a, b] = [`?resellerId=${target.init.reseller.id}`, `?resellerId=${fixture.resellerB}`]
  for (const user of [inA.id, inA.email, inNone.id, inNone.email])
    assert.equal((await get(user + a)).status, 200)
  for (const user of [inNone.id, inNone.email]) assert.equal((await get(user + b)).status, 200)
  for (const user of [inA.id, inA.email]) errorOf(await get(user + b), 404, 'NotFound')
  for (const id of [randomUUID(), target.init.customer.id])
    errorOf(await get(`${inA.id}?resellerId=${id}`), 404, 'NotFound')
})

test("a provider's token in the portal of a reseller has the reach of that reseller", async () => {
  const inA = await addIn(asA())
  assert.equal((await get(inA.email, { portal: PORTAL_A })).status, 200)
  for (const response of await everyCall(inA, { portal: PORTAL_B })) errorOf(response, 404, 'NotFound')
})

test('a customer reaches its users in every context, and learns of no reseller that is not its own', async () => {
  const inA = await addIn(asA())
  assert.equal((await get(inA.id, asCustomer())).status, 200)
  assert.equal((await get(`${inA.id}?resellerId=${target.init.reseller.id}`, asCustomer())).status, 200)
  errorOf(await get(`${inA.id}?resellerId=${fixture.resellerB}`, asCustomer()), 404, 'NotFound')
  const stranger = await target.operator.addReseller(`${randomUUID()}.example`)
  const shapes = []
  for (const id of [stranger, randomUUID()]) {
    const responses = [await get(`${inA.id}?resellerId=${id}`, asCustomer())]
    const path = `/customer/${fixture.shared}/users?resellerId=${id}`
    responses.push(await callPortal(target, 'POST', path, { ...asCustomer(), body: newUser() }))
    for (const response of responses) errorOf(response, 404, 'NotFound')
    shapes.push(responses.map((response) => shapeOf(response, { id, email: '?' })))
  }
  assert.deepEqual(shapes[0], shapes[1])
})

test('an e-mail that a user in another context has is taken all the same', async () => {
  const inA = await addIn(asA())
  const path = `/customer/${fixture.shared}/users`
  const body = newUser({ email: inA.email })
  assertInvalid(await callPortal(target, 'POST', path, { ...asB(), body }), ['email'], 'Conflict')
  const other = await addIn(asB())
  assertInvalid(await patch(other.id, { email: inA.email }, asB()), ['email'], 'Conflict')
})

test('a deleted user of another context is not restored by a create, and does not keep the e-mail', async () => {
  const inA = await addIn(asA())
  changed(await remove(inA.id, asA()))
  const path = `/customer/${fixture.shared}/users`
  const body = newUser({ email: inA.email })
  const made = idOf(await callPortal(target, 'POST', path, { ...asB(), body }))
  assert.notEqual(made, inA.id)
  assert.equal(idOf(await callPortal(target, 'POST', path, { ...asB(), body }), 200), made)
  assertInvalid(await act(inA.id, 'restore', asA()), ['email'], 'Conflict')
  changed(await remove(made, asB()))
  // Each reseller gets its own one back.
  assert.equal(idOf(await callPortal(target, 'POST', path, { ...asA(), body }), 200), inA.id)
})

test('an entry belongs to the context of the user', async () => {
  const inA = await addIn(asA())
  const correlation = randomUUID()
  changed(await patch(inA.id, { firstName: 'X' }, { headers: { 'x-correlation-id': correlation } }))
  const [entry] = await target.operator.listAudit(correlation)
  assert.equal(entry?.organization, fixture.shared)
})

test('lists hold exactly the users that are read one by one, in every context', async () => {
  const path = (id: string): string => `/reseller/${id}/users`
  const made = [
    await addIn(asA()),
    await addIn(asB()),
    await addIn({}),
    await addIn({ portal: PORTAL_B }),
    await addIn(asCustomer()),
  ].map(({ id }) => id)
  for (const place of [path(target.init.reseller.id), path(fixture.resellerB), '/users'])
    made.push(idOf(await callPortal(target, 'POST', place, { body: newUser() })))
  made.push(idOf(await create(target, newUser(), { customer: fixture.customerB })))
  const queries = ['', `resellerId=${target.init.reseller.id}`, `resellerId=${fixture.resellerB}`]
  const calls = [{}, { portal: PORTAL_A }, { portal: PORTAL_B }, asA(), asB()]
  for (const call of calls)
    for (const query of queries) {
      const response = await callPortal(target, 'GET', `/users?pageSize=2000&${query}`, call)
      if (response.status === 403) continue
      const listed = jsonOf<{ items: UserView[] }>(response).items.filter(({ id }) => made.includes(id))
      const views: UserView[] = []
      for (const id of made) {
        const one = await get(`${id}?${query}`, call)
        if (one.status === 200) views.push(jsonOf<UserView>(one))
        else errorOf(one, 404, 'NotFound')
      }
      const byId = (all: UserView[]): UserView[] => all.toSorted((a, b) => (a.id < b.id ? -1 : 1))
      assert.partialDeepStrictEqual(byId(views), byId(listed))
      assert.equal(views.length, listed.length)
      assert.ok(views.length > 0)
    }
  const listed = await callPortal(target, 'GET', `/customer/${fixture.shared}/users`, asA())
  for (const { id } of jsonOf<UserView[]>(listed)) assert.equal((await get(id, asA())).status, 200)
})
