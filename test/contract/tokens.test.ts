import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { basic, type HttpResponse, jsonOf, send } from '../../testing/http.ts'
import { waitUntil } from '../../testing/wait.ts'
import {
  createdOf,
  createTenant,
  createUser,
  listCredentials,
  newOsisUser,
  type OsisUser,
} from './object-store.ts'
import { create, idOf, newUser } from './portal.ts'
import { useTarget } from './target.ts'

const target = useTarget({ USHER_LOG_LEVEL: 'trace' })

type Form = Readonly<Record<string, string>>

function requestToken(form: Form | string, headers: Form = {}): Promise<HttpResponse> {
  return send(target.url, {
    method: 'POST',
    path: '/oauth2/v2.0/token',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: typeof form === 'string' ? form : new URLSearchParams({ ...form }).toString(),
  })
}

/** Returns a right token request, with the given fields in place of its own. */
function formOf(fields: Form = {}): Form {
  const client = target.init.clients.administrator
  return { grant_type: 'client_credentials', scope: 'api://usher/.default', ...client, ...fields }
}

interface TokenBody {
  readonly token_type: string
  readonly expires_in: number
  readonly ext_expires_in: number
  readonly access_token: string
}

function tokenOf(response: HttpResponse): string {
  assert.equal(response.status, 200, response.text)
  assert.equal(response.headers['cache-control'], 'no-store')
  assert.equal(response.headers.pragma, 'no-cache')
  const { access_token, ...rest } = jsonOf<TokenBody>(response)
  assert.deepEqual(rest, { token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599 })
  return access_token
}

