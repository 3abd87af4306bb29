import assert from 'node:assert/strict'
import { test } from 'node:test'
import { basic, type HttpResponse, jsonOf, send } from '../../testing/http.ts'
import { osis } from './object-store.ts'
import { create, errorOf, idOf, newUser } from './portal.ts'
import { newToken, useOwnTarget } from './target.ts'

const PER_CLIENT = 6
const PER_ADDRESS = 5

/** The client's limit is met by few calls; the tests' own proxy gives each test an address of its own. */
const target = useOwnTarget({
  USHER_REQUESTS_PER_MINUTE: String(PER_CLIENT),
  USHER_FAILURES_PER_MINUTE: String(PER_ADDRESS),
  USHER_TRUSTED_PROXIES: '127.0.0.1',
})

/** Asserts the headers of a 429. */
function assertLimited(response: HttpResponse, policy: string, limit: number): void {
  assert.equal(response.status, 429, response.text)
  const { headers } = response
  const seconds = Number(headers['retry-after'])
  assert.ok(seconds >= 1 && seconds <= 60, `Retry-After: ${headers['retry-after']}`)
  assert.equal(headers['ratelimit-policy'], `"${policy}";q=${limit};w=60`)
  assert.equal(headers.ratelimit, `"${policy}";r=0;t=${seconds}`)
}

const from = (address: string): Record<string, string> => ({ 'x-forwarded-for': address })

/** Every request that can fail to authenticate: how it fails, with what, and its 429. */
interface Failing {
  readonly name: string
  readonly status: number
  call(address: string, headers?: Record<string, string>): Promise<HttpResponse>
  assertError(response: HttpResponse): void
}

const assertOsisError = (response: HttpResponse): void => {
  const { code, message, ...rest } = jsonOf<{ code: string; message: string }>(response)
  assert.equal(code, 'E_TOO_MANY_REQUESTS')
  assert.match(message, /from this address have failed\. Wait \d+ s\.$/)
  assert.deepEqual(rest, {})
}

function post(path: string, body: object, address: string): Promise<HttpResponse> {
  const headers = { 'content-type': 'application/json', ...from(address) }
  return send(target.url, { method: 'POST', path, headers, body: JSON.stringify(body) })
}

const FAILING: readonly Failing[] = [
  {
    name: 'a create of a customer user',
    status: 401,
    call: (address, headers) =>
      create(target, newUser(), { token: 'x.y.z', headers: { ...from(address), ...headers } }),
    assertError: (response) => {
      assert.match(errorOf(response, 429, 'TooManyRequests').description, /from this address have failed/)
    },
  },
  {
    name: 'a call of OSIS with Basic',
    status: 401,
    call: (address) =>
      osis(target, {
        path: '/api/v1/tenants',
        headers: { ...from(address), authorization: basic('a', 'b') },
      }),
    assertError: assertOsisError,
  },
  {
    name: 'a call of OSIS with a token',
    status: 401,
    call: (address) =>
      osis(target, {
        path: '/api/v1/tenants',
        headers: { ...from(address), authorization: 'Bearer x.y.z' },
      }),
    assertError: assertOsisError,
  },
  {
    name: 'a login of OSIS',
    status: 401,
    call: (address) => post('/api/v1/auth/login', { username: 'a', password: 'b' }, address),
    assertError: assertOsisError,
  },
  {
    name: 'a refresh of OSIS',
    status: 401,
    call: (address) => post('/api/v1/auth/token', { refresh_token: 'a' }, address),
    assertError: assertOsisError,
  },
  {
    name: 'a malformed login of OSIS',
    status: 400,
    call: (address) => post('/api/v1/auth/login', {}, address),
    assertError: assertOsisError,
  },
  {
    name: 'a token request',
    status: 400,
    call: (address) =>
      send(target.url, {
        method: 'POST',
        path: '/oauth2/v2.0/token',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...from(address) },
        body: 'grant_type=client_credentials&client_id=a&client_secret=b',
      }),
    assertError: (response) => {
      const { error, error_description } = jsonOf<Record<string, string>>(response)
      assert.equal(error, 'temporarily_unavailable')
      assert.match(error_description ?? '', /from this address have failed/)
    },
  },
]

