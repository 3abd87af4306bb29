import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { base64url, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { send } from '../../testing/http.ts'
import { getToken } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'
import { EXTERNAL_CLIENT, startIssuer } from './external-issuer.ts'
import {
  assertInvalid,
  assertNoBody,
  assertTokenRefused,
  create,
  errorOf,
  idOf,
  newUser,
  without,
} from './portal.ts'
import { newToken, useTarget } from './target.ts'

const PORTAL_A = 'portal.reseller-a.example'
const PORTAL_B = 'portal.reseller-b.example'

const DEAD = { issuer: 'https://dead.example.com', jwksUrl: 'http://127.0.0.1:9/keys', audience: 'dead' }

const issuer = await startIssuer()
/** Reseller A is that of the example, B another one. Each has a customer. */
const fixture = { resellerB: '', customerB: '', tokenA: '', tokenB: '', viewer: '', customerClient: '' }

const target = useTarget(
  { USHER_ISSUERS: JSON.stringify([...JSON.parse(issuer.setting), DEAD]) },
  async () => {
    const { provider, reseller, customer } = target.init
    await target.operator.addPortal(PORTAL_A, reseller.id)
    fixture.resellerB = await target.operator.addReseller(PORTAL_B)
    fixture.customerB = await target.operator.addCustomer(fixture.resellerB)
    fixture.tokenA = await newToken(target, reseller.id)
    fixture.tokenB = await newToken(target, fixture.resellerB)
    fixture.viewer = await newToken(target, provider.id, 'viewer')
    fixture.customerClient = await newToken(target, customer.id)
    await addExternal('administrator', EXTERNAL_CLIENT)
    await addExternal('osis', 'the-object-store')
  },
)

after(() => issuer.end())

function addExternal(permission: 'administrator' | 'osis', id: string): Promise<unknown> {
  const organization = target.init.provider.id
  return target.operator.addClient({ organization, permission, external: { issuer: issuer.issuer, id } })
}

/** Sends a create that is right except for its token. */
function createWith(token: string): ReturnType<typeof create> {
  return create(target, newUser(), { token })
}

test('a call without a token gets a 401 with a bare challenge', async () => {
  const response = await create(target, newUser(), { headers: { authorization: undefined } })
  assertNoBody(response, 401)
  assert.doesNotMatch(String(response.headers['www-authenticate']), /error=/)
})

test('a 401 carries a correlation id too', async () => {
  const correlation = randomUUID()
  const response = await create(target, newUser(), {
    headers: { authorization: undefined, 'x-correlation-id': correlation },
  })
  assertNoBody(response, 401)
  assert.equal(response.headers['x-correlation-id'], correlation)
})

test('anything but a bearer token in Authorization is refused', async () => {
  const { client_id, client_secret } = target.init.clients.administrator
  const basic = Buffer.from(`${client_id}:${client_secret}`).toString('base64')
  for (const authorization of [
    `Basic ${basic}`,
    'Bearer',
    'Bearer ',
    'Bearer a b',
    target.token,
    'Bearer x',
  ]) {
    assertNoBody(await create(target, newUser(), { headers: { authorization } }), 401)
  }
})

test('the word Bearer is taken in any case', async () => {
  idOf(await create(target, newUser(), { headers: { authorization: `bearer ${target.token}` } }))
})

test('a token of an external issuer stands for the client that was added for it', async () => {
  idOf(await createWith(await issuer.sign()))
})

test('an external issuer may say JWT, or nothing, for the type of its access tokens', async () => {
  idOf(await createWith(await issuer.sign({}, { header: { typ: 'JWT' } })))
  idOf(await createWith(await issuer.sign({}, { header: { typ: undefined } })))
})

test('a token of another type than an access token is refused', async () => {
  for (const typ of ['logout+jwt', 'dpop+jwt', 'secevent+jwt'])
    assertTokenRefused(await createWith(await issuer.sign({}, { header: { typ } })))
})

test('an expired token is refused', async () => {
  const exp = Math.floor(Date.now() / 1000) - 60
  assertTokenRefused(await createWith(await issuer.sign({ exp })))
})

test('a token that was accepted is refused once it has expired', async () => {
  const token = await issuer.sign({ exp: Math.floor(Date.now() / 1000) + 2 })
  idOf(await createWith(token))
  await waitUntil(async () => (await createWith(token)).status === 401, 10_000)
  assertTokenRefused(await createWith(token))
})

test('a token of a person who signed in through the client does not count as the client', async () => {
  assertTokenRefused(await createWith(await issuer.sign({ scp: 'user_impersonation' })))
  assertTokenRefused(await createWith(await issuer.sign({ idtyp: 'user' })))
  idOf(await createWith(await issuer.sign({ idtyp: 'app' })))
})

test('a token without an expiry is refused', async () => {
  assertTokenRefused(await createWith(await issuer.sign({ exp: undefined })))
})

test('a token that is not valid yet is refused', async () => {
  const nbf = Math.floor(Date.now() / 1000) + 300
  assertTokenRefused(await createWith(await issuer.sign({ nbf })))
})

test('a token for another audience, or for none, is refused', async () => {
  assertTokenRefused(await createWith(await issuer.sign({ aud: 'api://somebody-else' })))
  assertTokenRefused(await createWith(await issuer.sign({ aud: undefined })))
})

test('a token of an unknown issuer, or of none, is refused', async () => {
  assertTokenRefused(await createWith(await issuer.sign({ iss: 'https://evil.example.com' })))
  assertTokenRefused(await createWith(await issuer.sign({ iss: undefined })))
})

test('a token for an unknown client is refused', async () => {
  assertTokenRefused(await createWith(await issuer.sign({ azp: 'somebody-else' })))
  assertTokenRefused(await createWith(await issuer.sign({ azp: undefined })))
})

test('a token with alg none is refused', async () => {
  const payload = (await issuer.sign()).split('.')[1] ?? ''
  for (const alg of ['none', 'None', 'NONE']) {
    const header = base64url.encode(JSON.stringify({ alg, typ: 'at+jwt' }))
    for (const signature of ['', 'AAAA'])
      assertTokenRefused(await createWith(`${header}.${payload}.${signature}`))
  }
})

test('a token signed with HS256 and the public key as the secret is refused', async () => {
  const key = new TextEncoder().encode(issuer.publicPem)
  assertTokenRefused(await createWith(await issuer.sign({}, { header: { alg: 'HS256' }, key })))
})

test('a token that brings its own key is refused', async () => {
  const { publicKey, privateKey: key } = await generateKeyPair('RS256', { extractable: true })
  const jwk = await exportJWK(publicKey)
  for (const header of [{ jwk }, { jku: 'https://evil.example.com/keys' }, {}])
    assertTokenRefused(await createWith(await issuer.sign({}, { header, key })))
})

test('a token whose signature or payload was changed is refused', async () => {
  const [header, payload, signature] = (await issuer.sign()).split('.')
  const claims = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString())
  const forged = base64url.encode(JSON.stringify({ ...claims, azp: 'another' }))
  assertTokenRefused(await createWith(`${header}.${forged}.${signature}`))
  assertTokenRefused(await createWith(`${header}.${payload}.${base64url.encode(Buffer.alloc(256))}`))
})

