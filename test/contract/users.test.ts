import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { jsonOf } from '../../testing/http.ts'
import {
  assertInvalid,
  assertNoBody,
  callPortal,
  create,
  errorOf,
  idOf,
  newEmail,
  newUser,
} from './portal.ts'
import { changed, singleUsersOf, type UserView } from './single-users.ts'
import { newToken, useTarget } from './target.ts'

const target = useTarget()

const { get, patch, remove, act, read, add: addUser } = singleUsersOf(target)

test('a 201 has the path of the user in Location', async () => {
  const user = newUser()
  const created = await create(target, user)
  assert.equal(created.headers.location, `/v1/users/${idOf(created)}`)
  assert.equal(
    (await callPortal(target, 'GET', String(created.headers.location).slice('/v1'.length))).status,
    200,
  )
  assert.equal((await create(target, user)).headers.location, undefined)
})

test('a user is read by id and by e-mail, with what the documents show and what is ours', async () => {
  const { Administrator, Viewer } = target.init.groups
  const groups = [{ id: Viewer }, { id: Administrator }]
  const { id, email } = await addUser({ groups })
  const user = await read(id)
  assert.deepEqual(user, {
    id,
    firstName: 'Ada',
    lastName: 'Lovelace',
    email,
    role: { name: 'customer' },
    groups: [
      { id: Administrator, name: 'Administrator' },
      { id: Viewer, name: 'Viewer' },
    ],
    customerId: target.init.customer.id,
    resellerId: null,
    active: true,
    createdAt: user.createdAt,
    updatedAt: user.createdAt,
    accounts: [],
  })
  assert.match(user.createdAt, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  for (const spelling of [id.toUpperCase(), email, email.toUpperCase(), encodeURIComponent(email)])
    assert.deepEqual(await read(spelling), user)
})

test('an e-mail with characters that a path escapes is found', async () => {
  const tail = newEmail()
  for (const local of ['a/b', 'a+b', 'a%b', 'a?b', 'a#b', "o'neil", 'jürgen', 'a&b=c']) {
    const { id } = await addUser({ email: `${local}.${tail}` })
    assert.equal((await read(encodeURIComponent(`${local}.${tail}`))).id, id)
  }
})

test('what is neither an e-mail nor an id is refused, and names the parameter', async () => {
  for (const user of ['ada', 'a@b@c', `${'a'.repeat(250)}@example.com`, '%00@example.com', '%F0%28'])
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      const body = method === 'PATCH' ? {} : undefined
      assertInvalid(await callPortal(target, method, `/users/${user}`, { body }), ['email'])
    }
  for (const verb of ['suspend', 'resume', 'restore'] as const) assertInvalid(await act('ada', verb), ['id'])
})

test('a missing user is not found, by id and by e-mail', async () => {
  const id = randomUUID()
  const email = newEmail()
  for (const user of [id, email])
    for (const response of [await get(user), await patch(user, { firstName: 'X' }), await remove(user)])
      errorOf(response, 404, 'NotFound')
  for (const verb of ['suspend', 'resume', 'restore'] as const) errorOf(await act(id, verb), 404, 'NotFound')
})

test('users of the provider and of a reseller are created, and are repeated', async () => {
  const { reseller } = target.init
  for (const [path, role, resellerId] of [
    ['/users', 'csp', null],
    [`/reseller/${reseller.id}/users`, 'reseller', reseller.id],
    [`/Reseller/${reseller.id.toUpperCase()}/Users`, 'reseller', reseller.id],
  ] as const) {
    const body = newUser()
    const id = idOf(await callPortal(target, 'POST', path, { body }))
    assert.equal(idOf(await callPortal(target, 'POST', path, { body }), 200), id)
    const { role: found, ...user } = await read(id)
    assert.deepEqual([found.name, user.customerId, user.resellerId], [role, null, resellerId])
    assertInvalid(
      await callPortal(target, 'POST', path, { body: { ...body, firstName: 'B' } }),
      ['email'],
      'Conflict',
    )
    assertInvalid(await callPortal(target, 'POST', path, { body: {} }), [
      'email',
      'firstName',
      'groups',
      'lastName',
    ])
  }
})

test('a reseller user needs a reseller', async () => {
  const { customer, provider } = target.init
  for (const id of [randomUUID(), customer.id, provider.id])
    errorOf(await callPortal(target, 'POST', `/reseller/${id}/users`, { body: newUser() }), 404, 'NotFound')
  assertInvalid(await callPortal(target, 'POST', '/reseller/x/users', { body: newUser() }), ['resellerId'])
})

