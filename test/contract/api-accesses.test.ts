import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { type HttpResponse, jsonOf } from '../../testing/http.ts'
import { getToken } from '../../testing/usher.ts'
import {
  assertInvalid,
  assertNoBody,
  assertTokenRefused,
  callPortal,
  errorOf,
  type PortalCall,
} from './portal.ts'
import { newToken, useTarget } from './target.ts'

const PORTAL = `portal.${randomUUID()}.example`

interface Issued {
  readonly id: string
  readonly clientSecret: string
  readonly oldSecretValidUntil?: string | null
}

interface Access {
  readonly id: string
  readonly name: string
  readonly permission: string
  readonly role: { readonly name: string }
  readonly organizationId: string
  readonly organizationName: string
  readonly externalIssuer: string | null
  readonly createdAt: string
  readonly secretCreatedAt: string | null
  readonly oldSecretValidUntil: string | null
  readonly lastUsedAt: string | null
}

interface Page {
  readonly items: readonly Access[]
  readonly totalCount: number
  readonly totalPages: number
}

const fixture = { reseller: '', customer: '', token: '', viewer: '', foreign: '' }

const target = useTarget({}, async () => {
  fixture.reseller = await target.operator.addReseller(PORTAL)
  fixture.customer = await target.operator.addCustomer(fixture.reseller)
  fixture.token = await newToken(target, fixture.reseller)
  fixture.viewer = await newToken(target, fixture.reseller, 'viewer')
  fixture.foreign = (
    await target.operator.addClient({ organization: fixture.customer, permission: 'viewer' })
  ).client_id
})

const call = (method: string, path: string, options: PortalCall = {}): Promise<HttpResponse> =>
  callPortal(target, method, `/api-accesses${path}`, options)

/** The caller is the reseller's own administrator, at its own portal. */
const asReseller = (): PortalCall => ({ token: fixture.token, portal: PORTAL })

async function add(members: object = {}, options: PortalCall = {}): Promise<Issued> {
  const body = { name: 'Billing', permission: 'administrator', ...members }
  const response = await call('POST', '', { ...options, body })
  assert.equal(response.status, 201, response.text)
  const issued = jsonOf<Issued>(response)
  assert.equal(response.headers.location, `/v1/api-accesses/${issued.id}`)
  assert.deepEqual(Object.keys(issued), ['id', 'clientSecret'])
  assert.match(issued.clientSecret, /^[A-Za-z0-9]{43}$/)
  return issued
}

async function get(id: string, options: PortalCall = {}): Promise<Access> {
  const response = await call('GET', `/${id}`, options)
  assert.equal(response.status, 200, response.text)
  return jsonOf(response)
}

async function list(query = '', options: PortalCall = {}): Promise<Page> {
  const response = await call('GET', query, options)
  assert.equal(response.status, 200, response.text)
  return jsonOf(response)
}

async function rotate(id: string, body?: object, options: PortalCall = {}): Promise<Issued> {
  const response = await call('POST', `/${id}/rotate`, { ...options, ...(body && { body }) })
  assert.equal(response.status, 200, response.text)
  return jsonOf(response)
}

const tokenOf = (id: string, secret: string): Promise<string> =>
  getToken(target.url, { client_id: id, client_secret: secret })

test('a new API access gets tokens, and acts for its organization', async () => {
  const { id, clientSecret } = await add()
  const { init } = target
  const access = await get(id)
  assert.deepEqual(
    { ...access, createdAt: '', secretCreatedAt: '' },
    {
      ...{ id, name: 'Billing', permission: 'administrator', role: { name: 'csp' }, createdAt: '' },
      ...{ organizationId: init.provider.id, organizationName: init.provider.name, externalIssuer: null },
      ...{ secretCreatedAt: '', oldSecretValidUntil: null, lastUsedAt: null },
    },
  )
  assert.equal(access.secretCreatedAt, access.createdAt)
  const token = await tokenOf(id, clientSecret)
  assert.equal((await get(id, { token })).id, id)
})

