import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { basic, type Call, type HttpResponse, jsonOf, send } from '../../testing/http.ts'
import { newOsisUser, newTenant, type OsisTenant } from './object-store.ts'
import { newUser } from './portal.ts'
import { useTarget } from './target.ts'

const KIB = 1024

let tenant: OsisTenant

const target = useTarget({}, async () => {
  tenant = await newTenant(target)
})

/** One route of each kind that takes a body: how to call it, and a body that it understands. */
interface BodyRoute {
  readonly name: string
  readonly limit: number
  call(): Call
  /** Returns what an error of the route says. */
  messageOf(response: HttpResponse): string
}

const JSON_TYPE = 'application/json'

function osisHeaders(): Record<string, string> {
  const { client_id, client_secret } = target.init.clients.osis
  return { authorization: basic(client_id, client_secret), 'content-type': JSON_TYPE }
}

function osisMessage(response: HttpResponse): string {
  const { code, message } = jsonOf<{ code: string; message: string }>(response)
  assert.equal(code, 'E_BAD_REQUEST')
  return message
}

const ROUTES: readonly BodyRoute[] = [
  {
    name: 'the create of a customer user',
    limit: 128 * KIB,
    call: () => ({
      method: 'POST',
      path: `/v1/customer/${target.init.customer.id}/users`,
      headers: {
        authorization: `Bearer ${target.token}`,
        'x-tenant': target.init.portal,
        'content-type': JSON_TYPE,
      },
      body: JSON.stringify(newUser()),
    }),
    messageOf(response) {
      const { description, errors, statusCode } = jsonOf<{
        description: string
        statusCode: number
        errors: { description: string[] }[]
      }>(response)
      assert.equal(statusCode, response.status)
      return [description, ...errors.flatMap((error) => error.description)].join(' ')
    },
  },
  {
    name: 'the create of a storage user',
    limit: 128 * KIB,
    call: () => ({
      method: 'POST',
      path: `/api/v1/tenants/${tenant.tenant_id}/users`,
      headers: osisHeaders(),
      body: JSON.stringify(newOsisUser({ cd_tenant_id: tenant.cd_tenant_ids[0] })),
    }),
    messageOf: osisMessage,
  },
  {
    name: 'the change of a tenant',
    limit: 768 * KIB,
    call: () => ({
      method: 'PATCH',
      path: `/api/v1/tenants/${tenant.tenant_id}`,
      headers: osisHeaders(),
      body: JSON.stringify({ cd_tenant_ids: tenant.cd_tenant_ids }),
    }),
    messageOf: osisMessage,
  },
  {
    name: 'the login of OSIS',
    limit: 16 * KIB,
    call: () => {
      const { client_id: username, client_secret: password } = target.init.clients.osis
      const body = JSON.stringify({ username, password })
      return { method: 'POST', path: '/api/v1/auth/login', headers: { 'content-type': JSON_TYPE }, body }
    },
    messageOf: osisMessage,
  },
  {
    name: 'the refresh of OSIS',
    limit: 16 * KIB,
    call: () => ({
      method: 'POST',
      path: '/api/v1/auth/token',
      headers: { 'content-type': JSON_TYPE },
      body: JSON.stringify({ refresh_token: 'x' }),
    }),
    messageOf: osisMessage,
  },
  {
    name: 'the token endpoint',
    limit: 16 * KIB,
    call: () => ({
      method: 'POST',
      path: '/oauth2/v2.0/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        ...target.init.clients.administrator,
      }).toString(),
    }),
    messageOf(response) {
      const { error, error_description } = jsonOf<{ error: string; error_description: string }>(response)
      assert.equal(error, 'invalid_request')
      return error_description
    },
  },
]

/** Returns a body of exactly so many bytes: blanks, or a field without a meaning, fill it up. */
function filled(call: Call, bytes: number): string {
  const body = String(call.body)
  return body.startsWith('{') ? body.padEnd(bytes) : `${body}&padding=`.padEnd(bytes, 'x')
}

