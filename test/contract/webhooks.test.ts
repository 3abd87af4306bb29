import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { jsonOf } from '../../testing/http.ts'
import { waitUntil } from '../../testing/wait.ts'
import { isSigned, type Received } from '../support/receiver.ts'
import { assertInvalid, assertNoBody, callPortal, create, errorOf, idOf, newEmail, UUID } from './portal.ts'
import { newToken, useOwnTarget } from './target.ts'
import { type Caller, webhooksOf } from './webhooks.ts'

const RESELLER_PORTAL = 'webhooks.reseller.example'
const OTHER_PORTAL = 'webhooks.other.example'
const LIMIT_MS = 15_000

interface Webhook {
  readonly id: string
  readonly waiting: number
  readonly deadLetters: number
  readonly error: string | null
  readonly deliveredAt: string | null
}

const fixture = { reseller: '', customer: '', resellerToken: '', otherToken: '', viewer: '' }

const target = useOwnTarget({ USHER_WEBHOOK_NETWORKS: '127.0.0.0/8' }, async () => {
  const { operator, init } = target
  fixture.reseller = await operator.addReseller(RESELLER_PORTAL)
  fixture.customer = await operator.addCustomer(fixture.reseller)
  fixture.resellerToken = await newToken(target, fixture.reseller)
  fixture.otherToken = await newToken(target, await operator.addReseller(OTHER_PORTAL))
  fixture.viewer = await newToken(target, init.provider.id, 'viewer')
})

const { call, make, newReceiver } = webhooksOf(target)

const get = async (id: string): Promise<Webhook> => jsonOf(await call('GET', `/${id}`))

const newPerson = () => ({ firstName: 'Ada', lastName: 'Lovelace', email: newEmail(), groups: [] })

const addUser = async (customer?: string, caller: Caller = {}): Promise<string> =>
  idOf(await create(target, newPerson(), { ...(customer && { customer }), ...caller }))

test('a webhook is made with a secret that is shown once, listed, read and deleted', async () => {
  const url = 'https://receiver.example/events'
  const response = await call('POST', '', { url, name: 'Billing', operations: ['DeleteUser', 'CreateUser'] })
  const { id, secret } = jsonOf<{ id: string; secret: string }>(response)
  assert.equal(response.status, 201)
  assert.equal(response.headers.location, `/v1/webhooks/${id}`)
  assert.match(id, UUID)
  assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/)
  const read = await call('GET', `/${id}`)
  const { createdAt, ...webhook } = jsonOf<Webhook & { createdAt: string }>(read)
  assert.ok(!read.text.includes('whsec_') && !Number.isNaN(Date.parse(createdAt)))
  assert.deepEqual(webhook, {
    ...{ id, organizationId: target.init.provider.id, url, name: 'Billing' },
    ...{ operations: ['CreateUser', 'DeleteUser'], deliveredAt: null, failures: 0, error: null },
    ...{ waiting: 0, deadLetters: 0, oldSecretValidUntil: null, secretCreatedAt: createdAt },
  })
  assert.deepEqual(
    jsonOf<Webhook[]>(await call('GET', '')).map((one) => one.id),
    [id],
  )
  assert.equal((await call('DELETE', `/${id}`)).status, 204)
  for (const again of [await call('DELETE', `/${id}`), await call('GET', `/${id}`)])
    errorOf(again, 404, 'NotFound')
})

test('an event is signed, has ids and names of members, and no values', async () => {
  const receiver = await newReceiver()
  const { id, secret } = await make({ url: receiver.url })
  const person = newPerson()
  const correlationId = randomUUID()
  const headers = { 'x-correlation-id': correlationId }
  const user = idOf(await create(target, person, { headers }))
  const event = await receiver.waitFor(({ data }) => data.target === user)
  assert.ok(isSigned(event, secret))
  assert.ok(!isSigned(event, `whsec_${Buffer.alloc(32).toString('base64')}`))
  const age = Date.now() / 1000 - Number(event.headers['webhook-timestamp'])
  assert.ok(age >= -1 && age < 30)
  assert.equal(event.type, 'CreateUser')
  const { changedFields, ...data } = event.data
  assert.ok(changedFields.includes('email'))
  assert.deepEqual(data, {
    ...{ organizationId: target.init.customer.id, resellerId: null, target: user, outcome: 'created' },
    ...{ correlationId, caller: { kind: 'client', id: target.init.clients.administrator.client_id } },
  })
  for (const value of [person.email, person.firstName, person.lastName])
    assert.ok(!event.body.includes(value))
  assert.equal(event.headers['content-type'], 'application/json')
  await waitUntil(async () => (await get(id)).deliveredAt !== null, LIMIT_MS)
  await call('DELETE', `/${id}`)
})

