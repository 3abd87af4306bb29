import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { assertInvalid, create, errorOf, idOf, newEmail, newUser, UUID } from './portal.ts'
import { newToken, useTarget } from './target.ts'

const target = useTarget()

async function findPerson(email: unknown): Promise<{ id: string; groups: readonly string[] }[]> {
  return (await target.operator.listUsers(target.init.customer.id)).filter((person) => person.email === email)
}

test('a create returns 201 with the id as a JSON string', async () => {
  const response = await create(target, newUser())
  assert.equal(response.status, 201)
  assert.match(String(response.headers['content-type']), /^application\/json/)
  assert.match(response.text, /^"[0-9a-f-]{36}"$/)
})

test('a created user is in the directory as it was sent', async () => {
  const { Administrator, Viewer } = target.init.groups
  const user = newUser({
    firstName: 'Zoë 🦉',
    lastName: ' O’Neil ',
    groups: [{ id: Viewer }, { id: Administrator }],
  })
  const id = idOf(await create(target, user))
  const [person] = (await target.operator.listUsers(target.init.customer.id)).filter((one) => one.id === id)
  assert.equal(person?.firstName, user.firstName)
  assert.equal(person?.lastName, user.lastName)
  assert.equal(person?.email, user.email)
  assert.deepEqual([...(person?.groups ?? [])].sort(), ['Administrator', 'Viewer'])
})

test('names and groups may be null', async () => {
  idOf(await create(target, newUser({ firstName: null, lastName: null, groups: null })))
})

test('an e-mail may be null, and two users without one are two users', async () => {
  const one = idOf(await create(target, newUser({ email: null })))
  const other = idOf(await create(target, newUser({ email: null, firstName: 'Grace' })))
  assert.notEqual(one, other)
})

test('role may be left out', async () => {
  idOf(await create(target, newUser({ role: undefined })))
})

test('groups given twice count once, whatever the case of their ids and whatever their names', async () => {
  const { Viewer } = target.init.groups
  const groups = [
    { id: Viewer },
    { id: Viewer.toUpperCase(), name: 'Administrator' },
    { id: Viewer, name: null },
  ]
  const user = newUser({ groups })
  idOf(await create(target, user))
  const [person] = await findPerson(user.email)
  assert.deepEqual(person?.groups, ['Viewer'])
})

test('an unknown group is named by its place', async () => {
  const { Viewer } = target.init.groups
  const groups = [{ id: Viewer }, { id: Viewer }, { id: randomUUID() }]
  assertInvalid(await create(target, newUser({ groups })), ['groups[2].id'])
})

test('other unknown members are ignored', async () => {
  const groups = [{ id: target.init.groups.Viewer, description: 'all', nested: { deep: [1] } }]
  idOf(await create(target, newUser({ phone: '+351', status: { active: true }, groups })))
})

