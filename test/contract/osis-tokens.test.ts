import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { basic, type HttpResponse, jsonOf, send } from '../../testing/http.ts'
import { waitUntil } from '../../testing/wait.ts'
import { assertBadRequest, assertOsisError, logIn, osis, type Tokens } from './object-store.ts'
import { assertTokenRefused, create, newUser } from './portal.ts'
import { startTarget, useTarget } from './target.ts'

let tokens: Tokens

const target = useTarget({}, async () => {
  tokens = await logIn(target)
})

interface BearerError {
  readonly status: number
  readonly message: string
  readonly error_code: number
  readonly timestamp: string
  readonly code: string
}

/** Asserts a 401 of bearer mode (section 3.3 of the contract). */
function assertUnauthorized(response: HttpResponse, message: string, errorCode = 1): void {
  assert.equal(response.status, 401, response.text)
  const { timestamp, ...body } = jsonOf<BearerError>(response)
  assert.deepEqual(body, { code: 'E_UNAUTHORIZED', status: 401, message, error_code: errorCode })
  assert.ok(!Number.isNaN(Date.parse(timestamp)))
  assert.match(String(response.headers['www-authenticate']), /Bearer realm=/)
}

/** Sends a call without authentication. */
function bare(path: string, body: unknown, on = target): Promise<HttpResponse> {
  return osis(on, { method: 'POST', path, body, headers: { authorization: undefined } })
}

function refresh(token: unknown, on = target): Promise<HttpResponse> {
  return bare('/api/v1/auth/token', { refresh_token: token }, on)
}

function getTenants(authorization: string, on = target): Promise<HttpResponse> {
  return osis(on, { path: '/api/v1/tenants', headers: { authorization } })
}

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
}

test('a login gives both tokens, with the claims that servers of this API use', () => {
  const { client_id } = target.init.clients.osis
  const [access, long] = [claimsOf(tokens.access), claimsOf(tokens.refresh)]
  assert.partialDeepStrictEqual(access, { sub: client_id, iss: target.url, scopes: ['ROLE_ADMIN'] })
  assert.partialDeepStrictEqual(long, { sub: client_id, iss: target.url, scopes: ['ROLE_REFRESH_TOKEN'] })
  assert.equal(Number(access.exp) - Number(access.iat), 15 * 60)
  assert.equal(Number(long.exp) - Number(long.iat), 262_800 * 60)
  assert.equal(typeof long.jti, 'string')
})

test('an access token opens what Basic opens, both at the same time', async () => {
  assert.equal((await getTenants(`Bearer ${tokens.access}`)).status, 200)
  assert.equal((await getTenants(`bearer ${tokens.access}`)).status, 200)
  const { client_id, client_secret } = target.init.clients.osis
  assert.equal((await getTenants(basic(client_id, client_secret))).status, 200)
})

test('a refresh token gives a new access token, again and again, and no refresh token', async () => {
  for (let i = 0; i < 3; i++) {
    const response = await refresh(tokens.refresh)
    assert.equal(response.status, 200, response.text)
    const body = jsonOf<{ access_token: string }>(response)
    assert.deepEqual(Object.keys(body), ['access_token'])
    assert.equal((await getTenants(`Bearer ${body.access_token}`)).status, 200)
  }
})

test('what is done with a token is recorded under its client', async () => {
  const correlation = randomUUID()
  const headers = { authorization: `Bearer ${tokens.access}`, 'x-correlation-id': correlation }
  await osis(target, { method: 'POST', path: '/api/v1/tenants', body: { name: 'Acme' }, headers })
  const [entry] = await target.operator.listAudit(correlation)
  assert.equal(entry?.caller, target.init.clients.osis.client_id)
})