test('a provider makes them for its resellers and customers, in any spelling of the id', async () => {
  for (const [organizationId, role] of [
    [fixture.reseller, 'reseller'],
    [fixture.customer.toUpperCase(), 'customer'],
    ['00000000-0000-0000-0000-000000000000', 'csp'],
  ]) {
    const { id } = await add({ organizationId, permission: 'viewer' })
    const { role: found, permission } = await get(id.toUpperCase())
    assert.deepEqual([found.name, permission], [role, 'viewer'])
  }
})

test('a reseller manages its own, and no others', async () => {
  const { id } = await add({}, asReseller())
  const own = await list('', asReseller())
  assert.equal(own.items.at(-1)?.id, id)
  for (const { organizationId } of own.items) assert.equal(organizationId, fixture.reseller)
  assert.deepEqual(await list(`?organizationId=${fixture.reseller.toUpperCase()}`, asReseller()), own)
  // A provider at the reseller's portal acts as the reseller.
  assert.deepEqual(await list('', { portal: PORTAL }), own)
  await rotate(id, {}, asReseller())
  assert.equal((await call('DELETE', `/${id}`, asReseller())).status, 204)
  errorOf(await call('GET', `/${id}`, asReseller()), 404, 'NotFound')
})

test('ids out of reach look like ids that do not exist', async () => {
  const administrator = target.init.clients.administrator.client_id
  const texts = new Set<string>()
  for (const id of [fixture.foreign, administrator, randomUUID()]) {
    for (const [method, path] of [
      ['GET', `/${id}`],
      ['POST', `/${id}/rotate`],
      ['DELETE', `/${id}`],
    ] as const) {
      const { description, type } = errorOf(await call(method, path, asReseller()), 404, 'NotFound')
      texts.add(`${type} ${description.replace(id, 'ID')}`)
    }
  }
  for (const id of [fixture.customer, target.init.provider.id, target.init.reseller.id, randomUUID()]) {
    const body = { name: 'x', permission: 'viewer', organizationId: id }
    for (const response of [
      await call('POST', '', { ...asReseller(), body }),
      await call('GET', `?organizationId=${id}`, asReseller()),
    ]) {
      const { description, type } = errorOf(response, 404, 'NotFound')
      texts.add(`${type} ${description.replace(id, 'ID')}`)
    }
  }
  assert.equal(texts.size, 2, [...texts].join())
})

test('viewers read, without secrets, and change nothing; customers have no access', async () => {
  const { id } = await add({ organizationId: fixture.reseller })
  const viewer = { token: fixture.viewer, portal: PORTAL }
  assert.doesNotMatch(JSON.stringify(await list('', viewer)), /[sS]ecret"?:"?[A-Za-z0-9]{20}/)
  assert.equal((await get(id, viewer)).id, id)
  const customer = await newToken(target, fixture.customer)
  const body = { name: 'x', permission: 'viewer' }
  for (const caller of [viewer, { token: customer }]) {
    assertNoBody(await call('POST', '', { ...caller, body }), 403)
    assertNoBody(await call('POST', `/${id}/rotate`, caller), 403)
    assertNoBody(await call('DELETE', `/${id}`, caller), 403)
  }
  assertNoBody(await call('GET', '', { token: customer }), 403)
  assertNoBody(await call('GET', `/${id}`, { token: customer }), 403)
})

test('a list has pages, oldest first', async () => {
  for (let i = 0; i < 3; i++) await add({ organizationId: fixture.customer, name: `no ${i}` })
  const all = await list(`?organizationId=${fixture.customer}`)
  const names = all.items.map(({ name }) => name)
  assert.equal(all.totalCount, names.length)
  const pages = []
  for (let number = 1; number <= names.length; number++)
    pages.push(...(await list(`?pageSize=1&PAGENUMBER=${number}&organizationId=${fixture.customer}`)).items)
  assert.deepEqual(
    pages.map(({ name }) => name),
    names,
  )
  assert.deepEqual((await list(`?pageNumber=1000&organizationId=${fixture.customer}`)).items, [])
  for (const query of ['pageSize=0', 'pageSize=2001', 'pageNumber=0', 'pageSize=x', 'pageSize=1&pageSize=1'])
    assert.equal((await call('GET', `?${query}`)).status, 400, query)
})