test('PATCH changes the members that it has, and leaves the others', async () => {
  const { Viewer } = target.init.groups
  const { id, email } = await addUser({ groups: [{ id: Viewer }] })
  const before = await read(id)
  changed(await patch(email, { firstName: 'Grace' }))
  const after = await read(id)
  assert.deepEqual(after, { ...before, firstName: 'Grace', updatedAt: after.updatedAt })
  assert.ok(after.updatedAt >= before.updatedAt)
  changed(await patch(id.toUpperCase(), { lastName: null, groups: null }))
  const emptied = await read(id)
  assert.deepEqual([emptied.firstName, emptied.lastName, emptied.groups], ['Grace', null, []])
})

test('PATCH takes what GET returned', async () => {
  const { id } = await addUser({ groups: [{ id: target.init.groups.Viewer }] })
  const user = await read(id)
  changed(await patch(id, user))
  assert.deepEqual(await read(id), user)
  changed(await patch(id, { ...user, lastName: 'King' }))
  assert.equal((await read(id)).lastName, 'King')
})

test('groups of a PATCH replace the groups, each counts once, and an unknown one is named by its place', async () => {
  const { Viewer, 'Alert Manager': Alerts } = target.init.groups
  const { id } = await addUser({ groups: [{ id: Viewer }] })
  changed(await patch(id, { groups: [{ id: Alerts, name: 'Viewer' }, { id: Alerts.toUpperCase() }] }))
  assert.deepEqual((await read(id)).groups, [{ id: Alerts, name: 'Alert Manager' }])
  assertInvalid(await patch(id, { groups: [{ id: Viewer }, { id: randomUUID() }] }), ['groups[1].id'])
  assertInvalid(await patch(id, { groups: [{}] }), ['groups[0].id'])
  assert.deepEqual((await read(id)).groups, [{ id: Alerts, name: 'Alert Manager' }])
})

test('an empty PATCH and one that changes nothing return 204 and keep the ETag', async () => {
  const { id, email } = await addUser()
  const before = await get(id)
  for (const body of [{}, { firstName: 'Ada' }, { email, groups: [] }, { phone: '+351' }])
    assert.equal(changed(await patch(id, body)), before.headers.etag)
  assert.equal((await get(id)).text, before.text)
})

test('id, role, status and place are ignored where they are what the user has, and refused otherwise', async () => {
  const { id } = await addUser()
  const nil = '00000000-0000-0000-0000-000000000000'
  for (const same of [
    { id: id.toUpperCase() },
    { id: nil },
    { role: {} },
    { role: { name: null } },
    { role: { name: 'customer' } },
    { active: true },
    { customerId: target.init.customer.id.toUpperCase(), resellerId: null },
  ])
    changed(await patch(id, same))
  const others = {
    id: randomUUID(),
    role: { name: 'csp' },
    active: false,
    customerId: randomUUID(),
    resellerId: target.init.reseller.id,
  }
  const names = ['active', 'customerId', 'id', 'resellerId', 'role.name']
  assertInvalid(await patch(id, { ...others, firstName: 'X' }), names)
  assertInvalid(await patch(id, { role: { name: 'provider' } }), ['role.name'])
  assertInvalid(await patch(id, { role: { names: [] } }), ['role.names'])
  assert.equal((await read(id)).firstName, 'Ada')
})

test('every wrong member of a PATCH is reported at once', async () => {
  const { id } = await addUser()
  const body = {
    id: 'x',
    firstName: 5,
    lastName: 'x'.repeat(256),
    email: 'x',
    role: [],
    groups: {},
    active: 1,
  }
  const names = ['active', 'email', 'firstName', 'groups', 'id', 'lastName', 'role']
  assertInvalid(await patch(id, body), names)
  for (const wrong of ['[]', '"x"', 'null', '{', '']) errorOf(await patch(id, wrong), 400, 'ValidationError')
  const query = `?resellerId=x&customerId=y`
  assertInvalid(await patch(`${id}${query}`, { firstName: '\0' }), ['customerId', 'firstName', 'resellerId'])
})