for (const { name, limit, call, messageOf } of ROUTES) {
  const accepted = name.includes('refresh') ? [401] : [200, 201]

  test(`${name} takes ${limit / KIB} KiB and no byte more, and says so`, async () => {
    for (const chunked of [false, true]) {
      const right = await send(target.url, { ...call(), body: filled(call(), limit), chunked })
      assert.ok(accepted.includes(right.status), right.text)
      const large = await send(target.url, { ...call(), body: filled(call(), limit + 1), chunked })
      assert.equal(large.status, 413, large.text)
      assert.match(messageOf(large), new RegExp(`[Tt]he body is larger than ${limit / KIB} KiB`))
    }
  })

  test(`${name} refuses a coded body with 415, and names the codings that it takes`, async () => {
    for (const coding of ['gzip', 'br', 'deflate', 'identity, gzip', 'x']) {
      const { headers, body, ...rest } = call()
      const coded = coding === 'gzip' ? gzipSync(String(body)) : body
      const headersWith = { ...headers, 'content-encoding': coding }
      for (const chunked of [false, true]) {
        const response = await send(target.url, { ...rest, headers: headersWith, body: coded, chunked })
        assert.equal(response.status, 415, response.text)
        assert.equal(response.headers['accept-encoding'], 'identity')
        assert.match(messageOf(response), /without a Content-Encoding/)
      }
    }
  })

  test(`${name} takes the coding identity, and a byte-order mark`, async () => {
    for (const coding of ['identity', 'Identity', '']) {
      const headers = { ...call().headers, 'content-encoding': coding }
      const response = await send(target.url, { ...call(), headers })
      assert.ok(accepted.includes(response.status), response.text)
    }
    const response = await send(target.url, { ...call(), body: `\ufeff${call().body}` })
    assert.ok(accepted.includes(response.status), response.text)
  })

  test(`${name} refuses another media type with 415, without naming codings`, async () => {
    const headers = { ...call().headers, 'content-type': 'text/plain' }
    const response = await send(target.url, { ...call(), headers })
    assert.equal(response.status, 415, response.text)
    assert.equal(response.headers['accept-encoding'], undefined)
    assert.match(messageOf(response), /must be application/)
  })
}

const BROKEN: readonly (readonly [body: string, fault: RegExp])[] = [
  ['{"a":1,}', /is not JSON: see position 7/],
  ['nonsense', /is not JSON: see position 1/],
  ['{"name":"Ada"', /is not JSON: it ends too early, at position 13/],
  ['{"name":"Ad', /is not JSON: it ends too early, at position 11/],
  ['{"a":"\u0001"}', /is not JSON: see position 6/],
  ["{'a':1}", /is not JSON: see position 1/],
  ['\ufeff\ufeff{}', /is not JSON: see position 0/],
  ['   ', /is not JSON: it ends too early, at position 3/],
  [`${'{"a":'.repeat(5)}x`, /is not JSON: see position 25/],
]

for (const { name, call, messageOf } of ROUTES.filter((one) => one.name !== 'the token endpoint'))
  test(`${name} says where a body stops being JSON`, async () => {
    for (const [body, fault] of BROKEN) {
      const response = await send(target.url, { ...call(), body })
      assert.equal(response.status, 400, response.text)
      assert.match(messageOf(response), fault)
    }
    const response = await send(target.url, { ...call(), body: Buffer.from([0x7b, 0x22, 0xff]) })
    assert.equal(response.status, 400, response.text)
    assert.match(messageOf(response), /is not UTF-8: see byte 2/)
  })

const LARGE = ' '.repeat(KIB * KIB)
const CHUNKED = `400\r\n${' '.repeat(KIB)}\r\n`.repeat(KIB)

for (const [what, headers, body, status] of [
  ['is too large', `content-length: ${LARGE.length}`, LARGE, '413'],
  ['is too large, in chunks', 'transfer-encoding: chunked', `${CHUNKED}0\r\n\r\n`, '413'],
  ['is coded', `content-encoding: gzip\r\ncontent-length: ${LARGE.length}`, LARGE, '415'],
] as const)
  test(`what still arrives of a body that ${what} is dropped, and the connection stays usable`, async () => {
    const socket = connect(Number(new URL(target.url).port), '127.0.0.1')
    const received = text(socket)
    const type = 'host: x\r\ncontent-type: application/json'
    socket.write(`POST /api/v1/auth/login HTTP/1.1\r\n${type}\r\n${headers}\r\n\r\n${body}`)
    socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
    assert.deepEqual((await received).match(/(?<=HTTP\/1\.1 )\d+/g), [status, '200'])
  })

test('JSON that nests deeply is refused before it is parsed', async () => {
  for (const { call, messageOf, limit } of ROUTES.filter((one) => one.name !== 'the token endpoint')) {
    const levels = limit / 2 - KIB
    for (const body of ['['.repeat(levels) + ']'.repeat(levels), '{"a":'.repeat(Math.floor(limit / 6))]) {
      const response = await send(target.url, { ...call(), body })
      assert.equal(response.status, 400, response.text)
      assert.match(messageOf(response), /nests more than 100 levels deep: see position \d+/)
    }
  }
})