test("a token in Usher's own name that Usher did not sign is refused", async () => {
  const { keys } = (await (await fetch(`${target.url}/oauth2/v2.0/keys`)).json()) as {
    keys: { kid: string }[]
  }
  const { privateKey } = await generateKeyPair('ES256')
  const forged = await new SignJWT({ client_id: target.init.clients.administrator.client_id })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: keys[0]?.kid ?? '' })
    .setIssuer(target.url)
    .setAudience(target.url)
    .setSubject(target.init.clients.administrator.client_id)
    .setExpirationTime('1h')
    .sign(privateKey)
  assertTokenRefused(await createWith(forged))
})

test("a token whose issuer's keys cannot be fetched is neither accepted nor refused: 503", async () => {
  const token = await issuer.sign({ iss: 'https://dead.example.com', aud: 'dead' })
  errorOf(await createWith(token), 503, 'Unavailable')
})

test('an outage of an issuer is one line of the log, and not one for each request', async () => {
  const token = await issuer.sign({ iss: 'https://dead.example.com', aud: 'dead' })
  const before = target.log().length
  for (let i = 0; i < 20; i++) errorOf(await createWith(token), 503, 'Unavailable')
  const lines = target
    .log()
    .slice(before)
    .split('\n')
    .filter((line) => /"level":(40|50)/.test(line))
  assert.ok(lines.length <= 1, lines.join('\n'))
  assert.match(target.log(), /"issuer":"https:\/\/dead\.example\.com".*cannot be fetched/)
})