test('a new e-mail must be free among live users, without case', async () => {
  const one = await addUser()
  const other = await addUser()
  for (const email of [other.email, other.email.toUpperCase()])
    assertInvalid(await patch(one.id, { email }), ['email'], 'Conflict')
  changed(await remove(other.id))
  changed(await patch(one.id, { email: other.email }))
  assert.equal((await read(other.email)).id, one.id)
  errorOf(await get(one.email), 404, 'NotFound')
  // The old address is free for a new person.
  assert.notEqual(idOf(await create(target, newUser({ email: one.email }))), one.id)
})

test('changed letter case of an e-mail is stored, and null removes it', async () => {
  const { id, email } = await addUser()
  changed(await patch(email, { email: email.toUpperCase() }))
  assert.equal((await read(email)).email, email.toUpperCase())
  changed(await patch(id, { email: null }))
  assert.equal((await read(id)).email, null)
  errorOf(await get(email), 404, 'NotFound')
  changed(await patch(id, { email }))
  assert.equal((await read(email)).id, id)
})

test('an e-mail of several users needs customerId, and 400 says so', async () => {
  const { id, email } = await addUser()
  const customer = await target.operator.addCustomer()
  const other = idOf(await create(target, newUser({ email }), { customer }))
  for (const response of [await get(email), await patch(email, { firstName: 'X' }), await remove(email)])
    assertInvalid(response, ['customerId'], 'Conflict')
  const own = `${email}?CustomerId=${target.init.customer.id.toUpperCase()}`
  assert.equal((await read(own)).id, id)
  changed(await patch(`${email}?customerId=${customer}`, { firstName: 'Other' }))
  assert.deepEqual([(await read(id)).firstName, (await read(other)).firstName], ['Ada', 'Other'])
  changed(await remove(own))
  assert.equal((await read(email)).id, other)
})

test('customerId narrows to one customer, and must be one', async () => {
  const { id, email } = await addUser()
  const { provider, reseller } = target.init
  const other = await target.operator.addCustomer()
  for (const user of [id, email]) {
    errorOf(await get(`${user}?customerId=${other}`), 404, 'NotFound')
    for (const wrong of [randomUUID(), provider.id, reseller.id])
      errorOf(await get(`${user}?customerId=${wrong}`), 404, 'NotFound')
    assertInvalid(await get(`${user}?customerId=${other}&customerId=${other}`), ['customerId'])
  }
})

test('If-Match guards every change, and a change returns the new ETag', async () => {
  const { id } = await addUser()
  const first = String((await get(id)).headers.etag)
  assert.match(first, /^"[^"]+"$/)
  const second = changed(await patch(id, { firstName: 'B' }, { headers: { 'if-match': first } }))
  assert.notEqual(second, first)
  assert.equal((await get(id)).headers.etag, second)
  const stale = { headers: { 'if-match': first } }
  for (const response of [
    await patch(id, { firstName: 'C' }, stale),
    await patch(id, {}, stale),
    await act(id, 'suspend', stale),
    await act(id, 'resume', stale),
    await act(id, 'restore', stale),
    await remove(id, stale),
    await patch(id, {}, { headers: { 'if-match': `W/${second}` } }),
  ])
    errorOf(response, 412, 'PreconditionFailed')
  assert.equal((await read(id)).firstName, 'B')
  changed(await patch(id, {}, { headers: { 'if-match': '*' } }))
  const third = changed(await act(id, 'suspend', { headers: { 'if-match': `"x", ${second}` } }))
  assertInvalid(await patch(id, {}, { headers: { 'if-match': 'x' } }), ['If-Match'])
  changed(await remove(id, { headers: { 'if-match': third } }))
  errorOf(await remove(id, { headers: { 'if-match': third } }), 404, 'NotFound')
})

test('a deleted user is hidden, and DELETE finds them no more', async () => {
  const { id, email } = await addUser()
  changed(await remove(email))
  for (const response of [await get(id), await get(email), await patch(id, {}), await remove(id)])
    errorOf(response, 404, 'NotFound')
  errorOf(await act(id, 'suspend'), 404, 'NotFound')
  const listed = await target.operator.listUsers(target.init.customer.id)
  assert.ok(!listed.some((person) => person.id === id))
})

test('a restored user has their id, content, groups and status', async () => {
  const { id, email } = await addUser({ groups: [{ id: target.init.groups.Viewer }] })
  changed(await act(id, 'suspend'))
  const before = await read(id)
  changed(await remove(id))
  const etag = changed(await act(id, 'restore'))
  const response = await get(email)
  const after = jsonOf<UserView>(response)
  assert.deepEqual(after, { ...before, updatedAt: after.updatedAt })
  assert.equal(response.headers.etag, etag)
  assert.equal(changed(await act(id.toUpperCase(), 'restore')), etag)
})

