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
  newUser,
  type PortalCall,
} from './portal.ts'
import { newToken, useTarget } from './target.ts'

interface Entry {
  readonly id: string
  readonly timestamp: string
  readonly operation: string
  readonly status: string
  readonly correlationId: string
  readonly user: { readonly kind: string; readonly id: string | null; readonly name: string | null }
  readonly resellerId: string | null
  readonly resellerName: string | null
  readonly customerId: string | null
  readonly customerName: string | null
  readonly description: string
  readonly targetId: string | null
  readonly changes: readonly {
    readonly propertyName: string
    readonly before: unknown
    readonly after: unknown
  }[]
}

interface Page {
  readonly items: readonly Entry[]
  readonly paginationParameters: { readonly pageNumber: number; readonly pageSize: number }
  readonly totalPages: number
  readonly totalCount: number
  readonly hasPreviousPage: boolean
  readonly hasNextPage: boolean
  readonly continuationToken: string | null
}

const tokens = { viewer: '', customer: '', reseller: '', other: '' }
const other = { reseller: '', portal: `${randomUUID()}.example` }
const ownPortal = `${randomUUID()}.example`

const target = useTarget({}, async () => {
  other.reseller = await target.operator.addReseller(other.portal)
  await target.operator.addPortal(ownPortal, target.init.reseller.id)
  tokens.viewer = await newToken(target, target.init.provider.id, 'viewer')
  tokens.customer = await newToken(target, target.init.customer.id)
  tokens.reseller = await newToken(target, target.init.reseller.id)
  tokens.other = await newToken(target, other.reseller, 'viewer')
})

const call = (query = '', options: PortalCall = {}): Promise<HttpResponse> =>
  callPortal(target, 'GET', `/AuditLogs${query}`, options)

async function list(query = '', options: PortalCall = {}): Promise<Page> {
  const response = await call(query, options)
  assert.equal(response.status, 200, response.text)
  return jsonOf<Page>(response)
}

/** Creates a user in the customer of this file. */
async function addUser(options: { query?: string; token?: string } = {}): Promise<string> {
  return idOf(await create(target, newUser(), options))
}

const patch = (id: string, body: object, headers: Record<string, string> = {}): Promise<HttpResponse> =>
  callPortal(target, 'PATCH', `/users/${id}`, { body, headers })

/** Returns the entries about a target, newest first, as the caller of the options sees them. */
async function listAbout(id: string, options: PortalCall = {}, query = ''): Promise<readonly Entry[]> {
  const { items } = await list(`?PageSize=2000${query}`, options)
  return items.filter(({ targetId }) => targetId === id)
}

test('a page has the newest entries in the documented envelope', async () => {
  const correlation = randomUUID()
  const id = idOf(await create(target, newUser(), { headers: { 'x-correlation-id': correlation } }))
  const page = await list('?pagesize=2')
  assert.equal(page.items.length, 2)
  assert.deepEqual(page.paginationParameters, { pageNumber: 1, pageSize: 2 })
  assert.deepEqual([page.hasPreviousPage, page.hasNextPage, page.continuationToken], [false, true, null])
  assert.equal(page.totalPages, Math.ceil(page.totalCount / 2))
  const [entry] = await listAbout(id)
  const { timestamp, customerName, user, ...facts } = entry ?? assert.fail('there is no entry')
  assert.ok(Math.abs(Date.parse(timestamp) - Date.now()) < 60_000)
  assert.equal(customerName, 'A customer')
  assert.deepEqual([user.kind, user.id], ['client', target.init.clients.administrator.client_id])
  assert.ok(user.name)
  assert.partialDeepStrictEqual(facts, {
    operation: 'CreateUser',
    status: 'Succeded',
    correlationId: correlation,
    resellerId: null,
    resellerName: null,
    customerId: target.init.customer.id,
    description: 'created',
    changes: [],
  })
})