test('after a rotation both secrets get tokens, until the former one ends', async () => {
  const { id, clientSecret } = await add()
  const until = new Date(Date.now() + 3_600_000)
  const rotated = await rotate(id, { oldSecretValidUntil: until.toISOString().replace('Z', '+00:00') })
  assert.deepEqual([rotated.id, rotated.oldSecretValidUntil], [id, until.toISOString()])
  const token = await tokenOf(id, clientSecret)
  await tokenOf(id, rotated.clientSecret)
  assert.equal((await get(id)).oldSecretValidUntil, until.toISOString())
  const last = await rotate(id, { oldSecretValidUntil: null })
  assert.equal(last.oldSecretValidUntil, null)
  const fresh = await tokenOf(id, last.clientSecret)
  assert.equal((await call('GET', `/${id}`, { token: fresh })).status, 200)
  assertTokenRefused(await call('GET', `/${id}`, { token }))
  for (const secret of [clientSecret, rotated.clientSecret])
    await assert.rejects(tokenOf(id, secret), /invalid_client/)
})

test('without a body the former secret is accepted for a day', async () => {
  const { id } = await add()
  for (const body of [undefined, {}]) {
    const end = Date.parse((await rotate(id, body)).oldSecretValidUntil ?? '')
    assert.ok(Math.abs(Date.now() + 86_400_000 - end) < 60_000)
  }
})

test('the end of the former secret is a time in the next 90 days', async () => {
  const { id } = await add()
  const later = new Date(Date.now() + 91 * 86_400_000).toISOString()
  for (const oldSecretValidUntil of ['2026-01-01T00:00:00Z', later, '2026-11-22', 'soon', '', 5, true])
    assertInvalid(await call('POST', `/${id}/rotate`, { body: { oldSecretValidUntil } }), [
      'oldSecretValidUntil',
    ])
  for (const body of ['[]', '"x"', '5'])
    assert.equal((await call('POST', `/${id}/rotate`, { body })).status, 400)
})

test('a revoked API access is refused at once, and is gone', async () => {
  const { id, clientSecret } = await add()
  const token = await tokenOf(id, clientSecret)
  assert.equal((await call('GET', '', { token })).status, 200)
  const response = await call('DELETE', `/${id}`)
  assert.deepEqual([response.status, response.text], [204, ''])
  assertTokenRefused(await call('GET', '', { token }))
  await assert.rejects(tokenOf(id, clientSecret), /invalid_client/)
  errorOf(await call('DELETE', `/${id}`), 404, 'NotFound')
})

test('an API access with the same Idempotency-Key is made once, and its secret is shown again', async () => {
  const headers = { 'idempotency-key': randomUUID() }
  const before = (await list()).totalCount
  const issued = await Promise.all(Array.from({ length: 10 }, () => add({}, { headers })))
  for (const one of issued) assert.deepEqual(one, issued[0])
  assert.equal((await list()).totalCount, before + 1)
  const key = { headers: { 'idempotency-key': randomUUID() } }
  const [id, body] = [issued[0]?.id ?? '', { oldSecretValidUntil: null }]
  const rotated = await rotate(id, body, key)
  assert.deepEqual(await rotate(id.toUpperCase(), body, key), rotated)
  assertInvalid(await call('POST', `/${id}/rotate`, { ...key, body: {} }), ['Idempotency-Key'], 'Conflict')
})

test('the name and the permission must be given, and a program of Cloud Director is not made here', async () => {
  assertInvalid(await call('POST', '', { body: {} }), ['name', 'permission'])
  for (const [members, name] of [
    [{ name: '' }, 'name'],
    [{ name: 'x'.repeat(256) }, 'name'],
    [{ name: null }, 'name'],
    [{ name: 'a\u0000b' }, 'name'],
    [{ permission: 'osis' }, 'permission'],
    [{ permission: 'Administrator' }, 'permission'],
    [{ organizationId: 'x' }, 'organizationId'],
  ] as const)
    assertInvalid(await call('POST', '', { body: { name: 'x', permission: 'viewer', ...members } }), [name])
  errorOf(await call('POST', `/${target.init.clients.osis.client_id}/rotate`), 400, 'Conflict')
})