/** Asserts an error by RFC 6749 section 5.2. */
function assertTokenError(response: HttpResponse, status: number, error: string): void {
  assert.equal(response.status, status, response.text)
  const body = jsonOf<Record<string, string>>(response)
  assert.equal(body.error, error)
  assert.equal(response.headers['cache-control'], 'no-store')
  assert.equal(response.headers.pragma, 'no-cache')
  assert.equal(response.headers['www-authenticate'] !== undefined, status === 401)
  // The characters that RFC 6749 allows in a description.
  assert.match(body.error_description ?? '', /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
  assert.ok(!('access_token' in body))
}

test('a client gets a token by form, and the token works', async () => {
  const token = tokenOf(await requestToken(formOf()))
  idOf(await create(target, newUser(), { token }))
})

test('a client gets a token by Basic, and the token works', async () => {
  const { client_id, client_secret } = target.init.clients.administrator
  const form = { grant_type: 'client_credentials', scope: 'api://x/.default' }
  const response = await requestToken(form, { authorization: basic(client_id, client_secret) })
  idOf(await create(target, newUser(), { token: tokenOf(response) }))
})

test('the id and the secret in Basic may be form-encoded, every character of them', async () => {
  const { client_id, client_secret } = target.init.clients.administrator
  const encode = (text: string): string =>
    [...text].map((one) => `%${one.charCodeAt(0).toString(16)}`).join('')
  const authorization = basic(encode(client_id), encode(client_secret))
  tokenOf(await requestToken({ grant_type: 'client_credentials' }, { authorization }))
})

/** Ways to authenticate with the libraries below. */
const WAYS = ['client_secret_basic', 'client_secret_post'] as const
/** What the libraries make of a wrong secret: a challenge is in the response to Basic only. */
const REFUSED = {
  client_secret_basic: 'WWWAuthenticateChallengeError',
  client_secret_post: 'ResponseBodyError',
}

for (const way of WAYS) {
  test(`openid-client gets a token with ${way}`, async () => {
    const { client_id, client_secret } = target.init.clients.administrator
    const wayOf = {
      client_secret_basic: openid.ClientSecretBasic,
      client_secret_post: openid.ClientSecretPost,
    }
    const discover = (secret: string): Promise<openid.Configuration> =>
      openid.discovery(new URL(target.url), client_id, undefined, wayOf[way](secret), {
        execute: [openid.allowInsecureRequests],
      })
    const config = await discover(client_secret)
    const { access_token: token } = await openid.clientCredentialsGrant(config, {
      scope: 'api://usher/.default',
    })
    idOf(await create(target, newUser(), { token }))
    const wrong = await discover('a+b c%d')
    await assert.rejects(openid.clientCredentialsGrant(wrong), { name: REFUSED[way] })
  })

  test(`oauth4webapi gets a token with ${way}`, async () => {
    const { client_id, client_secret } = target.init.clients.administrator
    const wayOf = { client_secret_basic: oauth.ClientSecretBasic, client_secret_post: oauth.ClientSecretPost }
    const insecure = { [oauth.allowInsecureRequests]: true }
    const issuer = new URL(target.url)
    const discovered = await oauth.discoveryRequest(issuer, { ...insecure, algorithm: 'oauth2' })
    const server = await oauth.processDiscoveryResponse(issuer, discovered)
    const request = async (secret: string): Promise<oauth.TokenEndpointResponse> => {
      const form = new URLSearchParams({ scope: 'api://usher/.default' })
      const client = { client_id }
      const response = await oauth.clientCredentialsGrantRequest(
        server,
        client,
        wayOf[way](secret),
        form,
        insecure,
      )
      return oauth.processClientCredentialsResponse(server, client, response)
    }
    const { access_token: token } = await request(client_secret)
    idOf(await create(target, newUser(), { token }))
    await assert.rejects(request('a+b c%d'), { name: REFUSED[way] })
  })
}

test('scope may be left out, and unknown fields are ignored', async () => {
  const { scope, ...form } = formOf({ resource: 'x', client_info: '1' })
  assert.ok(scope)
  tokenOf(await requestToken(form))
})

test('a charset in the content type of a token request does no harm', async () => {
  const type = 'application/x-www-form-urlencoded; charset=UTF-8'
  tokenOf(await requestToken(formOf(), { 'content-type': type }))
})

test('invalid_request: no grant_type, an empty one, a field given twice, two authentications', async () => {
  const { client_id, client_secret } = target.init.clients.administrator
  const { grant_type, ...rest } = formOf()
  assert.ok(grant_type)
  assertTokenError(await requestToken(rest), 400, 'invalid_request')
  assertTokenError(await requestToken(formOf({ grant_type: '' })), 400, 'invalid_request')
  assertTokenError(await requestToken(''), 400, 'invalid_request')
  const text = new URLSearchParams({ ...formOf() }).toString()
  for (const field of ['grant_type=client_credentials', `client_id=${client_id}`, 'scope=x'])
    assertTokenError(await requestToken(`${text}&${field}`), 400, 'invalid_request')
  const authorization = basic(client_id, client_secret)
  assertTokenError(await requestToken(formOf(), { authorization }), 400, 'invalid_request')
})

test('invalid_request: a form that goes with Basic adds no secret, and names no other client', async () => {
  const { client_id, client_secret } = target.init.clients.administrator
  const authorization = basic(client_id, client_secret)
  const named = { grant_type: 'client_credentials', client_id: client_id.toUpperCase() }
  tokenOf(await requestToken(named, { authorization }))
  const other = { ...named, client_id: target.init.clients.osis.client_id }
  assertTokenError(await requestToken(other, { authorization }), 400, 'invalid_request')
  // A header that cannot be read is an attempt to authenticate too.
  for (const broken of [basic(client_id, '%zz'), 'Basic !', 'basic'])
    assertTokenError(await requestToken(formOf(), { authorization: broken }), 400, 'invalid_request')
})

test('the description of an error has only the characters that RFC 6749 allows', async () => {
  for (const name of ['"', '\\', 'é', '\n', 'x'.repeat(300)]) {
    const twice = `${encodeURIComponent(name)}=1`
    const response = await requestToken(`${twice}&${twice}`)
    assertTokenError(response, 400, 'invalid_request')
    assert.ok(response.text.length < 200, response.text)
  }
})

test('invalid_client: a wrong secret, an unknown client and none are refused alike', async () => {
  const { client_secret } = target.init.clients.administrator
  for (const wrong of [
    { client_secret: 'x' },
    { client_id: randomUUID() },
    { client_id: '', client_secret: '' },
  ])
    assertTokenError(await requestToken(formOf(wrong)), 400, 'invalid_client')
  const swapped = { client_id: target.init.clients.osis.client_id, client_secret }
  assertTokenError(await requestToken(formOf(swapped)), 400, 'invalid_client')
})

test('invalid_client: a caller that uses Basic gets a Basic challenge', async () => {
  const { client_id } = target.init.clients.administrator
  for (const authorization of [basic(client_id, 'x'), basic('x', 'y'), basic('%', '%zz'), 'Basic !']) {
    const response = await requestToken({ grant_type: 'client_credentials' }, { authorization })
    assertTokenError(response, 401, 'invalid_client')
    assert.match(String(response.headers['www-authenticate']), /^Basic realm=/)
  }
})

test('invalid_client: a revoked client gets no token after 5 s at most', async () => {
  const client = await target.operator.addClient({
    organization: target.init.provider.id,
    permission: 'viewer',
  })
  tokenOf(await requestToken(formOf(client)))
  await target.operator.removeClient(client.client_id)
  const isRefused = async () => (await requestToken(formOf(client))).status === 400
  assert.ok((await waitUntil(isRefused, 10_000)) < 5_000)
})

test('unsupported_grant_type: a grant that Usher does not offer is refused', async () => {
  for (const grant_type of ['password', 'authorization_code', 'CLIENT_CREDENTIALS'])
    assertTokenError(await requestToken(formOf({ grant_type })), 400, 'unsupported_grant_type')
})

test('invalid_scope: a scope that does not end in /.default is refused', async () => {
  for (const scope of ['openid', 'api://usher/read', '.default'])
    assertTokenError(await requestToken(formOf({ scope })), 400, 'invalid_scope')
})

test('unauthorized_client: an OSIS client speaks Basic and gets no token', async () => {
  assertTokenError(await requestToken(formOf(target.init.clients.osis)), 400, 'unauthorized_client')
})

test('a body that is no form is refused', async () => {
  for (const type of ['application/json', 'text/plain']) {
    const response = await requestToken(JSON.stringify(formOf()), { 'content-type': type })
    assert.ok([400, 415].includes(response.status))
    assertTokenError(response, response.status, 'invalid_request')
  }
})

test('a body that is too large, or no UTF-8, is refused and not 5xx', async () => {
  const large = await requestToken(formOf({ padding: 'x'.repeat(1024 * 1024) }))
  assertTokenError(large, 413, 'invalid_request')
  for (const text of ['%', '%ff%fe', 'grant_type=%00&client_id=%ff', '&&==&', '__proto__=x&constructor=y'])
    assert.equal((await requestToken(text)).status, 400)
})

test('the token is an access token by RFC 9068 that the key set verifies', async () => {
  const token = tokenOf(await requestToken(formOf()))
  const keys = createRemoteJWKSet(new URL(`${target.url}/oauth2/v2.0/keys`))
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    issuer: target.url,
    typ: 'at+jwt',
    requiredClaims: ['aud', 'sub', 'client_id', 'iat', 'exp', 'jti'],
  })
  const { client_id } = target.init.clients.administrator
  assert.equal(payload.sub, client_id)
  assert.equal(payload.client_id, client_id)
  assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 3599)
  assert.match(protectedHeader.alg, /^(RS|PS|ES|Ed)/)
  assert.notEqual(protectedHeader.kid, undefined)
})

