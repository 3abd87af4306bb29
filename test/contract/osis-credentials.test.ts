import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { type HttpResponse, jsonOf } from '../../testing/http.ts'
import {
  assertBadRequest,
  assertOsisError,
  assertPagingChecked,
  createdOf,
  createUser,
  getPage,
  listCredentials,
  newOsisUser,
  newTenant,
  type OsisCredential,
  type OsisPage,
  type OsisUser,
  osis,
  queryPath,
} from './object-store.ts'
import { useTarget } from './target.ts'

let tenantId: string

const target = useTarget({}, async () => {
  tenantId = (await newTenant(target)).tenant_id
})

async function addUser(members: Record<string, unknown> = {}, id = tenantId): Promise<OsisUser> {
  return createdOf<OsisUser>(await createUser(target, id, newOsisUser(members)))
}

function post(
  user: Pick<OsisUser, 'tenant_id' | 'user_id'>,
  headers = {},
  body?: unknown,
): Promise<HttpResponse> {
  const path = `/api/v1/tenants/${user.tenant_id}/users/${user.user_id}/s3credentials`
  return osis(target, { method: 'POST', path, headers, body })
}

async function addKey(user: OsisUser): Promise<OsisCredential> {
  return createdOf<OsisCredential>(await post(user))
}

function call(
  method: string,
  key: OsisCredential | string,
  query = '',
  body?: unknown,
): Promise<HttpResponse> {
  const accessKey = typeof key === 'string' ? key : key.access_key
  return osis(target, { method, path: `/api/v1/s3credentials/${accessKey}${query}`, body })
}

function query(filter: string, more = ''): Promise<OsisPage<OsisCredential>> {
  return getPage<OsisCredential>(target, queryPath('s3credentials', filter, more))
}

const ownerOf = ({ tenant_id, user_id }: OsisUser): string => `?tenant_id=${tenant_id}&user_id=${user_id}`

test('a credential is added without a body, complete, and listed behind the first', async () => {
  const user = await addUser()
  const [first] = (await listCredentials(target, user)).items
  const added = await addKey(user)
  const { access_key, secret_key, creation_date, ...rest } = added
  assert.match(access_key, /^[A-Z0-9]{20}$/)
  assert.match(secret_key, /^[A-Za-z0-9+/]{40}$/)
  assert.ok(!Number.isNaN(Date.parse(String(creation_date))))
  const { tenant_id, user_id, username, cd_user_id, cd_tenant_id } = user
  const owner = { tenant_id, user_id, username, cd_user_id, cd_tenant_id }
  assert.deepEqual(rest, { ...owner, active: true, immutable: false })
  assert.deepEqual((await listCredentials(target, user)).items, [first, added])
})

test('a credential is added whatever Content-Type comes with no body, and whatever JSON body', async () => {
  const user = await addUser()
  for (const type of [undefined, 'application/json', 'application/json; charset=utf-8'])
    createdOf(await post(user, { 'content-type': type }, ''))
  createdOf(await post(user, {}, { access_key: 'MINE', secret_key: 'mine' }))
  const { items } = await listCredentials(target, user)
  assert.equal(items.length, 5)
  assert.ok(items.every((one) => one.access_key !== 'MINE'))
})

test('no credential is added to an unknown user, or through another tenant; the attempt is recorded', async () => {
  const user = await addUser()
  const other = await newTenant(target)
  assertOsisError(await post({ tenant_id: tenantId, user_id: 'nobody' }), 404, 'E_NOT_FOUND')
  assertOsisError(await post({ tenant_id: 'nobody', user_id: user.user_id }), 404, 'E_NOT_FOUND')
  const correlation = randomUUID()
  const misplaced = { tenant_id: other.tenant_id, user_id: user.user_id }
  assertOsisError(await post(misplaced, { 'x-correlation-id': correlation }), 404, 'E_NOT_FOUND')
  const refused = { operation: 'CreateCredential', status: 'Failed', target: user.user_id }
  assert.partialDeepStrictEqual(await target.operator.listAudit(correlation), [refused])
  assert.equal((await listCredentials(target, user)).page_info.total, 1)
})

test('a new credential is recorded by its access key, without the secret', async () => {
  const user = await addUser()
  const correlation = randomUUID()
  const key = createdOf<OsisCredential>(await post(user, { 'x-correlation-id': correlation }))
  const entries = await target.operator.listAudit(correlation)
  assert.partialDeepStrictEqual(entries, [
    { operation: 'CreateCredential', outcome: 'created', target: key.access_key },
  ])
  assert.ok(!JSON.stringify(entries).includes(key.secret_key))
  assert.ok(!target.log().includes(key.secret_key))
})