test('a user whose e-mail a live user has is not restored', async () => {
  const gone = await addUser()
  changed(await remove(gone.id))
  const other = await addUser()
  changed(await patch(other.id, { email: gone.email.toUpperCase() }))
  assertInvalid(await act(gone.id, 'restore'), ['email'], 'Conflict')
  changed(await patch(other.id, { email: null }))
  changed(await act(gone.id, 'restore'))
  assert.equal((await read(gone.email)).id, gone.id)
})

test('suspend and resume repeat without a change', async () => {
  const { id } = await addUser()
  const suspended = changed(await act(id, 'suspend'))
  assert.equal((await read(id)).active, false)
  assert.equal(changed(await act(id, 'suspend')), suspended)
  const resumed = changed(await act(id, 'resume'))
  assert.notEqual(resumed, suspended)
  assert.equal((await read(id)).active, true)
  assert.equal(changed(await act(id, 'resume')), resumed)
  assertNoBody(await act(id, 'suspend', { token: 'x' }), 401)
})

test('a created user who was deleted while suspended is active', async () => {
  const user = newUser()
  const id = idOf(await create(target, user))
  changed(await act(id, 'suspend'))
  changed(await remove(id))
  assert.equal(idOf(await create(target, user), 200), id)
  assert.equal((await read(id)).active, true)
})

test('a viewer reads users and changes none', async () => {
  const { id } = await addUser()
  const token = await newToken(target, target.init.provider.id, 'viewer')
  assert.equal((await get(id, { token })).status, 200)
  for (const response of [
    await patch(id, { firstName: 'X' }, { token }),
    await remove(id, { token }),
    await act(id, 'suspend', { token }),
    await act(id, 'resume', { token }),
    await act(id, 'restore', { token }),
    await callPortal(target, 'POST', '/users', { token, body: newUser() }),
    await callPortal(target, 'POST', `/reseller/${target.init.reseller.id}/users`, {
      token,
      body: newUser(),
    }),
  ])
    assertNoBody(response, 403)
})

test('changes are recorded with the names of the changed members', async () => {
  const { id, email } = await addUser()
  const correlation = randomUUID()
  const headers = { 'x-correlation-id': correlation }
  const { Viewer } = target.init.groups
  await patch(email, { firstName: 'Grace', lastName: 'Lovelace', groups: [{ id: Viewer }] }, { headers })
  await patch(id, {}, { headers })
  await act(id, 'suspend', { headers })
  await act(id, 'suspend', { headers })
  await act(id, 'resume', { headers })
  await remove(email, { headers })
  await act(id, 'restore', { headers })
  const entries = (await target.operator.listAudit(correlation)).toReversed()
  assert.deepEqual(
    entries.map(({ operation, outcome, changedFields }) => [operation, outcome, ...changedFields].join(' ')),
    [
      'UpdateUser updated firstName groups',
      'UpdateUser repeated',
      'SuspendUser suspended active',
      'SuspendUser repeated',
      'ResumeUser resumed active',
      'DeleteUser deleted deletedAt',
      'RestoreUser restored deletedAt',
    ],
  )
  for (const entry of entries)
    assert.partialDeepStrictEqual(entry, {
      status: 'Succeeded',
      organization: target.init.customer.id,
      target: id,
    })
})

test('a refusal is recorded, and no entry has an e-mail address', async () => {
  const { id, email } = await addUser()
  const correlation = randomUUID()
  const headers = { 'x-correlation-id': correlation }
  const { email: taken } = await addUser()
  await patch(email, { email: 5 }, { headers })
  await patch(email, { email: taken }, { headers })
  await patch(newEmail(), {}, { headers })
  await remove(newEmail(), { headers })
  await patch(id, { active: false }, { headers })
  const entries = (await target.operator.listAudit(correlation)).toReversed()
  const outcomes = ['invalid', 'email_taken', 'user_not_found', 'user_not_found', 'invalid']
  assert.deepEqual(
    entries.map(({ outcome }) => outcome),
    outcomes,
  )
  assert.deepEqual(
    entries.map(({ target }) => target),
    [null, id, null, null, id],
  )
  assert.doesNotMatch(JSON.stringify(entries), /@/)
})