for (const [i, { name, status, call, assertError }] of FAILING.entries())
  test(`${name} that fails ${PER_ADDRESS} times gets 429`, async () => {
    const address = `192.0.2.${i + 1}`
    for (let n = 0; n < PER_ADDRESS; n++) assert.equal((await call(address)).status, status)
    for (let n = 0; n < 2; n++) {
      const response = await call(address)
      assertLimited(response, 'address', PER_ADDRESS)
      assertError(response)
    }
    assert.equal((await call(`198.51.100.${i + 1}`)).status, status, 'another address is not limited')
  })

/** Uses up what an address may fail with. */
async function exhaust(address: string): Promise<void> {
  const [failing] = FAILING
  for (let n = 0; n <= PER_ADDRESS; n++) await failing?.call(address)
}

test('valid credentials work from an address that has failed too often, but it gets no new tokens', async () => {
  const address = '203.0.113.1'
  await exhaust(address)
  const token = await newToken(target, target.init.provider.id)
  idOf(await create(target, newUser(), { token, headers: from(address) }))
  assert.equal((await osis(target, { path: '/api/v1/tenants', headers: from(address) })).status, 200)
  const { client_id: username, client_secret: password } = target.init.clients.osis
  const login = await post('/api/v1/auth/login', { username, password }, address)
  assertLimited(login, 'address', PER_ADDRESS)
  const open = await send(target.url, { method: 'GET', path: '/api/info', headers: from(address) })
  assert.equal(open.status, 200, open.text)
})

test('a login from such an address is refused before its body is read', async () => {
  const address = '203.0.113.2'
  await exhaust(address)
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip', ...from(address) }
  const body = 'x'.repeat(1024 * 1024)
  const response = await send(target.url, { method: 'POST', path: '/api/v1/auth/login', headers, body })
  assertLimited(response, 'address', PER_ADDRESS)
})

test('expired tokens do not count: their clients must learn that they need another', async () => {
  const address = '203.0.113.5'
  const token = await target.operator.signAgain(target.token, -10)
  for (let n = 0; n < PER_ADDRESS + 2; n++) {
    const response = await create(target, newUser(), { token, headers: from(address) })
    assert.equal(response.status, 401)
    assert.match(String(response.headers['www-authenticate']), /expired/)
  }
  const { client_id: username, client_secret: password } = target.init.clients.osis
  assert.equal((await post('/api/v1/auth/login', { username, password }, address)).status, 200)
})

test('requests without credentials count apart, and not where valid credentials follow', async () => {
  const call = (address: string, authorization: string | undefined) =>
    create(target, newUser(), { headers: { ...from(address), authorization } })
  const flood = '203.0.113.6'
  for (let n = 0; n < PER_ADDRESS; n++) assert.equal((await call(flood, undefined)).status, 401)
  assertLimited(await call(flood, undefined), 'address', PER_ADDRESS)
  const { client_id: username, client_secret: password } = target.init.clients.osis
  assert.equal((await post('/api/v1/auth/login', { username, password }, flood)).status, 200)
  const client = '203.0.113.7'
  for (let n = 0; n < PER_ADDRESS * 2; n++) {
    assert.equal((await call(client, undefined)).status, 401)
    const token = await newToken(target, target.init.provider.id)
    assert.equal((await call(client, `Bearer ${token}`)).status, 201)
  }
})

test('successes do not count against an address', async () => {
  for (let n = 0; n < PER_ADDRESS + 2; n++) {
    const client = await target.operator.addClient({
      organization: target.init.provider.id,
      permission: 'osis',
    })
    const credentials = { username: client.client_id, password: client.client_secret }
    assert.equal((await post('/api/v1/auth/login', credentials, '203.0.113.3')).status, 200)
  }
})