/** Text of as many bytes in JSON as text of its length can have: each character is escaped as two UTF-16 units. */
function escaped(codePoints: number): string {
  return '\\ud801\\udc28'.repeat(codePoints)
}

/** Escapes each character of a text that has a fixed form. */
function escapedAs(text: string): string {
  return [...text].map((one) => `\\u${(one.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`).join('')
}

test('the largest valid requests fit, even if each character is escaped', async () => {
  const name = (text: string): string => `"${escapedAs(text)}"`
  const group = `{${name('id')}:"${escapedAs(target.init.groups.Viewer)}",${name('name')}:"${escaped(255)}"}`
  const user = [
    `${name('id')}:"${escapedAs(randomUUID())}"`,
    `${name('firstName')}:"${escaped(255)}"`,
    `${name('lastName')}:"${escaped(255)}"`,
    `${name('email')}:"${escaped(245)}${escapedAs('@a.example')}"`,
    `${name('groups')}:[${Array(32).fill(group).join()}]`,
  ]
  const org = (): string => escaped(219) + escapedAs(randomUUID())
  const account = [
    `${name('username')}:"${escaped(255)}"`,
    `${name('cd_user_id')}:"${escaped(255)}"`,
    `${name('cd_tenant_id')}:"${escapedAs(tenant.cd_tenant_ids[0] ?? '')}"`,
  ]
  const orgs = Array.from({ length: 250 }, () => `"${org()}"`)
  const tenantBody = [`${name('name')}:"${escaped(255)}"`, `${name('cd_tenant_ids')}:[${orgs.join()}]`]
  const [portal, osis] = ROUTES
  for (const [call, members] of [
    [portal?.call(), user],
    [osis?.call(), account],
    [{ ...osis?.call(), path: '/api/v1/tenants' }, tenantBody],
  ] as const) {
    const response = await send(target.url, { ...(call as Call), body: `{${members.join()}}` })
    assert.equal(response.status, 201, `${response.text} for ${members.join().length} bytes`)
  }
})

test('lists that are too long for their route are refused by name', async () => {
  const groups = Array(33).fill({ id: target.init.groups.Viewer })
  const [portal, osis] = ROUTES
  const many = await send(target.url, {
    ...(portal?.call() as Call),
    body: JSON.stringify(newUser({ groups })),
  })
  assert.equal(many.status, 400, many.text)
  assert.match(many.text, /must have at most 32 items/)
  const body = JSON.stringify({
    name: 'Acme',
    cd_tenant_ids: Array.from({ length: 251 }, () => randomUUID()),
  })
  const orgs = await send(target.url, { ...(osis?.call() as Call), path: '/api/v1/tenants', body })
  assert.equal(orgs.status, 400, orgs.text)
  assert.match(orgs.text, /cd_tenant_ids must have at most 250 items/)
})

test('a body on a path without a route is not read', async () => {
  const body = '['.repeat(100_000)
  for (const path of ['/', '/x', '/healthz', '/oauth2/v2.0/keys']) {
    const response = await send(target.url, {
      method: 'POST',
      path,
      headers: { 'content-type': JSON_TYPE },
      body,
    })
    assert.equal(response.status, 404, response.text)
  }
})

test('a coded body on an unknown path of an API is a 404', async () => {
  const headers = { ...osisHeaders(), 'content-encoding': 'gzip' }
  const response = await send(target.url, { method: 'POST', path: '/api/v1/x', headers, body: '{}' })
  assert.equal(response.status, 404, response.text)
})

test('a coded request without a body, and a GET, are served', async () => {
  const headers = { ...osisHeaders(), 'content-encoding': 'gzip' }
  const get = await send(target.url, { method: 'GET', path: '/api/v1/tenants', headers })
  assert.equal(get.status, 200, get.text)
  const remove = await send(target.url, { method: 'DELETE', path: '/api/v1/tenants/none', headers })
  assert.equal(remove.status, 204, remove.text)
})

test('a caller that hangs up in the middle of a body leaves no failure in the log', async () => {
  const { path, headers = {} } = (ROUTES[0] as BodyRoute).call()
  const { hostname, port } = new URL(target.url)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  for (const length of [100, 100_000]) {
    const socket = connect(Number(port), hostname)
    await new Promise((resolve) => socket.once('connect', resolve))
    const head = `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n${lines.join('')}\r\n{"a":`
    await new Promise((resolve) => socket.write(head, resolve))
    socket.resetAndDestroy()
  }
  // A later request gets its response after the server has seen the end of the others.
  assert.equal((await send(target.url, (ROUTES[0] as BodyRoute).call())).status, 201)
  assert.ok(!target.log().includes('request failed'), target.log())
})
