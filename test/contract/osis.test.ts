import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { basic, jsonOf, send } from '../../testing/http.ts'
import { waitUntil } from '../../testing/wait.ts'
import {
  assertOsisError,
  createdOf,
  createUser,
  listCredentials,
  logIn,
  newOsisUser,
  newTenant,
  type OsisUser,
  osis,
} from './object-store.ts'
import { getDocument } from './openapi.ts'
import { startTarget, useTarget } from './target.ts'

const target = useTarget()

interface Information {
  readonly [member: string]: unknown
  readonly not_implemented: readonly string[]
  readonly logo_uri: string
}

async function getInfo(): Promise<Information> {
  const response = await send(target.url, { method: 'GET', path: '/api/info' })
  assert.equal(response.status, 200)
  return jsonOf<Information>(response)
}

test('the information is open to everybody and complete', async () => {
  const { not_implemented, logo_uri, ...info } = await getInfo()
  for (const member of ['platform_name', 'platform_version']) assert.ok(String(info[member]).length > 0)
  assert.partialDeepStrictEqual(info, {
    api_version: '1.0.0',
    status: 'NORMAL',
    auth_modes: ['Basic', 'Bearer'],
    iam: false,
    tenant_s3_domain_enabled: false,
  })
  for (const member of ['regions', 'storage_classes']) assert.ok(Array.isArray(info[member]))
  assert.equal(typeof info.services, 'object')
  assert.ok(not_implemented.every((id) => typeof id === 'string'))
  assert.ok(URL.canParse(logo_uri))
})

test('a base URL with a slash at its end gets an OsisError that says so', async () => {
  for (const [method, path] of [
    ['GET', '//api/info'],
    ['POST', '//api/v1/auth/login'],
    ['GET', '//api/v1/tenants?limit=1'],
  ] as const) {
    const response = await send(target.url, { method, path })
    assert.match(assertOsisError(response, 404, 'E_NOT_FOUND'), /must not end with a slash/)
    assert.ok(response.headers['x-correlation-id'])
  }
  const portal = await send(target.url, { method: 'GET', path: '//v1/customer/x/users' })
  assert.equal(portal.status, 404)
  assert.partialDeepStrictEqual(jsonOf(portal), { type: 'NotFound', statusCode: 404 })
})