test('path, query and header names are matched without regard to case', async () => {
  const { customer, reseller } = target.init
  const query = `?RESELLERID=${reseller.id.toUpperCase()}`
  const user = newUser()
  const id = idOf(await create(target, user, { query }))
  const again = await create(target, user, {
    customer: customer.id.toUpperCase(),
    query: `?resellerid=${reseller.id}`,
    headers: { 'x-tenant': undefined, 'X-TENANT': target.init.portal },
  })
  assert.equal(idOf(again, 200), id)
  const response = await fetch(`${target.url}/V1/CUSTOMER/${customer.id}/Users?ResellerId=${reseller.id}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-tenant': target.init.portal,
      authorization: `Bearer ${target.token}`,
    },
    body: JSON.stringify(user),
  })
  assert.equal(response.status, 200)
})

test('an id in the body is adopted, in lower case', async () => {
  const id = randomUUID()
  assert.equal(idOf(await create(target, newUser({ id: id.toUpperCase() }))), id)
})

test('an id that another user has is refused, also when that user is in another customer', async () => {
  const id = idOf(await create(target, newUser()))
  assertInvalid(await create(target, newUser({ id })), ['id'], 'Conflict')
  const customer = await target.operator.addCustomer()
  assertInvalid(await create(target, newUser({ id: id.toUpperCase() }), { customer }), ['id'], 'Conflict')
})

test('the same create again returns 200 with the same id, and writes nothing', async () => {
  const user = newUser({ groups: [{ id: target.init.groups.Viewer }] })
  const id = idOf(await create(target, user))
  assert.equal(idOf(await create(target, user), 200), id)
  assert.equal((await findPerson(user.email)).length, 1)
})

test('the same create with its e-mail in other letter case is the same create', async () => {
  const user = newUser()
  const id = idOf(await create(target, user))
  const again = { ...user, email: String(user.email).toUpperCase() }
  assert.equal(idOf(await create(target, again), 200), id)
})

test('the same create with its id is the same create', async () => {
  const user = newUser()
  const id = idOf(await create(target, user))
  assert.equal(idOf(await create(target, { ...user, id }), 200), id)
})

test('an e-mail that another user has is refused, whatever its letter case', async () => {
  const user = newUser()
  idOf(await create(target, user))
  const email = String(user.email)
  for (const other of [
    { firstName: 'Grace' },
    { lastName: null },
    { groups: [{ id: target.init.groups.Viewer }] },
  ]) {
    assertInvalid(await create(target, { ...user, ...other }), ['email'], 'Conflict')
    const upper = { ...user, ...other, email: email.toUpperCase() }
    assertInvalid(await create(target, upper), ['email'], 'Conflict')
  }
  const renamed = { ...user, id: randomUUID() }
  assertInvalid(await create(target, renamed), ['email'], 'Conflict')
})

test('letter case is compared beyond ASCII', async () => {
  const tail = newEmail()
  idOf(await create(target, newUser({ email: `jürgen.${tail}`, firstName: 'A' })))
  const upper = newUser({ email: `JÜRGEN.${tail}`, firstName: 'B' })
  assertInvalid(await create(target, upper), ['email'], 'Conflict')
})

test('the same e-mail in another customer is another user', async () => {
  const user = newUser()
  const id = idOf(await create(target, user))
  const customer = await target.operator.addCustomer()
  assert.notEqual(idOf(await create(target, user, { customer })), id)
})

test('50 equal creates at once make one user: one 201, 49 times 200, one id', async () => {
  const user = newUser({ groups: [{ id: target.init.groups.Viewer }] })
  const responses = await Promise.all(Array.from({ length: 50 }, () => create(target, user)))
  assert.equal(responses.filter((response) => response.status === 201).length, 1)
  assert.equal(responses.filter((response) => response.status === 200).length, 49)
  assert.equal(new Set(responses.map((response) => response.text)).size, 1)
  assert.equal((await findPerson(user.email)).length, 1)
})

test('50 creates at once with one Idempotency-Key all get the first response', async () => {
  const user = newUser()
  const headers = { 'idempotency-key': randomUUID() }
  const responses = await Promise.all(Array.from({ length: 50 }, () => create(target, user, { headers })))
  assert.deepEqual(new Set(responses.map((response) => response.status)), new Set([201]))
  assert.equal(new Set(responses.map((response) => response.text)).size, 1)
  assert.equal((await findPerson(user.email)).length, 1)
})

test('50 creates at once that differ leave one user and refuse the others', async () => {
  const email = newEmail()
  const responses = await Promise.all(
    Array.from({ length: 50 }, (_, i) => create(target, newUser({ email, firstName: `Ada ${i}` }))),
  )
  assert.equal(responses.filter((response) => response.status === 201).length, 1)
  for (const response of responses)
    if (response.status !== 201) assertInvalid(response, ['email'], 'Conflict')
  assert.equal((await findPerson(email)).length, 1)
})

test('an Idempotency-Key replays the first status', async () => {
  const user = newUser()
  const headers = { 'idempotency-key': `order ${randomUUID()}`.replaceAll(' ', '-') }
  const id = idOf(await create(target, user, { headers }))
  assert.equal(idOf(await create(target, user, { headers }), 201), id)
})

test('an Idempotency-Key replays its response even if the user is gone', async () => {
  const user = newUser()
  const headers = { 'idempotency-key': randomUUID() }
  const id = idOf(await create(target, user, { headers }))
  await target.operator.removeUser(id)
  assert.equal(idOf(await create(target, user, { headers }), 201), id)
  assert.equal((await findPerson(user.email)).length, 0)
})

test('an Idempotency-Key with another request is refused', async () => {
  const user = newUser()
  const headers = { 'idempotency-key': randomUUID() }
  idOf(await create(target, user, { headers }))
  assertInvalid(await create(target, newUser(), { headers }), ['Idempotency-Key'], 'Conflict')
  const customer = await target.operator.addCustomer()
  assertInvalid(await create(target, user, { headers, customer }), ['Idempotency-Key'], 'Conflict')
})

test('another Idempotency-Key is another request: the same create again', async () => {
  const user = newUser()
  const id = idOf(await create(target, user, { headers: { 'idempotency-key': randomUUID() } }))
  assert.equal(idOf(await create(target, user, { headers: { 'idempotency-key': randomUUID() } }), 200), id)
})

test('an Idempotency-Key is its client’s own', async () => {
  const headers = { 'idempotency-key': randomUUID() }
  idOf(await create(target, newUser(), { headers }))
  const token = await newToken(target, target.init.provider.id)
  idOf(await create(target, newUser(), { headers, token }))
})

test('a refused request does not use up its Idempotency-Key', async () => {
  const headers = { 'idempotency-key': randomUUID() }
  assertInvalid(await create(target, newUser({ email: 'nobody' }), { headers }), ['email'])
  idOf(await create(target, newUser(), { headers }))
})

test('a removed user comes back with the old id and the new content', async () => {
  const user = newUser()
  const id = idOf(await create(target, user))
  await target.operator.removeUser(id)
  assert.equal((await findPerson(user.email)).length, 0)
  const groups = [{ id: target.init.groups['Alert Manager'] }]
  const again = await create(target, { ...user, firstName: 'Grace', groups })
  assert.equal(idOf(again, 200), id)
  const [person] = await findPerson(user.email)
  assert.deepEqual(person && { ...person }, { ...person, id, firstName: 'Grace', groups: ['Alert Manager'] })
})

test('the id of a removed user is not free', async () => {
  const id = idOf(await create(target, newUser()))
  await target.operator.removeUser(id)
  assertInvalid(await create(target, newUser({ id })), ['id'], 'Conflict')
})

test('X-Correlation-Id is echoed in header and error body, in either letter case', async () => {
  for (const correlation of [randomUUID(), randomUUID().toUpperCase()]) {
    const headers = { 'x-correlation-id': correlation }
    const created = await create(target, newUser(), { headers })
    assert.equal(created.status, 201)
    assert.equal(created.headers['x-correlation-id'], correlation)
    const refused = await create(target, newUser({ email: 5 }), { headers })
    assert.equal(refused.status, 400)
    assert.equal(JSON.parse(refused.text).correlationId, correlation)
    assert.equal(refused.headers['x-correlation-id'], correlation)
  }
})

test('an absent X-Correlation-Id is made, another one for each request', async () => {
  const one = (await create(target, newUser())).headers['x-correlation-id']
  const other = (await create(target, newUser())).headers['x-correlation-id']
  assert.match(String(one), UUID)
  assert.notEqual(one, other)
})

test('an error describes what is wrong and names the request', async () => {
  const { description, errors } = errorOf(await create(target, newUser({ email: 5 })), 400, 'ValidationError')
  assert.ok(description.length > 0)
  assert.deepEqual(Object.keys(errors[0] ?? {}).sort(), ['description', 'propertyName'])
})

/** The line of the founding document. The test replaces host, token, ids and e-mail address. */
const FOUNDING_CURL = [
  'curl \\',
  ' -X POST https://app-cloudcockpitapi-prod-01.azurewebsites.net/v1/customer/{customerId}/users \\',
  ' -H "Content-Type: application/json" \\',
  ' -H "X-Tenant: portal.cloudcockpit.com" \\',
  ' -H "Authorization: Bearer eyJ0eXAiO..." \\',
  ' -H "X-Correlation-Id: string" \\',
  ' -d \'{"id":"string","firstName":"string","lastName":"string","email":"string","role":{},"groups":[{"id":"string","name":"string"}]}\'',
].join('\n')

test('the curl line of the founding document works', async () => {
  const id = randomUUID()
  const line = FOUNDING_CURL.replace('https://app-cloudcockpitapi-prod-01.azurewebsites.net', target.url)
    .replace('{customerId}', target.init.customer.id)
    .replace('portal.cloudcockpit.com', target.init.portal)
    .replace('eyJ0eXAiO...', target.token)
    .replace('X-Correlation-Id: string', `X-Correlation-Id: ${randomUUID()}`)
    .replace('{"id":"string"', `{"id":"${id}"`)
    .replace('"email":"string"', `"email":"${newEmail()}"`)
    .replace('[{"id":"string"', `[{"id":"${target.init.groups.Viewer}"`)
  const { stdout } = await promisify(execFile)('sh', ['-c', `${line} -s -w '\\n%{http_code}'`])
  assert.equal(stdout, `"${id}"\n201`)
})