test('a revoked client is refused within 5 s, its cached token included', async () => {
  const client = await target.operator.addClient({
    organization: target.init.provider.id,
    permission: 'administrator',
  })
  const token = await getToken(target.url, client)
  idOf(await createWith(token))
  await target.operator.removeClient(client.client_id)
  const took = await waitUntil(async () => (await createWith(token)).status === 401, 10_000)
  assert.ok(took < 5_000, `it took ${took} ms`)
  assertTokenRefused(await createWith(token))
})

test('a viewer may not create', async () => {
  assertNoBody(await createWith(fixture.viewer), 403)
})

test('a client with the osis scope may not create portal users', async () => {
  assertNoBody(await createWith(await issuer.sign({ azp: 'the-object-store' })), 403)
})

test('an unknown portal is forbidden', async () => {
  for (const portal of ['nowhere.example', 'not a domain', '*', 'localhost, localhost'])
    assertNoBody(await create(target, newUser(), { headers: { 'x-tenant': portal } }), 403)
})

test('X-Tenant is compared without regard to case', async () => {
  idOf(await create(target, newUser(), { headers: { 'x-tenant': target.init.portal.toUpperCase() } }))
})

test('a missing or empty X-Tenant is reported together with everything else that is wrong', async () => {
  const body = without(newUser({ lastName: 5 }), 'firstName')
  for (const tenant of [undefined, '']) {
    const response = await create(target, body, { customer: 'nobody', headers: { 'x-tenant': tenant } })
    assertInvalid(response, ['X-Tenant', 'customerId', 'firstName', 'lastName'])
  }
})

test('a reseller enters through its own portal, and through no other', async () => {
  const token = fixture.tokenA
  idOf(await create(target, newUser(), { token, headers: { 'x-tenant': PORTAL_A } }))
  assertNoBody(await create(target, newUser(), { token, headers: { 'x-tenant': PORTAL_B } }), 403)
  assertNoBody(await create(target, newUser(), { token }), 403)
})

test("a customer's own client creates in its own customer and sees no other", async () => {
  const token = fixture.customerClient
  idOf(await create(target, newUser(), { token }))
  errorOf(await create(target, newUser(), { token, customer: fixture.customerB }), 404, 'NotFound')
  assertNoBody(await create(target, newUser(), { token, headers: { 'x-tenant': PORTAL_B } }), 403)
})

test("a reseller's portal narrows a provider's token to that reseller", async () => {
  const headers = { 'x-tenant': PORTAL_B }
  errorOf(await create(target, newUser(), { headers }), 404, 'NotFound')
  idOf(await create(target, newUser(), { headers, customer: fixture.customerB }))
  const foreign = `?resellerId=${target.init.reseller.id}`
  assertNoBody(await create(target, newUser(), { headers, customer: fixture.customerB, query: foreign }), 403)
})

test('a reseller sees its own customers only', async () => {
  const response = await create(target, newUser(), {
    token: fixture.tokenB,
    headers: { 'x-tenant': PORTAL_B },
  })
  errorOf(response, 404, 'NotFound')
})