// Few enough for a busy machine to apply within the time that a call may take.
test('20 credentials at once are 20 credentials', async () => {
  const user = await addUser()
  const keys = await Promise.all(Array.from({ length: 20 }, () => addKey(user)))
  assert.equal(new Set(keys.map((key) => key.access_key)).size, 20)
  const { items, page_info } = await listCredentials(target, user)
  assert.equal(page_info.total, 21)
  const pages = []
  for (let offset = 0; offset < 21; offset += 10)
    pages.push(...(await listCredentials(target, user, `?offset=${offset}&limit=10`)).items)
  assert.deepEqual(pages, items)
})

test('a credential is found by its access key alone, or with its owner', async () => {
  const user = await addUser()
  const key = await addKey(user)
  for (const query of ['', ownerOf(user), `?tenant_id=${user.tenant_id}`, `?user_id=${user.user_id}`]) {
    const response = await call('GET', key, query)
    assert.equal(response.status, 200, response.text)
    assert.deepEqual(jsonOf(response), key)
  }
})

test('an unknown access key, and a known one with another owner, is a 404', async () => {
  const [user, other] = [await addUser(), await addUser()]
  const key = await addKey(user)
  const { tenant_id } = await newTenant(target)
  for (const id of ['NOBODY', key.access_key.toLowerCase(), '%00', key.secret_key])
    assertOsisError(await call('GET', id), 404, 'E_NOT_FOUND')
  for (const query of [ownerOf(other), `?tenant_id=${tenant_id}`, '?user_id=nobody', '?tenant_id=']) {
    assertOsisError(await call('GET', key, query), 404, 'E_NOT_FOUND')
    assertOsisError(await call('PATCH', key, query, { active: false }), 404, 'E_NOT_FOUND')
    assertOsisError(await call('DELETE', key, query), 404, 'E_NOT_FOUND')
  }
  assert.deepEqual(jsonOf(await call('GET', key)), key)
})

test('one key is disabled while the others and the user stay active', async () => {
  const user = await addUser()
  const [first, second] = [
    (await listCredentials(target, user)).items[0] ?? assert.fail(),
    await addKey(user),
  ]
  for (const active of [false, false, true]) {
    const response = await call('PATCH', second, ownerOf(user), { active })
    assert.equal(response.status, 200, response.text)
    assert.deepEqual(jsonOf(response), { ...second, active })
    assert.deepEqual((await listCredentials(target, user)).items, [first, { ...second, active }])
  }
  const path = `/api/v1/tenants/${user.tenant_id}/users/${user.user_id}`
  await call('PATCH', second, '', { active: false })
  assert.equal(jsonOf<OsisUser>(await osis(target, { path })).active, true)
})

test('a PATCH changes active and nothing else, and needs no more than that', async () => {
  const user = await addUser()
  const key = await addKey(user)
  const others = {
    access_key: 'x',
    secret_key: 5,
    tenant_id: 'other',
    creation_date: 'never',
    immutable: true,
  }
  assert.deepEqual(jsonOf(await call('PATCH', key, '', { ...others, active: false })), {
    ...key,
    active: false,
  })
  for (const active of [undefined, null, 'true', 0])
    assertBadRequest(await call('PATCH', key, '', { ...key, active }), 'active')
  assertOsisError(await call('PATCH', key, '', '{'), 400, 'E_BAD_REQUEST')
  assert.deepEqual(jsonOf(await call('GET', key)), { ...key, active: false })
})

test('a PATCH of an unknown key is a 404, and recorded', async () => {
  const correlation = randomUUID()
  const response = await osis(target, {
    method: 'PATCH',
    path: '/api/v1/s3credentials/NOBODY',
    body: { active: false },
    headers: { 'x-correlation-id': correlation },
  })
  assertOsisError(response, 404, 'E_NOT_FOUND')
  assert.partialDeepStrictEqual(await target.operator.listAudit(correlation), [
    { operation: 'UpdateCredential', status: 'Failed', outcome: 'credential_not_found', target: 'NOBODY' },
  ])
})

test('a deleted key is gone, the others stay, and deleting it again is a 204', async () => {
  const user = await addUser()
  const [first] = (await listCredentials(target, user)).items
  const key = await addKey(user)
  const correlation = randomUUID()
  const path = `/api/v1/s3credentials/${key.access_key}${ownerOf(user)}`
  for (let i = 0; i < 3; i++) {
    const headers = { 'x-correlation-id': correlation }
    assert.equal((await osis(target, { method: 'DELETE', path, headers })).status, 204)
  }
  assertOsisError(await call('GET', key), 404, 'E_NOT_FOUND')
  assertOsisError(await call('PATCH', key, '', { active: true }), 404, 'E_NOT_FOUND')
  assert.deepEqual((await listCredentials(target, user)).items, [first])
  assert.deepEqual((await query(`access_key==${key.access_key}`)).items, [])
  assert.equal((await target.operator.listAudit(correlation)).length, 1)
  assert.equal((await call('DELETE', 'NOBODY')).status, 204)
})

