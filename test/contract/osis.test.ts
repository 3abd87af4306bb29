import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { basic, jsonOf, send } from './http.ts'
import {
  assertBadRequest,
  assertOsisError,
  createdOf,
  createTenant,
  createUser,
  newOsisUser,
  newTenant,
  type OsisTenant,
  type OsisUser,
  osis,
} from './object-store.ts'
import { addClient, listAudit, startTarget, type Target, waitUntil } from './target.ts'

let target: Target

before(async () => {
  target = await startTarget()
})

after(() => target.end())

interface Information {
  readonly [member: string]: unknown
  readonly not_implemented: readonly string[]
  readonly logo_uri: string
}

async function getInfo(): Promise<Information> {
  const answer = await send(target.url, { method: 'GET', path: '/api/info' })
  assert.equal(answer.status, 200)
  return jsonOf<Information>(answer)
}

test('the information is open to everybody and complete', async () => {
  const { not_implemented, logo_uri, ...info } = await getInfo()
  for (const member of ['platform_name', 'platform_version']) assert.ok(String(info[member]).length > 0)
  assert.partialDeepStrictEqual(info, {
    api_version: '1.0.0',
    status: 'NORMAL',
    auth_modes: ['Basic'],
    iam: false,
    tenant_s3_domain_enabled: false,
  })
  for (const member of ['regions', 'storage_classes']) assert.ok(Array.isArray(info[member]))
  assert.equal(typeof info.services, 'object')
  assert.ok(not_implemented.every((id) => typeof id === 'string'))
  assert.ok(URL.canParse(logo_uri))
})