test('a login is recorded, and its tokens are not', async () => {
  const correlation = randomUUID()
  const { client_id, client_secret } = target.init.clients.osis
  const response = await osis(target, {
    method: 'POST',
    path: '/api/v1/auth/login',
    body: { username: client_id, password: client_secret },
    headers: { authorization: undefined, 'x-correlation-id': correlation },
  })
  assert.equal(response.status, 200)
  const entries = await target.operator.listAudit(correlation)
  assert.partialDeepStrictEqual(entries, [{ operation: 'CreateRefreshToken', caller: client_id }])
  assert.ok(!target.log().includes('eyJ'))
})

test('a wrong name or password is refused alike', async () => {
  const { client_id, client_secret } = target.init.clients.osis
  const wrong = [
    [client_id, 'wrong'],
    [client_id, ''],
    [randomUUID(), client_secret],
    ['', ''],
    [client_secret, client_id],
  ]
  for (const [username, password] of wrong)
    assertUnauthorized(
      await bare('/api/v1/auth/login', { username, password }),
      'Invalid username or password',
    )
})

test('a login of the wrong shape is a 400', async () => {
  for (const body of [
    {},
    { username: 'x' },
    { username: 'x', password: 5 },
    { username: null, password: null },
  ])
    assertBadRequest(await bare('/api/v1/auth/login', body), 'password')
  for (const body of ['', '{', '[]'])
    assertOsisError(await bare('/api/v1/auth/login', body), 400, 'E_BAD_REQUEST')
  for (const body of [{}, { refresh_token: null }, { refresh_token: 5 }])
    assertBadRequest(await bare('/api/v1/auth/token', body), 'refresh_token')
})

test('a client without the osis scope cannot log in, and the attempt is recorded', async () => {
  const { client_id, client_secret } = target.init.clients.administrator
  const correlation = randomUUID()
  const response = await osis(target, {
    method: 'POST',
    path: '/api/v1/auth/login',
    body: { username: client_id, password: client_secret },
    headers: { authorization: undefined, 'x-correlation-id': correlation },
  })
  assertOsisError(response, 403, 'E_FORBIDDEN')
  assert.partialDeepStrictEqual(await target.operator.listAudit(correlation), [
    { operation: 'CreateRefreshToken', status: 'Failed', outcome: 'not_permitted' },
  ])
})

test('a refresh token is not an access token, and an access token refreshes nothing', async () => {
  assertUnauthorized(await getTenants(`Bearer ${tokens.refresh}`), 'Authentication failed')
  assertUnauthorized(await refresh(tokens.access), 'Authentication failed')
})

test('an expired token is told from one that was never good', async () => {
  const lasting = async (seconds: number): Promise<Tokens> => ({
    access: await target.operator.signAgain(tokens.access, seconds),
    refresh: await target.operator.signAgain(tokens.refresh, seconds),
  })
  const [good, expired] = [await lasting(60), await lasting(-1)]
  assert.equal((await getTenants(`Bearer ${good.access}`)).status, 200)
  assertUnauthorized(await getTenants(`Bearer ${expired.access}`), 'Token has expired', 2)
  assertUnauthorized(await refresh(expired.refresh), 'Token has expired', 2)
})

test('a refresh token that was not issued is refused, although its signature and its claims are right', async () => {
  const { jti } = claimsOf(tokens.refresh)
  const forged = await target.operator.signAgain(tokens.refresh, 262_800 * 60)
  assert.equal(claimsOf(forged).jti, jti)
  assertUnauthorized(await refresh(forged), 'Authentication failed')
  assert.equal((await refresh(tokens.refresh)).status, 200)
  const unknown = await target.operator.signAgain(tokens.refresh, 60, { jti: randomUUID() })
  assertUnauthorized(await refresh(unknown), 'Authentication failed')
})

test("an access token is refused if it names another client's refresh token", async () => {
  const other = await target.operator.addClient({
    organization: target.init.provider.id,
    permission: 'osis',
  })
  const { access } = await logIn(target, other)
  const forged = await target.operator.signAgain(tokens.access, 60, { sid: claimsOf(access).sid })
  assertUnauthorized(await getTenants(`Bearer ${forged}`), 'Authentication failed')
})