test('a logo can be fetched without authentication', async () => {
  const response = await fetch((await getInfo()).logo_uri)
  assert.equal(response.status, 200)
  assert.match(String(response.headers.get('content-type')), /^image\//)
})

test('logo_uri does not follow the Host header', async () => {
  const headers = { host: 'evil.example.com' }
  const response = await send(target.url, { method: 'GET', path: '/api/info', headers })
  assert.doesNotMatch(response.text, /evil/)
})

/** The operations whose success is not 200. */
const SUCCESS: Readonly<Record<string, number>> = {
  createTenant: 201,
  createUser: 201,
  createCredential: 201,
  deleteTenant: 204,
  deleteUser: 204,
  deleteCredential: 204,
}

/** Section 4 of the contract. T, U, CANONICAL and AKIA stand for a tenant, its user, the user's canonical id and key. */
const OPERATIONS: readonly (readonly [id: string, method: string, path: string, body?: string])[] = [
  ['getInfo', 'GET', '/api/info'],
  ['refreshToken', 'POST', '/api/v1/auth/token', '{"refresh_token":"REFRESH"}'],
  ['getS3Capabilities', 'GET', '/api/v1/s3capabilities'],
  ['createTenant', 'POST', '/api/v1/tenants', '{"name":"Acme"}'],
  ['listTenants', 'GET', '/api/v1/tenants'],
  ['queryTenants', 'GET', '/api/v1/tenants/query?filter=tenant_id%3D%3Dx'],
  ['headTenant', 'HEAD', '/api/v1/tenants/T'],
  ['getTenant', 'GET', '/api/v1/tenants/T'],
  ['updateTenant', 'PATCH', '/api/v1/tenants/T', '{"cd_tenant_ids":[]}'],
  ['createUser', 'POST', '/api/v1/tenants/T/users', '{"cd_user_id":"a","cd_tenant_id":"b"}'],
  ['listUsers', 'GET', '/api/v1/tenants/T/users'],
  ['queryUsers', 'GET', '/api/v1/users/query'],
  ['getUserWithId', 'GET', '/api/v1/tenants/T/users/U'],
  ['getUserWithCanonicalID', 'GET', '/api/v1/users/CANONICAL'],
  ['headUser', 'HEAD', '/api/v1/tenants/T/users/U'],
  ['updateUserStatus', 'PATCH', '/api/v1/tenants/T/users/U', '{"active":true}'],
  ['createCredential', 'POST', '/api/v1/tenants/T/users/U/s3credentials', ''],
  ['listCredentials', 'GET', '/api/v1/tenants/T/users/U/s3credentials'],
  ['queryCredentials', 'GET', '/api/v1/s3credentials/query'],
  ['getCredential', 'GET', '/api/v1/s3credentials/AKIA'],
  ['updateCredentialStatus', 'PATCH', '/api/v1/s3credentials/AKIA', '{"active":true}'],
  ['getUsage', 'GET', '/api/v1/usage'],
  ['getBucketList', 'GET', '/api/v1/bucket-list?tenant_id=T'],
  ['getBucketLoggingId', 'GET', '/api/v1/bucket-logging-id'],
  ['getAnonymousUser', 'GET', '/api/v1/anonymous-user'],
  ['getConsole', 'GET', '/api/v1/console'],
  ['deleteCredential', 'DELETE', '/api/v1/s3credentials/AKIA'],
  ['deleteUser', 'DELETE', '/api/v1/tenants/T/users/U'],
  ['deleteTenant', 'DELETE', '/api/v1/tenants/T?purge_data=true'],
]

test('not_implemented is true: what it lists returns 501, everything else works', async () => {
  const { not_implemented } = await getInfo()
  const known = OPERATIONS.map(([id]) => id)
  assert.deepEqual(
    not_implemented.filter((id) => !known.includes(id)),
    [],
  )
  assert.deepEqual(not_implemented, ['getBucketLoggingId', 'getConsole'])
  const { tenant_id } = await newTenant(target)
  const user = createdOf<OsisUser>(await createUser(target, tenant_id, newOsisUser()))
  const [key] = (await listCredentials(target, user)).items
  const { refresh } = await logIn(target)
  for (const [id, method, pattern, template] of OPERATIONS) {
    const path = pattern
      .replace(/\bT\b/, tenant_id)
      .replace(/\bU\b/, user.user_id)
      .replace('CANONICAL', encodeURIComponent(user.canonical_user_id))
      .replace('AKIA', key?.access_key ?? '')
    const body = template?.replace('REFRESH', refresh)
    const response = await osis(target, { method, path, body })
    if (!not_implemented.includes(id))
      assert.equal(response.status, SUCCESS[id] ?? 200, `${id}: ${response.text}`)
    else if (method === 'HEAD') assert.equal(response.status, 501, id)
    else assertOsisError(response, 501, 'E_NOT_IMPLEMENTED')
  }
})

test('the document has every operation of the specification', async () => {
  const { paths } = await getDocument(target.url, 'osis')
  const documented = Object.values(paths).flatMap((methods) =>
    Object.values(methods).map((operation) => operation.operationId),
  )
  assert.deepEqual([...documented].sort(), [...OPERATIONS.map(([id]) => id), 'login'].sort())
})

test('everything but the information needs authentication, also what is not implemented', async () => {
  for (const [id, method, path, body] of OPERATIONS) {
    if (id === 'getInfo' || id === 'refreshToken') continue
    const response = await osis(target, { method, path, body, headers: { authorization: undefined } })
    assert.equal(response.status, 401, id)
    assert.match(String(response.headers['www-authenticate']), /^Basic realm=/)
    if (method !== 'HEAD') assertOsisError(response, 401, 'E_UNAUTHORIZED')
  }
})

test('a wrong id, a wrong secret and another scheme are refused alike', async () => {
  const { client_id, client_secret } = target.init.clients.osis
  const wrong = [
    basic(client_id, 'wrong'),
    basic(client_id, ''),
    basic(client_id, `${client_secret}x`),
    // OSIS does not form-encode them.
    basic(client_id.replaceAll('-', '%2D'), client_secret),
    basic(randomUUID(), client_secret),
    basic('', ''),
    'Basic',
    'Basic !!!',
    `Basic ${Buffer.from(client_id).toString('base64')}`,
    'Digest username="x"',
    client_secret,
  ]
  for (const authorization of wrong) {
    const response = await osis(target, { path: '/api/v1/tenants/x', headers: { authorization } })
    assertOsisError(response, 401, 'E_UNAUTHORIZED')
    assert.match(String(response.headers['www-authenticate']), /^Basic realm=/)
  }
})

test('a client without the osis scope is forbidden', async () => {
  const { client_id, client_secret } = target.init.clients.administrator
  const authorization = basic(client_id, client_secret)
  const response = await osis(target, { path: '/api/v1/tenants/x', headers: { authorization } })
  assertOsisError(response, 403, 'E_FORBIDDEN')
})

test('a forbidden create is recorded', async () => {
  const { client_id, client_secret } = target.init.clients.administrator
  const correlation = randomUUID()
  const headers = { authorization: basic(client_id, client_secret), 'x-correlation-id': correlation }
  const call = { method: 'POST', path: '/api/v1/tenants', body: { name: 'Acme' }, headers }
  assertOsisError(await osis(target, call), 403, 'E_FORBIDDEN')
  const [entry] = await target.operator.listAudit(correlation)
  assert.partialDeepStrictEqual(entry, { operation: 'CreateTenant', status: 'Failed', caller: client_id })
})

test('a revoked client is refused within 5 s', async () => {
  const client = await target.operator.addClient({
    organization: target.init.provider.id,
    permission: 'osis',
  })
  const headers = { authorization: basic(client.client_id, client.client_secret) }
  const status = async () => (await osis(target, { path: '/api/v1/tenants/x', headers })).status
  assert.equal(await status(), 404)
  await target.operator.removeClient(client.client_id)
  assert.ok((await waitUntil(async () => (await status()) === 401, 10_000)) < 5_000)
})

test('an unknown path is a 404 with an OsisError', async () => {
  assertOsisError(await osis(target, { path: '/api/v1/nothing-here' }), 404, 'E_NOT_FOUND')
  const put = await osis(target, { method: 'PUT', path: '/api/v1/tenants/x', body: {} })
  assertOsisError(put, 404, 'E_NOT_FOUND')
})

test('an unknown path needs authentication too', async () => {
  for (const path of ['/api/v1/nothing-here', '/api/nothing', '/api/v1/auth/nothing', '/api']) {
    const response = await send(target.url, { method: 'GET', path })
    assert.equal(response.status, 401, path)
  }
})

test('what only the known adapters have is not served, and not open either', async () => {
  const call = { method: 'POST', path: '/api/admin-apis', body: '{"optional_apis":{"getUsage":false}}' }
  assert.equal((await send(target.url, call)).status, 401)
  assertOsisError(await osis(target, call), 404, 'E_NOT_FOUND')
})

test('an operator chooses the prefix and the modes, and the information says so', async (t) => {
  const other = await startTarget({ USHER_OSIS_PREFIX: '/osis/', USHER_OSIS_AUTH: 'basic' })
  t.after(() => other.end())
  assert.equal((await send(other.url, { method: 'GET', path: '/api/info' })).status, 404)
  const response = await send(other.url, { method: 'GET', path: '/osis/api/info' })
  assert.deepEqual(jsonOf<{ auth_modes: string[] }>(response).auth_modes, ['Basic'])
  assert.equal((await osis(other, { path: '/osis/api/v1/tenants' })).status, 200)
  const doubled = await send(other.url, { method: 'GET', path: '/osis//api/info' })
  assert.match(assertOsisError(doubled, 404, 'E_NOT_FOUND'), /must not end with a slash/)
  for (const path of ['/osis/api/v1/auth/login', '/osis/api/v1/auth/token']) {
    const body = { username: 'x', password: 'y', refresh_token: 'z' }
    assertOsisError(await osis(other, { method: 'POST', path, body }), 404, 'E_NOT_FOUND')
    const open = await osis(other, { method: 'POST', path, body, headers: { authorization: undefined } })
    assertOsisError(open, 401, 'E_UNAUTHORIZED')
  }
})