test('two tokens are never the same', async () => {
  const one = tokenOf(await requestToken(formOf()))
  assert.notEqual(tokenOf(await requestToken(formOf())), one)
})

test('the key set holds public keys only', async () => {
  const response = await send(target.url, { method: 'GET', path: '/oauth2/v2.0/keys' })
  assert.equal(response.status, 200)
  const { keys } = jsonOf<{ keys: Record<string, unknown>[] }>(response)
  assert.ok(keys.length > 0)
  for (const key of keys) {
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) assert.ok(!(secret in key))
    for (const member of ['kty', 'kid', 'alg', 'use']) assert.equal(typeof key[member], 'string')
  }
})

test('both discovery documents say where the token endpoint and the keys are', async () => {
  for (const name of ['oauth-authorization-server', 'openid-configuration']) {
    const response = await send(target.url, { method: 'GET', path: `/.well-known/${name}` })
    assert.equal(response.status, 200)
    const found = jsonOf<Record<string, unknown>>(response)
    assert.equal(found.issuer, target.url)
    assert.equal(found.token_endpoint, `${target.url}/oauth2/v2.0/token`)
    assert.equal(found.jwks_uri, `${target.url}/oauth2/v2.0/keys`)
    assert.deepEqual(found.grant_types_supported, ['client_credentials'])
    const methods = ['client_secret_post', 'client_secret_basic']
    assert.deepEqual(found.token_endpoint_auth_methods_supported, methods)
  }
})

test('no secret, token, body or personal data is in the log, even at its finest level', async () => {
  const { administrator, osis } = target.init.clients
  const token = tokenOf(await requestToken(formOf()))
  await requestToken(formOf({ client_secret: 'a-wrong-secret' }))
  const user = newUser({ firstName: 'Hypatia' })
  idOf(await create(target, user, { token }))
  await create(target, { ...user, lastName: 'Xenakis' }, { token })
  await create(target, '{"firstName":"Hypatia"', { token })
  const response = await createTenant(target, { name: 'Acme' })
  const { tenant_id } = createdOf<{ tenant_id: string }>(response)
  const account = createdOf<OsisUser>(await createUser(target, tenant_id, newOsisUser()))
  const [credential] = (await listCredentials(target, account)).items
  const secrets = [administrator.client_secret, osis.client_secret, 'a-wrong-secret', token]
  const basics = [basic(osis.client_id, osis.client_secret).slice(6)]
  const people = ['Hypatia', 'Xenakis', String(user.email), String(account.email)]
  await waitUntil(async () => target.log().includes('s3credentials'), 5_000)
  for (const text of [
    ...secrets,
    ...basics,
    ...people,
    credential?.secret_key ?? assert.fail('no credential'),
  ])
    assert.ok(!target.log().includes(text), `the log holds ${text}`)
})