test('a token that is older than it may become is refused, whatever its exp says', async () => {
  const now = Math.floor(Date.now() / 1000)
  const aged = (token: string, age: number): Promise<string> =>
    target.operator.signAgain(token, 10 * 365 * 86_400, { iat: now - age })
  assert.equal((await getTenants(`Bearer ${await aged(tokens.access, 14 * 60)}`)).status, 200)
  assertUnauthorized(
    await getTenants(`Bearer ${await aged(tokens.access, 15 * 60 + 1)}`),
    'Token has expired',
    2,
  )
  const old = await aged(target.token, 3_600)
  assertTokenRefused(await create(target, newUser(), { token: old }))
  assertTokenRefused(await create(target, newUser(), { token: await aged(target.token, 5 * 365 * 86_400) }))
  const young = await create(target, newUser(), { token: await aged(target.token, 3_500) })
  assert.equal(young.status, 201)
})

test('a refresh is recorded, and its token is not', async () => {
  const correlation = randomUUID()
  const headers = { authorization: undefined, 'x-correlation-id': correlation }
  const body = { refresh_token: tokens.refresh }
  await osis(target, { method: 'POST', path: '/api/v1/auth/token', body, headers })
  const entries = await target.operator.listAudit(correlation)
  assert.partialDeepStrictEqual(entries, [
    {
      ...{ operation: 'RefreshToken', status: 'Succeeded', outcome: 'issued', address: '127.0.0.1' },
      ...{ caller: target.init.clients.osis.client_id, target: claimsOf(tokens.refresh).jti },
    },
  ])
  assert.ok(!JSON.stringify(entries).includes('eyJ'))
})

test('after 100 more logins the oldest refresh token is refused, and the newest ones work', async (t) => {
  const on = await startTarget({})
  t.after(() => on.end())
  const first = await logIn(on)
  const second = await logIn(on)
  for (let i = 0; i < 98; i++) await logIn(on)
  assert.equal((await refresh(first.refresh, on)).status, 200)
  await logIn(on)
  assertUnauthorized(await refresh(first.refresh, on), 'Authentication failed')
  assert.equal((await refresh(second.refresh, on)).status, 200)
})

test('tokens of the partner portal and of OSIS are accepted in their own API alone', async () => {
  assertUnauthorized(await getTenants(`Bearer ${target.token}`), 'Authentication failed')
  assertUnauthorized(await refresh(target.token), 'Authentication failed')
  for (const token of [tokens.access, tokens.refresh])
    assertTokenRefused(await create(target, newUser(), { token }))
})

test('an OSIS client still gets no token of the partner portal', async () => {
  const { client_id, client_secret } = target.init.clients.osis
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret })
  const response = await fetch(`${target.url}/oauth2/v2.0/token`, { method: 'POST', body })
  assert.equal(response.status, 400)
})

test('anything that is no token is refused', async () => {
  const [head, claims, signature] = tokens.access.split('.') as [string, string, string]
  const none = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')
  const other = Buffer.from(JSON.stringify({ ...claimsOf(tokens.access), sub: 'x' })).toString('base64url')
  const wrong = [
    ...['', 'x', 'a.b.c', tokens.access.slice(0, -2), `${none}.${claims}.`, `${none}.${claims}.${signature}`],
    ...[`${head}.${other}.${signature}`, `${tokens.access}x`, 'x'.repeat(9_000)],
  ]
  for (const token of wrong) {
    assertUnauthorized(await getTenants(`Bearer ${token}`), 'Authentication failed')
    assertUnauthorized(await refresh(token), 'Authentication failed')
  }
  for (const scheme of ['Token', 'XXXXXX', 'Bearer:'])
    assert.equal((await getTenants(`${scheme} ${tokens.access}`)).status, 401)
})

