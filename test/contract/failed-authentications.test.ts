import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { basic, send } from '../../testing/http.ts'
import { waitUntil } from '../../testing/wait.ts'
import { osis } from './object-store.ts'
import { create, newUser } from './portal.ts'
import { useOwnTarget } from './target.ts'

const target = useOwnTarget({ USHER_TRUSTED_PROXIES: '127.0.0.1' })

interface Line {
  readonly level: number
  readonly msg: string
  readonly address: string
  readonly reason: string
  readonly client?: string
  readonly operation?: string
  readonly correlationId?: string
}

/** Returns the warnings about an address. */
function warningsOf(address: string): Line[] {
  const lines = target.log().split('\n').filter(Boolean)
  return lines.map((line) => JSON.parse(line) as Line).filter((line) => line.address === address)
}

const SECRET = 'a-secret-in-the-wrong-field'

function post(path: string, body: object, headers: Record<string, string>): Promise<unknown> {
  const all = { 'content-type': 'application/json', ...headers }
  return send(target.url, { method: 'POST', path, headers: all, body: JSON.stringify(body) })
}

function requestToken(fields: Record<string, string>, headers: Record<string, string>): Promise<unknown> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...fields }).toString()
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  return send(target.url, {
    method: 'POST',
    path: '/oauth2/v2.0/token',
    headers: { ...type, ...headers },
    body,
  })
}

const jwt = (claims: object): string =>
  ['{"alg":"ES256"}', JSON.stringify(claims), 'x']
    .map((one) => Buffer.from(one).toString('base64url'))
    .join('.')

type Headers = Record<string, string>

/** Each way to fail, with the id that the caller gives: a client's, or a secret that was pasted there. */
const WAYS: readonly (readonly [
  name: string,
  call: (id: string, headers: Headers) => Promise<unknown>,
  RegExp,
])[] = [
  [
    'a token of the portal',
    (id, headers) => create(target, newUser(), { token: jwt({ iss: 'x', client_id: id }), headers }),
    /unknown issuer/,
  ],
  [
    'Basic of OSIS',
    (id, headers) =>
      osis(target, { path: '/api/v1/tenants', headers: { ...headers, authorization: basic(id, SECRET) } }),
    /client id or secret is wrong/,
  ],
  [
    'a token of OSIS',
    (id, headers) =>
      osis(target, {
        path: '/api/v1/tenants',
        headers: { ...headers, authorization: `Bearer ${jwt({ sub: id })}` },
      }),
    /unknown issuer/,
  ],
  [
    'a login of OSIS',
    (id, headers) => post('/api/v1/auth/login', { username: id, password: SECRET }, headers),
    /client id or secret is wrong/,
  ],
  [
    'a refresh of OSIS',
    (id, headers) => post('/api/v1/auth/token', { refresh_token: jwt({ sub: id }) }, headers),
    /unknown issuer/,
  ],
  [
    'a form at the token endpoint',
    (id, headers) => requestToken({ client_id: id, client_secret: SECRET }, headers),
    /client id or secret is wrong/,
  ],
  [
    'Basic at the token endpoint',
    (id, headers) => requestToken({}, { ...headers, authorization: basic(id, SECRET) }),
    /client id or secret is wrong/,
  ],
]

for (const [i, [name, call, reason]] of WAYS.entries())
  test(`${name} that fails leaves one warning, with the client's id if it is one`, async () => {
    const address = `192.0.2.${i + 1}`
    const [correlation, id] = [randomUUID(), randomUUID()]
    const headers = { 'x-forwarded-for': address, 'x-correlation-id': correlation }
    await call(id, headers)
    const [line, ...others] = warningsOf(address)
    assert.equal(line?.msg, 'authentication failed')
    assert.equal(line?.level, 40)
    assert.match(line?.reason ?? '', reason)
    assert.equal(line?.client, id)
    assert.deepEqual(others, [])
    await call(SECRET, headers)
    const [, second] = warningsOf(address)
    assert.equal(second?.msg, 'authentication failed')
    assert.equal(second?.client, undefined)
    assert.ok(!target.log().includes(SECRET))
  })

test('a request without credentials leaves a warning too', async () => {
  const address = '192.0.2.100'
  await create(target, newUser(), { headers: { authorization: undefined, 'x-forwarded-for': address } })
  assert.match(warningsOf(address)[0]?.reason ?? '', /bearer token is required/)
})

test('an authenticated refusal, and a success, leave no warning', async () => {
  const address = '192.0.2.101'
  const headers = { 'x-forwarded-for': address }
  await create(target, newUser(), { headers })
  await create(target, newUser(), { headers: { ...headers, 'x-tenant': 'unknown.example' } })
  assert.deepEqual(warningsOf(address), [])
})

test('a flood from one address leaves a few lines, and does not hide another address', async () => {
  const flood = { 'x-forwarded-for': '198.51.100.1' }
  for (let n = 0; n < 250; n++) await create(target, newUser(), { token: 'x', headers: flood })
  const lines = warningsOf('198.51.100.1').length
  assert.ok(lines >= 1 && lines <= 20, `${lines} lines`)
  await create(target, newUser(), { token: 'x', headers: { 'x-forwarded-for': '198.51.100.2' } })
  await waitUntil(async () => warningsOf('198.51.100.2').length === 1, 5_000)
})