test('the secret is replaced, and events have a signature of the former one until its end', async () => {
  const receiver = await newReceiver()
  const { id, secret } = await make({ url: receiver.url })
  const rotate = async (body?: object, headers = {}): Promise<{ id: string; secret: string }> => {
    const response = await callPortal(target, 'POST', `/webhooks/${id}/rotate`, {
      headers,
      ...(body && { body }),
    })
    assert.equal(response.status, 200, response.text)
    return jsonOf(response)
  }
  const key = { 'idempotency-key': randomUUID() }
  const rotated = await rotate(undefined, key)
  assert.deepEqual(await rotate(undefined, key), rotated)
  const user = await addUser()
  const event = await receiver.waitFor(({ data }) => data.target === user)
  assert.equal(String(event.headers['webhook-signature']).split(' ').length, 2)
  assert.ok(isSigned(event, secret) && isSigned(event, rotated.secret))
  const last = await rotate({ oldSecretValidUntil: null })
  assert.equal((await call('POST', `/${id}/test`)).status, 200)
  const test = await receiver.waitFor(({ type }) => type === 'Test')
  assert.ok(isSigned(test, last.secret) && !isSigned(test, rotated.secret))
  const until = (oldSecretValidUntil: unknown) => call('POST', `/${id}/rotate`, { oldSecretValidUntil })
  for (const wrong of ['2026-01-01T00:00:00Z', '2099-01-01T00:00:00Z', 'soon', 5])
    assertInvalid(await until(wrong), ['oldSecretValidUntil'])
  assertNoBody(await call('POST', `/${id}/rotate`, {}, { token: fixture.viewer }), 403)
  const own = { token: fixture.resellerToken, portal: RESELLER_PORTAL }
  for (const foreign of [id, randomUUID()])
    errorOf(await call('POST', `/${foreign}/rotate`, {}, own), 404, 'NotFound')
  await call('DELETE', `/${id}`)
})

test('a receiver that refuses the events of one organization gets those of others, and later all in order', async () => {
  const receiver = await newReceiver()
  const [one, other] = [await target.operator.addCustomer(), await target.operator.addCustomer()]
  const { id } = await make({ url: receiver.url, operations: ['CreateUser'] })
  receiver.respond(({ data }) => (data.organizationId === one ? 500 : 200))
  const users = [await addUser(one), await addUser(other), await addUser(one), await addUser(one)]
  await receiver.waitFor(({ data }) => data.target === users[1])
  await waitUntil(async () => (await get(id)).waiting === 3, LIMIT_MS)
  assert.equal((await get(id)).error, 'the receiver responded with 500')
  receiver.respond(() => 200)
  await receiver.waitFor(({ data }) => data.target === users[3])
  const order = receiver.accepted().filter(({ data }) => data.organizationId === one)
  assert.deepEqual(
    order.map(({ data }) => data.target),
    [users[0], users[2], users[3]],
  )
  const tried = receiver.requests.filter(({ data }) => data.organizationId === one)
  const firstAccepted = tried.findIndex(({ status }) => status === 200)
  assert.ok(tried.slice(0, firstAccepted).every(({ data }) => data.target === users[0]))
  await waitUntil(async () => (await get(id)).waiting === 0, LIMIT_MS)
  await call('DELETE', `/${id}`)
})