test("a reseller's own id is implied", async () => {
  const call = { token: fixture.tokenA, headers: { 'x-tenant': PORTAL_A } }
  const user = newUser()
  const id = idOf(await create(target, user, call))
  const named = await create(target, user, { ...call, query: `?resellerId=${target.init.reseller.id}` })
  assert.equal(idOf(named, 200), id)
})

test("a reseller may not name another reseller's id", async () => {
  const query = `?resellerId=${fixture.resellerB}`
  const call = { token: fixture.tokenA, headers: { 'x-tenant': PORTAL_A }, query }
  assertNoBody(await create(target, newUser(), call), 403)
})

test('a provider may name a reseller of the customer, and no reseller without a relation', async () => {
  idOf(await create(target, newUser(), { query: `?resellerId=${target.init.reseller.id}` }))
  assertNoBody(await create(target, newUser(), { query: `?resellerId=${fixture.resellerB}` }), 403)
})

test('an unknown reseller is not found, a customer in its place neither', async () => {
  for (const id of [randomUUID(), target.init.customer.id, target.init.provider.id])
    errorOf(await create(target, newUser(), { query: `?resellerId=${id}` }), 404, 'NotFound')
})

test('an organization of another kind is not found as a customer', async () => {
  for (const customer of [target.init.reseller.id, target.init.provider.id])
    errorOf(await create(target, newUser(), { customer }), 404, 'NotFound')
})

test('an unknown and a foreign customer get the same response', async () => {
  const call = { token: fixture.tokenA, headers: { 'x-tenant': PORTAL_A } }
  const bodies = []
  for (const customer of [randomUUID(), fixture.customerB]) {
    const response = await create(target, newUser(), { ...call, customer })
    const { correlationId, ...body } = errorOf(response, 404, 'NotFound')
    const text = JSON.stringify(body).replaceAll(customer, 'ID')
    bodies.push({ text, headers: Object.keys(response.headers).sort(), length: response.text.length })
    assert.equal(correlationId.length, 36)
  }
  assert.deepEqual(bodies[0], bodies[1])
})

test('401 comes before everything else', async () => {
  const headers = { authorization: 'Bearer x', 'x-tenant': 'nowhere.example', 'content-type': 'text/plain' }
  assertTokenRefused(await create(target, '{', { customer: 'nobody', headers }))
})

test('403 comes before 400, 404, 413 and 415', async () => {
  const wrong = [{ token: fixture.viewer, headers: {} }, { headers: { 'x-tenant': 'nowhere.example' } }]
  for (const { headers, ...call } of wrong) {
    assertNoBody(await create(target, newUser({ email: 5 }), { ...call, headers }), 403)
    assertNoBody(await create(target, '{', { ...call, headers }), 403)
    assertNoBody(await create(target, newUser(), { ...call, headers, customer: randomUUID() }), 403)
    const text = { ...headers, 'content-type': 'text/plain' }
    assertNoBody(await create(target, 'hello', { ...call, headers: text }), 403)
  }
})

test('a viewer without X-Tenant is forbidden', async () => {
  const call = { token: fixture.viewer, headers: { 'x-tenant': undefined } }
  assertNoBody(await create(target, newUser(), call), 403)
})

test('400 comes before 404, and 404 before conflicts', async () => {
  const user = newUser()
  idOf(await create(target, user))
  const unknown = randomUUID()
  assertInvalid(await create(target, newUser({ email: 5 }), { customer: unknown }), ['email'])
  const conflicting = { ...user, firstName: 'Grace' }
  errorOf(await create(target, conflicting, { customer: unknown }), 404, 'NotFound')
  assertInvalid(await create(target, conflicting), ['email'], 'Conflict')
})

test('an unknown path below /v1 is a 404 in the documented model, after authentication', async () => {
  const headers = { 'x-tenant': target.init.portal }
  const call = { method: 'GET', path: '/v1/nothing-here' }
  assertNoBody(await send(target.url, { ...call, headers }), 401)
  const authorization = `Bearer ${target.token}`
  errorOf(await send(target.url, { ...call, headers: { ...headers, authorization } }), 404, 'NotFound')
})