test('a key can be rotated, down to the first one', async () => {
  const user = await addUser()
  const [old] = (await listCredentials(target, user)).items
  const next = await addKey(user)
  assert.equal((await call('PATCH', old ?? '', ownerOf(user), { active: false })).status, 200)
  assert.equal((await call('DELETE', old ?? '', ownerOf(user))).status, 204)
  assert.deepEqual((await listCredentials(target, user)).items, [next])
})

test('the usual query finds a user’s keys, secrets included, with and without access key and trailing semicolon', async () => {
  const user = await addUser()
  const key = await addKey(user)
  const terms = `cd_tenant_id==${user.cd_tenant_id};cd_user_id==${user.cd_user_id};tenant_id==${user.tenant_id};user_id==${user.user_id}`
  const all = (await listCredentials(target, user)).items
  for (const end of ['', ';'])
    assert.deepEqual(await query(`${terms}${end}`), {
      items: all,
      page_info: { limit: 100, offset: 0, total: 2 },
    })
  assert.deepEqual((await query(`${terms};access_key==${key.access_key};`)).items, [key])
})

test('every name of the filter matches its member exactly, and no match is an empty page', async () => {
  const other = await newTenant(target)
  const user = await addUser({}, other.tenant_id)
  await addUser({ cd_user_id: user.cd_user_id }, other.tenant_id)
  const key = await addKey(user)
  await call('PATCH', key, '', { active: false })
  const disabled = { ...key, active: false }
  const mine = (await listCredentials(target, user)).items
  assert.equal((await query(`tenant_id==${other.tenant_id}`)).page_info.total, 3)
  assert.equal((await query(`cd_user_id==${user.cd_user_id}`)).page_info.total, 3)
  for (const name of ['user_id', 'cd_tenant_id'] as const)
    assert.deepEqual((await query(`${name}==${user[name]}`)).items, mine, name)
  assert.deepEqual((await query(`access_key==${key.access_key}`)).items, [disabled])
  assert.deepEqual((await query(`user_id==${user.user_id};active==false`)).items, [disabled])
  assert.deepEqual((await query(`tenant_id==${other.tenant_id};active==false`)).items, [disabled])
  assert.deepEqual((await query(`cd_tenant_id==${user.cd_tenant_id};active==false`)).items, [disabled])
  for (const filter of [
    'user_id==nobody',
    'tenant_id==x',
    'cd_user_id==x',
    'cd_tenant_id==x',
    'access_key==x',
  ]) {
    const empty = { items: [], page_info: { limit: 100, offset: 0, total: 0 } }
    assert.deepEqual(await query(filter), empty)
    assert.deepEqual(await query(`user_id==${user.user_id};${filter}`), empty)
  }
})

test('cd_tenant_id may be the id of a tenant, and active may be True', async () => {
  const [own, other] = [await newTenant(target), await newTenant(target)]
  const user = await addUser({}, own.tenant_id)
  const { items } = await listCredentials(target, user)
  for (const more of ['', `;tenant_id==${own.tenant_id}`, `;user_id==${user.user_id}`, ';active==True'])
    assert.deepEqual((await query(`cd_tenant_id==${own.tenant_id}${more}`)).items, items)
  for (const more of [`;tenant_id==${other.tenant_id}`, ';active==False', ';user_id==nobody'])
    assert.deepEqual((await query(`cd_tenant_id==${own.tenant_id}${more}`)).items, [])
  // An org that happens to have the id of a tenant comes first.
  const namesake = await addUser({ cd_tenant_id: own.tenant_id }, other.tenant_id)
  const found = (await query(`cd_tenant_id==${own.tenant_id}`)).items
  assert.deepEqual(found, (await listCredentials(target, namesake)).items)
})

test('a filter that is encoded twice and cannot be decoded is refused', async () => {
  const path = '/api/v1/s3credentials/query?filter=user_id%253D%253Da%25zz'
  assertBadRequest(await osis(target, { path }), 'filter')
})

test('active is the status of the key, not of the user', async () => {
  const user = await addUser({ active: false })
  const of = `user_id==${user.user_id}`
  assert.equal((await query(`${of};active==true`)).page_info.total, 1)
  assert.equal((await query(`${of};active==false`)).page_info.total, 0)
})

test('what cannot be understood is refused', async () => {
  for (const filter of [
    'username==x',
    'secret_key==x',
    'canonical_user_id==x',
    'x',
    'user_id==',
    'active==yes',
  ])
    assertBadRequest(await osis(target, { path: queryPath('s3credentials', filter) }), 'filter')
  await assertPagingChecked(target, '/api/v1/s3credentials/query')
})

test('two orgs on one tenant keep their own ids in users and keys', async () => {
  const [one, other] = [await addUser({ cd_user_id: 'same' }), await addUser({ cd_user_id: 'same' })]
  for (const user of [one, other]) {
    const { items } = await query(`cd_user_id==same;cd_tenant_id==${user.cd_tenant_id}`)
    assert.deepEqual(
      items.map((key) => [key.user_id, key.cd_tenant_id]),
      [[user.user_id, user.cd_tenant_id]],
    )
  }
})