test('a reseller gets the events of its context, and none of another reseller', async () => {
  const own = { token: fixture.resellerToken, portal: RESELLER_PORTAL }
  const [mine, theirs] = [await newReceiver(), await newReceiver()]
  const webhook = await make({ url: mine.url, operations: ['CreateUser'] }, own)
  const otherCaller = { token: fixture.otherToken, portal: OTHER_PORTAL }
  const other = await make({ url: theirs.url, operations: ['CreateUser'] }, otherCaller)
  const foreign = await addUser()
  const users = [await addUser(fixture.customer, own), await addUser(fixture.customer)]
  await mine.waitFor(({ data }) => data.target === users[1])
  assert.deepEqual(
    mine.accepted().map(({ data }) => data.target),
    users,
  )
  assert.ok(!mine.requests.some(({ data }) => data.target === foreign))
  assert.deepEqual(theirs.requests, [])
  const isListed = async (caller: Caller): Promise<boolean> =>
    jsonOf<Webhook[]>(await call('GET', '', undefined, caller)).some(({ id }) => id === webhook.id)
  assert.deepEqual(
    [await isListed({}), await isListed(own), await isListed(otherCaller)],
    [true, true, false],
  )
  for (const [method, path, body] of [
    ['GET', '', undefined],
    ['DELETE', '', undefined],
    ['PATCH', '', { name: 'x' }],
    ['GET', '/dead-letters', undefined],
    ['POST', '/test', undefined],
    ['POST', '/replay', { deadLetters: true }],
  ] as const) {
    const foreign = await call(method, `/${webhook.id}${path}`, body, otherCaller)
    const absentId = randomUUID()
    const absent = await call(method, `/${absentId}${path}`, body, otherCaller)
    const [found, expected] = [errorOf(foreign, 404, 'NotFound'), errorOf(absent, 404, 'NotFound')]
    assert.equal(found.description.replace(webhook.id, absentId), expected.description)
  }
  for (const { id } of [webhook, other]) await call('DELETE', `/${id}`)
})

test('viewers read webhooks and change nothing; customers have none', async () => {
  const { id } = await make({ url: 'https://receiver.example' })
  const viewer = { token: fixture.viewer }
  assert.equal((await call('GET', `/${id}`, undefined, viewer)).status, 200)
  assert.equal((await call('GET', `/${id}/dead-letters`, undefined, viewer)).status, 200)
  assertNoBody(await call('DELETE', `/${id}`, undefined, viewer), 403)
  assertNoBody(await call('POST', '', { url: 'https://receiver.example' }, viewer), 403)
  assertNoBody(await call('POST', `/${id}/test`, undefined, viewer), 403)
  assertNoBody(await call('POST', `/${id}/replay`, { deadLetters: true }, viewer), 403)
  const customer = { token: await newToken(target, target.init.customer.id) }
  assertNoBody(await call('GET', '', undefined, customer), 403)
  await call('DELETE', `/${id}`)
})

test('a webhook has an https URL, or an http URL where that is allowed, and known operations', async () => {
  for (const url of [
    'ftp://x.example',
    'https:x.example',
    'https:\\\\x.example',
    'https:///x.example',
    'https://@x.example',
    'https://:@x.example',
    'x',
    'https://a:b@x.example',
    'https://x.example/#a',
    'https://x.example:0',
  ])
    assertInvalid(await call('POST', '', { url }), ['url'])
  assertInvalid(await call('POST', '', { url: `https://x.example/${'a'.repeat(1000)}` }), ['url'])
  const url = 'https://receiver.example'
  assertInvalid(await call('POST', '', { url, operations: ['GetUser'] }), ['operations[0]'])
  assertInvalid(await call('POST', '', { url, operations: [] }), ['operations'])
  assertInvalid(await call('POST', '', {}), ['url'])
})

test('an address must be in an allowed network, or on the internet with https', async () => {
  for (const url of ['https://10.0.0.1', 'http://1.1.1.1', 'http://[2606:4700::1111]', 'http://10.0.0.1'])
    assertInvalid(await call('POST', '', { url }), ['url'])
  for (const url of ['https://1.1.1.1', 'https://127.9.9.9', 'http://localhost', 'http://receiver.example']) {
    const { id } = await make({ url })
    await call('DELETE', `/${id}`)
  }
})