test('pages follow each other, newest first, and after the last one there is an empty page', async () => {
  const ids = [await addUser(), await addUser(), await addUser()]
  const pages = [
    await list('?PageSize=1'),
    await list('?PageSize=1&PageNumber=2'),
    await list('?PageSize=1&PageNumber=3'),
  ]
  assert.deepEqual(
    pages.map(({ items: [entry] }) => entry?.targetId),
    ids.toReversed(),
  )
  const past = await list('?PageNumber=1000000&PageSize=2000')
  assert.deepEqual([past.items, past.hasNextPage, past.hasPreviousPage], [[], false, true])
  const { items } = await list('?PageSize=2000')
  const times = items.map(({ timestamp }) => timestamp)
  assert.deepEqual(times, times.toSorted().toReversed())
})

test('operations are filtered by name, in any letter case, with a bar between', async () => {
  const id = await addUser()
  assert.equal((await patch(id, { firstName: 'Grace' })).status, 204)
  const operations = async (names: string) =>
    (await listAbout(id, {}, `&Operations=${encodeURIComponent(names)}`)).map(({ operation }) => operation)
  assert.deepEqual(await operations('createuser|UPDATEUSER'), ['UpdateUser', 'CreateUser'])
  assert.deepEqual(await operations('UpdateUser'), ['UpdateUser'])
  assert.deepEqual(await operations('|UpdateUser|'), ['UpdateUser'])
  assert.equal((await list('?Operations=CreateOrder')).totalCount, 0)
})

test('statuses are filtered, and spelt as documented', async () => {
  const user = newUser()
  idOf(await create(target, user))
  errorOf(await create(target, { ...user, firstName: 'Other' }), 400, 'Conflict')
  for (const status of ['Failed', 'Succeded']) {
    const { items } = await list(`?Status=${status.toLowerCase()}`)
    assert.ok(items.length > 0)
    for (const entry of items) assert.equal(entry.status, status)
  }
  const [failed] = (await list('?Status=Failed')).items
  assert.deepEqual(
    [failed?.operation, failed?.description, failed?.changes],
    ['CreateUser', 'email_taken', []],
  )
  for (const status of ['Succeeded', 'failed,succeded', ''])
    assertInvalid(await call(`?Status=${status}`), ['Status'])
})

test('the interval includes both ends, begins a month before its end, and must not be turned round', async () => {
  const id = await addUser()
  const at = (await listAbout(id))[0]?.timestamp ?? ''
  const within = async (query: string) => (await listAbout(id, {}, query)).length
  assert.equal(await within(`&StartDate=${at}&EndDate=${at}`), 1)
  const later = new Date(Date.parse(at) + 1).toISOString()
  assert.equal(await within(`&StartDate=${later}`), 0)
  assert.equal(await within('&EndDate=2026-01-31T00:00:00%2B01:00'), 0)
  assert.equal((await list('?EndDate=0000-01-01T00:00:00Z')).totalCount, 0)
  assertInvalid(await call(`?StartDate=${later}&EndDate=${at}`), ['StartDate'])
  assertInvalid(await call('?StartDate=yesterday&EndDate=2026-02-30T00:00:00Z'), ['EndDate', 'StartDate'])
})

test('parts of names are searched as plain text, without case', async () => {
  const id = await addUser({ query: `?resellerId=${target.init.reseller.id}` })
  const [entry] = await listAbout(id)
  const reseller = entry?.resellerName ?? assert.fail('the entry has no reseller')
  for (const query of ['&Customer=A%20CUST', `&Reseller=${encodeURIComponent(reseller.toUpperCase())}`])
    assert.equal((await listAbout(id, {}, query)).length, 1, query)
  for (const query of ['&Customer=%25', '&Customer=_', '&Customer=nobody', '&Reseller=a%25'])
    assert.equal((await listAbout(id, {}, query)).length, 0, query)
  assert.equal((await list('?Customer=')).totalCount > 0, true)
  assertInvalid(await call('?Customer=%00'), ['Customer'])
  assertInvalid(await call(`?Reseller=${'x'.repeat(256)}`), ['Reseller'])
})

test('wrong parameters are named, all of them, and repeated ones are refused', async () => {
  assertInvalid(await call('?PageNumber=0&PageSize=2001&resellerId=x'), [
    'PageNumber',
    'PageSize',
    'resellerId',
  ])
  assertInvalid(await call('?Customer=a&customer=b'), ['Customer'])
})