test('a logo can be fetched without authentication', async () => {
  const response = await fetch((await getInfo()).logo_uri)
  assert.equal(response.status, 200)
  assert.match(String(response.headers.get('content-type')), /^image\//)
})

test('logo_uri does not follow the Host header', async () => {
  const headers = { host: 'evil.example.com' }
  const answer = await send(target.url, { method: 'GET', path: '/api/info', headers })
  assert.doesNotMatch(answer.text, /evil/)
})

/** Section 4 of the contract; T, U and so on stand for a tenant, a user of it, the user's canonical id and key. */
const OPERATIONS: readonly (readonly [id: string, method: string, path: string, body?: string])[] = [
  ['getInfo', 'GET', '/api/info'],
  ['refreshToken', 'POST', '/api/v1/auth/token', '{"refresh_token":"x"}'],
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
  ['getUserWithCanonicalID', 'GET', '/api/v1/users/T%24U'],
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
  ['deleteTenant', 'DELETE', '/api/v1/tenants/T'],
]

test('not_implemented is true: what it lists answers 501, everything else is served', async () => {
  const { not_implemented } = await getInfo()
  const known = OPERATIONS.map(([id]) => id)
  assert.deepEqual(
    not_implemented.filter((id) => !known.includes(id)),
    [],
  )
  const { tenant_id } = await newTenant(target)
  const { user_id } = createdOf<OsisUser>(await createUser(target, tenant_id, newOsisUser()))
  for (const [id, method, pattern, body] of OPERATIONS) {
    const path = pattern.replace(/\bT\b/, tenant_id).replace(/\bU\b/, user_id)
    const answer = await osis(target, { method, path, body })
    if (!not_implemented.includes(id)) assert.ok(answer.status < 400, `${id} answers ${answer.status}`)
    else if (method === 'HEAD') assert.equal(answer.status, 501, id)
    else assertOsisError(answer, 501, 'E_NOT_IMPLEMENTED')
  }
})

test('everything but the information needs authentication, also what is not implemented', async () => {
  for (const [id, method, path, body] of OPERATIONS) {
    if (id === 'getInfo') continue
    const answer = await osis(target, { method, path, body, headers: { authorization: undefined } })
    assert.equal(answer.status, 401, id)
    assert.match(String(answer.headers['www-authenticate']), /^Basic realm=/)
    if (method !== 'HEAD') assertOsisError(answer, 401, 'E_UNAUTHORIZED')
  }
})

test('a wrong id, a wrong secret and another scheme are refused alike', async () => {
  const { client_id, client_secret } = target.init.clients.osis
  const wrong = [
    basic(client_id, 'wrong'),
    basic(client_id, ''),
    basic(client_id, `${client_secret}x`),
    basic(randomUUID(), client_secret),
    basic('', ''),
    'Basic',
    'Basic !!!',
    `Basic ${Buffer.from(client_id).toString('base64')}`,
    `Bearer ${target.token}`,
  ]
  for (const authorization of wrong) {
    const answer = await osis(target, { path: '/api/v1/tenants/x', headers: { authorization } })
    assertOsisError(answer, 401, 'E_UNAUTHORIZED')
    assert.match(String(answer.headers['www-authenticate']), /^Basic realm=/)
  }
})

test('a client without the osis scope is forbidden', async () => {
  const { client_id, client_secret } = target.init.clients.administrator
  const authorization = basic(client_id, client_secret)
  const answer = await osis(target, { path: '/api/v1/tenants/x', headers: { authorization } })
  assertOsisError(answer, 403, 'E_FORBIDDEN')
})

test('a forbidden create is recorded', async () => {
  const { client_id, client_secret } = target.init.clients.administrator
  const correlation = randomUUID()
  const headers = { authorization: basic(client_id, client_secret), 'x-correlation-id': correlation }
  const call = { method: 'POST', path: '/api/v1/tenants', body: { name: 'Acme' }, headers }
  assertOsisError(await osis(target, call), 403, 'E_FORBIDDEN')
  const [entry] = await listAudit(target, correlation)
  assert.partialDeepStrictEqual(entry, { operation: 'CreateTenant', status: 'Failed', client: client_id })
})

test('a revoked client is refused within 5 s', async () => {
  const client = await addClient(target, target.init.provider.id, 'osis')
  const headers = { authorization: basic(client.client_id, client.client_secret) }
  const status = async () => (await osis(target, { path: '/api/v1/tenants/x', headers })).status
  assert.equal(await status(), 404)
  await target.cli('client', 'remove', client.client_id)
  assert.ok((await waitUntil(async () => (await status()) === 401, 10_000)) < 5_000)
})

test('an unknown path is a 404 with an OsisError', async () => {
  assertOsisError(await osis(target, { path: '/api/v1/nothing-here' }), 404, 'E_NOT_FOUND')
  const put = await osis(target, { method: 'PUT', path: '/api/v1/tenants/x', body: {} })
  assertOsisError(put, 404, 'E_NOT_FOUND')
})

test('a tenant is created with every member, an id of ours and its orgs as received', async () => {
  const orgs = [randomUUID().toUpperCase()]
  const answer = await createTenant(target, { name: 'Acme', active: true, cd_tenant_ids: orgs })
  const { tenant_id, ...rest } = createdOf<OsisTenant>(answer)
  assert.match(tenant_id, /^[A-Za-z0-9_]+$/)
  assert.deepEqual(rest, { name: 'Acme', active: true, cd_tenant_ids: orgs, health: null, extensions: null })
})

test('a tenant id is made of A-Za-z0-9_ whatever the name', async () => {
  for (const name of ['日本', '☃', 'a/b$c-d', ' ', 'query', 'É'.repeat(255)]) {
    const { tenant_id, name: kept } = createdOf<OsisTenant>(await createTenant(target, { name }))
    assert.match(tenant_id, /^[A-Za-z0-9_]+$/)
    assert.notEqual(tenant_id, 'query')
    assert.equal(kept, name)
  }
})

test('an org that has a tenant gets it again, unchanged', async () => {
  const tenant = await newTenant(target)
  const [org] = tenant.cd_tenant_ids
  for (const orgs of [[org], [org, randomUUID()], [randomUUID(), org]]) {
    const again = await createTenant(target, { name: 'Other', cd_tenant_ids: orgs })
    assert.deepEqual(createdOf<OsisTenant>(again), tenant)
  }
})

test('50 creates of one tenant at once make one tenant', async () => {
  const body = { name: 'Acme', cd_tenant_ids: [randomUUID()] }
  const answers = await Promise.all(Array.from({ length: 50 }, () => createTenant(target, body)))
  for (const answer of answers) createdOf(answer)
  assert.equal(new Set(answers.map((answer) => answer.text)).size, 1)
})

test('a name is no identifier: without an org, two tenants of one name are two', async () => {
  const one = createdOf<OsisTenant>(await createTenant(target, { name: 'Twin', cd_tenant_ids: [] }))
  const other = createdOf<OsisTenant>(await createTenant(target, { name: 'Twin', cd_tenant_ids: null }))
  assert.deepEqual([one.cd_tenant_ids, other.cd_tenant_ids], [[], []])
  assert.notEqual(one.tenant_id, other.tenant_id)
})

test('a tenant may have several orgs', async () => {
  const orgs = [randomUUID(), 'no-uuid', 'ORG with spaces ☃']
  const tenant = createdOf<OsisTenant>(await createTenant(target, { name: 'Acme', cd_tenant_ids: orgs }))
  assert.deepEqual(tenant.cd_tenant_ids, orgs)
})

test('org ids are compared exactly', async () => {
  const org = `org-${randomUUID()}`
  const one = createdOf<OsisTenant>(await createTenant(target, { name: 'A', cd_tenant_ids: [org] }))
  const upper = { name: 'A', cd_tenant_ids: [org.toUpperCase()] }
  assert.notEqual(createdOf<OsisTenant>(await createTenant(target, upper)).tenant_id, one.tenant_id)
})

test('orgs that are mapped to different tenants are refused', async () => {
  const [one, other] = [await newTenant(target), await newTenant(target)]
  const orgs = [...one.cd_tenant_ids, ...other.cd_tenant_ids]
  assertBadRequest(await createTenant(target, { name: 'Acme', cd_tenant_ids: orgs }), 'cd_tenant_ids')
})

test('a tenant needs a name', async () => {
  for (const body of [{}, { name: null }, { name: '' }, { name: 5 }, { name: 'a\u0000' }])
    assertBadRequest(await createTenant(target, body), 'name')
})

test('cd_tenant_ids must be texts', async () => {
  for (const orgs of ['x', [5], [null], [''], ['\u0000'], ['\ud800'], {}])
    assertBadRequest(await createTenant(target, { name: 'Acme', cd_tenant_ids: orgs }), 'cd_tenant_ids')
})

test('a tenant_id in the body, unknown members and active are ignored', async () => {
  const body = { name: 'Acme', tenant_id: 'mine', active: false, health: 'AVAILABLE', other: [1] }
  const tenant = createdOf<OsisTenant>(await createTenant(target, body))
  assert.notEqual(tenant.tenant_id, 'mine')
  assert.equal(tenant.active, true)
})

test('a tenant is found by GET and HEAD, an unknown one is not', async () => {
  const tenant = await newTenant(target)
  const [org = ''] = tenant.cd_tenant_ids
  const found = await osis(target, { path: `/api/v1/tenants/${tenant.tenant_id}` })
  assert.equal(found.status, 200)
  assert.deepEqual(jsonOf(found), tenant)
  for (const id of ['nobody', org, '%00', 'a%24b', 'x'.repeat(300)]) {
    const path = `/api/v1/tenants/${id}`
    assertOsisError(await osis(target, { path }), 404, 'E_NOT_FOUND')
    const head = await osis(target, { method: 'HEAD', path })
    assert.equal(head.status, 404)
    assert.equal(head.text, '')
  }
})

test('HEAD of a tenant answers 200 and no body, also with a Content-Type', async () => {
  const { tenant_id } = await newTenant(target)
  const path = `/api/v1/tenants/${tenant_id}`
  for (const type of [undefined, 'application/json']) {
    const answer = await osis(target, { method: 'HEAD', path, headers: { 'content-type': type } })
    assert.equal(answer.status, 200)
    assert.equal(answer.text, '')
  }
})

test('a new tenant is a customer of the provider, and its creation is recorded', async () => {
  const correlation = randomUUID()
  const headers = { 'x-correlation-id': correlation }
  const body = { name: `Acme ${correlation}`, cd_tenant_ids: [randomUUID()] }
  const tenant = createdOf<OsisTenant>(
    await osis(target, { method: 'POST', path: '/api/v1/tenants', headers, body }),
  )
  const customers = await target.cli<{ id: string; name: string }[]>(
    'organization',
    'list',
    '--kind',
    'customer',
  )
  const customer = customers.find((one) => one.name === body.name)
  const [entry] = await listAudit(target, correlation)
  assert.partialDeepStrictEqual(entry, {
    operation: 'CreateTenant',
    status: 'Succeeded',
    outcome: 'created',
    organization: customer?.id,
    target: tenant.tenant_id,
  })
})