test('addresses of one IPv6 network of 64 bits count together', async () => {
  const [failing] = FAILING
  const call = failing?.call ?? assert.fail()
  for (let n = 0; n < PER_ADDRESS; n++) assert.equal((await call(`2001:db8:1:2:${n}::${n + 1}`)).status, 401)
  assert.equal((await call('2001:db8:1:2:ffff:ffff:ffff:ffff')).status, 429)
  assert.equal((await call('2001:db8:1:3::1')).status, 401)
})

test('a client that sends too many requests gets 429 with the documented error', async () => {
  const token = await newToken(target, target.init.provider.id)
  for (let n = 0; n < PER_CLIENT; n++) idOf(await create(target, newUser(), { token }))
  const response = await create(target, newUser(), { token })
  assertLimited(response, 'client', PER_CLIENT)
  const { description, errors } = errorOf(response, 429, 'TooManyRequests')
  assert.match(description, /more than 6 requests in a minute\. Wait \d+ s\.$/)
  assert.deepEqual(errors, [])
  idOf(await create(target, newUser(), { token: await newToken(target, target.init.provider.id) }))
})

test('requests that the client may not make count too', async () => {
  const token = await newToken(target, target.init.provider.id, 'viewer')
  for (let n = 0; n < PER_CLIENT; n++) assert.equal((await create(target, newUser(), { token })).status, 403)
  assertLimited(await create(target, newUser(), { token }), 'client', PER_CLIENT)
})

test('OSIS limits its clients with an OsisError', async () => {
  const client = await target.operator.addClient({
    organization: target.init.provider.id,
    permission: 'osis',
  })
  const headers = { authorization: basic(client.client_id, client.client_secret) }
  for (let n = 0; n < PER_CLIENT; n++)
    assert.equal((await osis(target, { path: '/api/v1/tenants', headers })).status, 200)
  const response = await osis(target, { path: '/api/v1/tenants', headers })
  assertLimited(response, 'client', PER_CLIENT)
  assert.equal(jsonOf<{ code: string }>(response).code, 'E_TOO_MANY_REQUESTS')
})

test('requests for tokens have the limit of their client too, apart from its other requests', async () => {
  const organization = target.init.provider.id
  const portal = await target.operator.addClient({ organization, permission: 'viewer' })
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...portal }).toString()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const call = { method: 'POST', path: '/oauth2/v2.0/token', headers, body }
  for (let n = 0; n < PER_CLIENT; n++) assert.equal((await send(target.url, call)).status, 200)
  const token = await send(target.url, call)
  assertLimited(token, 'client', PER_CLIENT)
  assert.equal(jsonOf<{ error: string }>(token).error, 'temporarily_unavailable')
  const client = await target.operator.addClient({ organization, permission: 'osis' })
  const credentials = { username: client.client_id, password: client.client_secret }
  for (let n = 0; n < PER_CLIENT; n++)
    assert.equal((await post('/api/v1/auth/login', credentials, '203.0.113.8')).status, 200)
  const login = await post('/api/v1/auth/login', credentials, '203.0.113.8')
  assertLimited(login, 'client', PER_CLIENT)
  assert.equal(jsonOf<{ code: string }>(login).code, 'E_TOO_MANY_REQUESTS')
  const authorization = basic(client.client_id, client.client_secret)
  assert.equal((await osis(target, { path: '/api/v1/tenants', headers: { authorization } })).status, 200)
})

test('health, metrics, documents and discovery have no limit', async () => {
  const address = '203.0.113.4'
  await exhaust(address)
  const paths = ['/healthz', '/readyz', '/metrics', '/openapi/osis.json', '/oauth2/v2.0/keys', '/docs']
  for (const path of paths)
    for (let n = 0; n < PER_CLIENT + 2; n++) {
      const { status } = await send(target.url, { method: 'GET', path, headers: from(address) })
      assert.ok(status === 200 || status === 302, `${path}: ${status}`)
    }
})