test('viewers may read, customers may not', async () => {
  assert.equal((await call('', { token: tokens.viewer })).status, 200)
  assertNoBody(await call('', { token: tokens.customer }), 403)
})

test('a reseller sees its context, its customers in none, and nothing of another reseller', async () => {
  const { reseller, init } = { reseller: target.init.reseller.id, init: target.init }
  const own = await addUser({ query: `?resellerId=${reseller}` })
  const none = await addUser()
  const asReseller: PortalCall = { token: tokens.reseller, portal: ownPortal }
  for (const id of [own, none]) {
    assert.equal((await listAbout(id, asReseller)).length, 1)
    assert.equal((await listAbout(id, {}, `&resellerId=${reseller.toUpperCase()}`)).length, 1)
    assert.equal((await listAbout(id, { token: tokens.other, portal: other.portal })).length, 0)
    assert.equal((await listAbout(id, { portal: other.portal })).length, 0)
    assert.equal((await listAbout(id, {}, `&resellerId=${other.reseller}`)).length, 0)
  }
  const [entry] = await listAbout(own, asReseller)
  assert.deepEqual([entry?.resellerId, entry?.customerId], [reseller, init.customer.id])
  // The caller is a client of the provider: the reseller must not learn its name.
  assert.deepEqual(entry?.user, { kind: 'client', id: null, name: null })
  for (const { resellerId } of (await list('?PageSize=2000', asReseller)).items)
    assert.ok(resellerId === null || resellerId === reseller)
})

test('a customer of two resellers: neither sees what happened in the context of the other', async () => {
  const customer = await target.operator.addCustomer(target.init.reseller.id, other.reseller)
  const made = async (query: string) => idOf(await create(target, newUser(), { customer, query }))
  const [mine, none] = [await made(`?resellerId=${target.init.reseller.id}`), await made('')]
  const counts = async (options: PortalCall) => [
    (await listAbout(mine, options)).length,
    (await listAbout(none, options)).length,
  ]
  assert.deepEqual(await counts({ token: tokens.reseller, portal: ownPortal }), [1, 1])
  assert.deepEqual(await counts({ token: tokens.other, portal: other.portal }), [0, 1])
  assert.deepEqual(await counts({ portal: other.portal }), [0, 1])
  assert.deepEqual(await counts({}), [1, 1])
})

test('resellerId: unknown 404; another one than its own 403, whether it exists or not', async () => {
  errorOf(await call(`?resellerId=${randomUUID()}`), 404, 'NotFound')
  errorOf(await call(`?resellerId=${target.init.customer.id}`), 404, 'NotFound')
  for (const id of [other.reseller, randomUUID()])
    assertNoBody(await call(`?resellerId=${id}`, { token: tokens.reseller, portal: ownPortal }), 403)
})

test('a change has each member before and after', async () => {
  const id = await addUser()
  const { Viewer: viewer } = target.init.groups
  assert.equal(
    (await patch(id, { firstName: 'Grace', lastName: null, groups: [{ id: viewer }] })).status,
    204,
  )
  const [entry] = await listAbout(id)
  assert.equal(entry?.description, 'updated')
  assert.deepEqual(
    entry?.changes.toSorted((one, two) => (one.propertyName < two.propertyName ? -1 : 1)),
    [
      { propertyName: 'firstName', before: 'Ada', after: 'Grace' },
      { propertyName: 'groups', before: [], after: [viewer] },
      { propertyName: 'lastName', before: 'Lovelace', after: null },
    ],
  )
})

test('changes have the names of members that the calls have', async () => {
  const path = `/Resellers/${target.init.reseller.id}/account-info`
  const body = { zipCode: '4000' }
  assert.equal((await callPortal(target, 'PATCH', path, { body })).status, 204)
  const [entry] = await listAbout(target.init.reseller.id)
  assert.deepEqual(entry?.changes, [{ propertyName: 'zipCode', before: null, after: '4000' }])
})