test('without any authentication the response names both schemes', async () => {
  const response = await send(target.url, { method: 'GET', path: '/api/v1/tenants' })
  assertOsisError(response, 401, 'E_UNAUTHORIZED')
  assert.match(String(response.headers['www-authenticate']), /^Basic realm=.*Bearer realm=/)
})

test('a revoked refresh token is refused within 5 s, with the access tokens that came from it, and no others', async () => {
  const [revoked, other] = [await logIn(target), await logIn(target)]
  const id = String(claimsOf(revoked.refresh).jti)
  const access = jsonOf<{ access_token: string }>(await refresh(revoked.refresh)).access_token
  for (const token of [revoked.access, access, other.access])
    assert.equal((await getTenants(`Bearer ${token}`)).status, 200)
  const listed = async () => (await target.operator.listRefreshTokens()).find((one) => one.id === id)
  assert.partialDeepStrictEqual(await listed(), {
    clientId: target.init.clients.osis.client_id,
    revokedAt: null,
  })
  await target.operator.revokeRefreshToken(id)
  const calls = [
    () => refresh(revoked.refresh),
    () => getTenants(`Bearer ${revoked.access}`),
    () => getTenants(`Bearer ${access}`),
  ]
  for (const call of calls) {
    assert.ok((await waitUntil(async () => (await call()).status === 401, 10_000)) < 5_000)
    assertUnauthorized(await call(), 'Authentication failed')
  }
  assert.equal((await getTenants(`Bearer ${other.access}`)).status, 200)
  assert.equal((await refresh(other.refresh)).status, 200)
  assert.notEqual((await listed())?.revokedAt, null)
  await target.operator.revokeRefreshToken(id)
  await assert.rejects(target.operator.revokeRefreshToken(randomUUID()), /no refresh token/)
})

test('removing a client revokes all its tokens within 5 s', async () => {
  const client = await target.operator.addClient({
    organization: target.init.provider.id,
    permission: 'osis',
  })
  const { access, refresh: long } = await logIn(target, client)
  assert.equal((await getTenants(`Bearer ${access}`)).status, 200)
  assert.equal((await refresh(long)).status, 200)
  await target.operator.removeClient(client.client_id)
  assert.ok(
    (await waitUntil(async () => (await getTenants(`Bearer ${access}`)).status === 401, 10_000)) < 5_000,
  )
  assert.ok((await waitUntil(async () => (await refresh(long)).status === 401, 10_000)) < 5_000)
})

test('in bearer mode alone, Basic opens nothing, and nothing is open but what has to be', async (t) => {
  const on = await startTarget({ USHER_OSIS_AUTH: 'bearer' })
  t.after(() => on.end())
  const info = jsonOf<{ auth_modes: string[] }>(await send(on.url, { method: 'GET', path: '/api/info' }))
  assert.deepEqual(info.auth_modes, ['Bearer'])
  const { client_id, client_secret } = on.init.clients.osis
  assertUnauthorized(await getTenants(basic(client_id, client_secret), on), 'Authentication failed')
  for (const path of [
    '/api/v1/tenants',
    '/api/v1/s3capabilities',
    '/api/admin-apis',
    '/api/v2',
    '/api/v1/auth/x',
  ])
    for (const method of ['GET', 'POST'])
      assertUnauthorized(await send(on.url, { method, path }), 'Authentication failed')
  const { access } = await logIn(on)
  assert.equal((await getTenants(`Bearer ${access}`, on)).status, 200)
})

test('tokens of another Usher are not accepted', async (t) => {
  const on = await startTarget({ USHER_PUBLIC_URL: target.url })
  t.after(() => on.end())
  const other = await logIn(on)
  assertUnauthorized(await getTenants(`Bearer ${other.access}`), 'Authentication failed')
  assertUnauthorized(await refresh(other.refresh), 'Authentication failed')
})