test('a create that is repeated with its idempotency key returns the same secret', async () => {
  const options = {
    headers: { 'idempotency-key': randomUUID() },
    body: { url: 'https://receiver.example' },
  }
  const first = await callPortal(target, 'POST', '/webhooks', options)
  const second = await callPortal(target, 'POST', '/webhooks', options)
  assert.equal(second.text, first.text)
  await call('DELETE', `/${jsonOf<Webhook>(first).id}`)
})

test('an organization has at most 20 webhooks', async () => {
  const own = { token: fixture.otherToken, portal: OTHER_PORTAL }
  const body = { url: 'https://receiver.example' }
  const responses = await Promise.all(Array.from({ length: 24 }, () => call('POST', '', body, own)))
  const made = responses.filter(({ status }) => status === 201)
  assert.equal(made.length, 20)
  for (const response of responses.filter(({ status }) => status !== 201)) errorOf(response, 400, 'Conflict')
  for (const response of made) await call('DELETE', `/${jsonOf<Webhook>(response).id}`, undefined, own)
})

test('a test event says whether the receiver accepts it', async () => {
  const receiver = await newReceiver()
  const { id, secret } = await make({ url: receiver.url, operations: ['DeleteUser'] })
  const accepted = await call('POST', `/${id}/test`)
  assert.deepEqual(jsonOf(accepted), { delivered: true, status: 204, error: null })
  const [event] = receiver.requests
  assert.ok(event && event.type === 'Test' && isSigned(event, secret))
  receiver.respond(() => 302)
  const redirected = { delivered: false, status: 302, error: 'the receiver responded with 302' }
  assert.deepEqual(jsonOf(await call('POST', `/${id}/test`)), redirected)
  assert.equal(receiver.requests.length, 2)
  await call('DELETE', `/${id}`)
})

test('a test that is repeated with its idempotency key does not reach a webhook that was deleted', async () => {
  const receiver = await newReceiver()
  const { id } = await make({ url: receiver.url })
  const headers = { 'idempotency-key': id }
  const again = () => callPortal(target, 'POST', `/webhooks/${id}/test`, { headers })
  assert.deepEqual([(await again()).status, (await again()).status], [200, 200])
  assert.equal((await call('DELETE', `/${id}`)).status, 204)
  assert.equal((await again()).status, 404)
})

test('a replay from an event that is being delivered sends it again', async () => {
  const receiver = await newReceiver()
  const [arrived, released] = [Promise.withResolvers<Received>(), Promise.withResolvers<void>()]
  receiver.respond(async (event) => {
    arrived.resolve(event)
    await released.promise
    return 204
  })
  const { id } = await make({ url: receiver.url, operations: ['CreateUser'] })
  const user = await addUser()
  const event = await arrived.promise
  assert.equal((await call('POST', `/${id}/replay`, { from: event.id })).status, 200)
  released.resolve()
  await waitUntil(
    async () => receiver.requests.filter(({ data }) => data.target === user).length === 2,
    LIMIT_MS,
  )
  await call('DELETE', `/${id}`)
})

test('events are sent again from a time, or from an event on', async () => {
  const receiver = await newReceiver()
  const { id } = await make({ url: receiver.url, operations: ['CreateUser'] })
  const users = [await addUser(), await addUser(), await addUser()]
  await receiver.waitFor(({ data }) => data.target === users[2])
  const [first, second] = receiver.accepted()
  const countOf = (user: string | undefined): number =>
    receiver.requests.filter(({ data }) => data.target === user).length
  assert.equal((await call('POST', `/${id}/replay`, { from: second?.id })).status, 200)
  await waitUntil(async () => countOf(users[1]) === 2 && countOf(users[2]) === 2, LIMIT_MS)
  assert.equal((await call('POST', `/${id}/replay`, { from: first?.timestamp })).status, 200)
  await waitUntil(async () => countOf(users[0]) >= 2 && countOf(users[2]) === 3, LIMIT_MS)
  assertInvalid(await call('POST', `/${id}/replay`, { from: '2999-01-01T00:00:00Z' }), ['from'])
  assertInvalid(await call('POST', `/${id}/replay`, { from: randomUUID() }), ['from'])
  assertInvalid(await call('POST', `/${id}/replay`, { from: 'yesterday' }), ['from'])
  assertInvalid(await call('POST', `/${id}/replay`, {}), ['from'])
  await call('DELETE', `/${id}`)
})