test('a change under an Idempotency-Key is recorded with its values, and its replay without', async () => {
  const id = await addUser()
  const headers = { 'idempotency-key': randomUUID() }
  for (let i = 0; i < 2; i++) assert.equal((await patch(id, { firstName: 'Grace' }, headers)).status, 204)
  const [replay, change] = await listAbout(id)
  assert.deepEqual([replay?.description, replay?.changes], ['replayed', []])
  assert.deepEqual(change?.changes, [{ propertyName: 'firstName', before: 'Ada', after: 'Grace' }])
})

test('a refusal in the context of a reseller is seen by no other one', async () => {
  const customer = await target.operator.addCustomer(target.init.reseller.id, other.reseller)
  const correlation = { 'x-correlation-id': randomUUID() }
  const query = `?resellerId=${target.init.reseller.id}`
  const body = newUser({ groups: [{ id: randomUUID() }] })
  errorOf(await create(target, body, { customer, query, headers: correlation }), 400, 'ValidationError')
  const count = async (options: PortalCall) =>
    (await list('?PageSize=2000&Status=Failed', options)).items.filter(
      ({ correlationId }) => correlationId === correlation['x-correlation-id'],
    ).length
  assert.equal(await count({}), 1)
  assert.equal(await count({ token: tokens.reseller, portal: ownPortal }), 1)
  assert.equal(await count({ token: tokens.other, portal: other.portal }), 0)
})

test('a refused call that names no possible reseller is of none', async () => {
  const correlation = randomUUID()
  const headers = { 'x-correlation-id': correlation }
  errorOf(await create(target, newUser(), { query: '?resellerId=x', headers }), 400, 'ValidationError')
  const { items } = await list('?PageSize=2000&Status=Failed')
  const found = items.filter(({ correlationId }) => correlationId === correlation)
  assert.deepEqual(
    found.map(({ resellerId }) => resellerId),
    [null],
  )
})

test('a reseller does not see calls of the provider about another reseller', async () => {
  const { reseller: foreign } = other
  const path = `/Customers/${target.init.customer.id}/resellers/${foreign}`
  const users = `/customer/${target.init.customer.id}/users`
  const correlations: string[] = []
  const send = async (status: number, method: string, url: string, options: PortalCall = {}) => {
    const correlation = randomUUID()
    correlations.push(correlation)
    const headers = { ...options.headers, 'x-correlation-id': correlation }
    assert.equal((await callPortal(target, method, url, { ...options, headers })).status, status)
  }
  await send(404, 'DELETE', path)
  await send(400, 'PUT', `${path}?fromResellerId=x`)
  await send(404, 'PUT', `${path}?fromResellerId=${randomUUID()}`)
  await send(403, 'PUT', path, { token: tokens.viewer })
  await send(400, 'POST', `${users}?resellerId=${foreign}`, { body: {} })
  await send(403, 'POST', `${users}?resellerId=${foreign}`, { token: tokens.viewer, body: newUser() })
  await send(403, 'POST', `${users}?RESELLERID=${foreign}`, { token: tokens.viewer, body: newUser() })
  await send(403, 'PATCH', `/Customers/${target.init.customer.id}/internal-identifier`, {
    body: { internalIdentifier: 'x', resellerId: foreign },
  })
  await send(403, 'POST', `${users}/bulk?resellerId=${foreign}`, {
    headers: { 'content-type': 'application/x-ndjson' },
    body: JSON.stringify(newUser()),
  })
  await send(204, 'PUT', path)
  await send(200, 'POST', `${users}/bulk?resellerId=${foreign}`, {
    headers: { 'content-type': 'application/x-ndjson' },
    body: JSON.stringify(newUser()),
  })
  const listed = async (options: PortalCall = {}): Promise<Set<string>> => {
    const { items } = await list('?PageSize=2000', options)
    return new Set(items.map(({ correlationId }) => correlationId).filter((id) => correlations.includes(id)))
  }
  const sent = new Set(correlations)
  assert.deepEqual(await listed(), sent)
  assert.deepEqual(await listed({ token: tokens.other, portal: other.portal }), sent)
  assert.deepEqual(await listed({ token: tokens.reseller, portal: ownPortal }), new Set())
  await callPortal(target, 'DELETE', path)
})
