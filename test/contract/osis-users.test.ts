import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { jsonOf } from '../../testing/http.ts'
import { waitUntil } from '../../testing/wait.ts'
import {
  assertBadRequest,
  assertOsisError,
  assertPagingChecked,
  createdOf,
  createUser,
  listCredentials,
  newOsisUser,
  newTenant,
  type OsisCredential,
  type OsisTenant,
  type OsisUser,
  osis,
} from './object-store.ts'
import { faultOf, getDocument } from './openapi.ts'
import { create, idOf, newEmail, newUser, UUID } from './portal.ts'
import { type AuditRow, useTarget } from './target.ts'

let tenant: OsisTenant
/** The customer that the tenant belongs to. */
let customer: string

const target = useTarget({}, async () => {
  const name = `Acme ${randomUUID()}`
  tenant = await newTenant(target, name)
  customer = await findCustomer(name)
})

/** The id of the customer with a name, which OSIS does not tell. */
async function findCustomer(name: string): Promise<string> {
  const customers = await target.operator.listCustomers()
  return customers.find((one) => one.name === name)?.id ?? assert.fail('the tenant has no customer')
}

async function addUser(body: Record<string, unknown> = newOsisUser()): Promise<OsisUser> {
  return createdOf<OsisUser>(await createUser(target, tenant.tenant_id, body))
}

/** Creates a user with a new correlation id; returns the audit entries of that id. */
async function record(body: unknown, tenantId = tenant.tenant_id): Promise<readonly AuditRow[]> {
  const correlation = randomUUID()
  const headers = { 'x-correlation-id': correlation }
  await osis(target, { method: 'POST', path: `/api/v1/tenants/${tenantId}/users`, headers, body })
  return target.operator.listAudit(correlation)
}

test('a created user has every member, those of Cloud Director as received', async () => {
  const [org = ''] = tenant.cd_tenant_ids
  const body = newOsisUser({
    cd_tenant_id: org,
    username: 'Zoë O’Neil @ acme',
    role: 'TENANT_ADMIN',
    active: false,
  })
  const { user_id, canonical_user_id, ...rest } = await addUser(body)
  assert.match(user_id, UUID)
  assert.equal(canonical_user_id, `${tenant.tenant_id}$${user_id}`)
  assert.deepEqual(rest, { ...body, tenant_id: tenant.tenant_id, user_arn: null })
})

test('ids in the body, another tenant_id and unknown members are ignored', async () => {
  const mine = {
    user_id: 'mine',
    canonical_user_id: 'mine',
    user_arn: 'arn:aws:iam::1:user/x',
    tenant_id: 'other',
  }
  const user = await addUser(newOsisUser({ ...mine, phone: '+351', nested: { deep: [1] } }))
  assert.match(user.user_id, UUID)
  assert.equal(user.tenant_id, tenant.tenant_id)
  assert.notEqual(user.canonical_user_id, 'mine')
})

test('members that are ignored may hold anything', async () => {
  const { paths } = await getDocument(target.url, 'osis')
  const { requestBody } = paths['/api/v1/tenants/{tenantId}/users']?.post ?? assert.fail()
  const schema = requestBody?.content['application/json']?.schema ?? assert.fail()
  for (const value of [5, true, {}, ['x'], '', 'x'.repeat(300), 'a\u0000', '\ud800'])
    for (const member of ['user_id', 'canonical_user_id', 'user_arn', 'tenant_id']) {
      const body = newOsisUser({ [member]: value })
      assert.equal((await addUser(body)).tenant_id, tenant.tenant_id)
      assert.equal(faultOf(schema, body), undefined)
    }
})

test('absent and null are the same, and have defaults', async () => {
  const nothing = { username: null, email: null, role: null, active: null, tenant_id: null, user_id: null }
  for (const members of [nothing, {}]) {
    const user = await addUser({ cd_user_id: randomUUID(), cd_tenant_id: 'org', ...members })
    assert.partialDeepStrictEqual(user, { active: true, role: 'UNKNOWN', email: null })
    assert.equal(typeof user.username, 'string')
  }
})

test('every documented role is stored and returned', async () => {
  for (const role of ['PROVIDER_ADMIN', 'TENANT_ADMIN', 'TENANT_USER', 'ANONYMOUS', 'UNKNOWN'])
    assert.equal((await addUser(newOsisUser({ role }))).role, role)
})

test('a wrong member gets a 400 that names it', async () => {
  const wrong: [member: string, values: unknown[]][] = [
    ['role', ['tenant_user', 'ADMIN', '', 5]],
    ['email', ['nobody', ' ', 5, 'a@b@c', `a\u0000@example.com`]],
    ['active', ['true', 1, {}]],
    ['cd_user_id', [undefined, null, '', 5, 'a\u0000', '\ud800']],
    ['cd_tenant_id', [undefined, null, '', 5, 'a\u0000', '\udc00']],
    ['username', [5, 'a\u0000', '\ud800', 'x'.repeat(256)]],
  ]
  for (const [member, values] of wrong)
    for (const value of values)
      assertBadRequest(await createUser(target, tenant.tenant_id, newOsisUser({ [member]: value })), member)
})

test('a wrong role gets a list of the roles', async () => {
  const message = assertOsisError(
    await createUser(target, tenant.tenant_id, newOsisUser({ role: 'ADMIN' })),
    400,
    'E_BAD_REQUEST',
  )
  assert.equal(message, 'role must be one of PROVIDER_ADMIN, TENANT_ADMIN, TENANT_USER, ANONYMOUS, UNKNOWN')
})

test('one response names all wrong members', async () => {
  const response = await createUser(target, tenant.tenant_id, { role: 'x', email: 'y' })
  for (const member of ['role', 'email', 'cd_user_id', 'cd_tenant_id']) assertBadRequest(response, member)
})

test('malformed JSON, no body and a body that is no object get a 400', async () => {
  for (const body of ['{', '', '[]', 'null', '"x"', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])])
    assertOsisError(await createUser(target, tenant.tenant_id, body), 400, 'E_BAD_REQUEST')
})

test('another content type gets a 415, a body over 128 KiB a 413', async () => {
  const call = { method: 'POST', path: `/api/v1/tenants/${tenant.tenant_id}/users` }
  const text = await osis(target, { ...call, body: 'x', headers: { 'content-type': 'text/plain' } })
  assertOsisError(text, 415, 'E_BAD_REQUEST')
  const large = newOsisUser({ padding: 'x'.repeat(128 * 1024) })
  assertOsisError(await osis(target, { ...call, body: large }), 413, 'E_BAD_REQUEST')
})

test('an unknown tenant is a 404, also by the id of its org', async () => {
  for (const id of ['nobody', tenant.cd_tenant_ids[0] ?? ''])
    assertOsisError(await createUser(target, id, newOsisUser()), 404, 'E_NOT_FOUND')
})

test('a wrong body comes before an unknown tenant', async () => {
  assertBadRequest(await createUser(target, 'nobody', newOsisUser({ role: 'x' })), 'role')
})

test('a created user has exactly one credential, complete and with its secret', async () => {
  const user = await addUser()
  const { items, page_info } = await listCredentials(target, user)
  assert.deepEqual(page_info, { limit: 100, offset: 0, total: 1 })
  const [{ access_key, secret_key, creation_date, ...rest } = {} as OsisCredential, ...others] = items
  assert.deepEqual(others, [])
  assert.match(access_key, /^[A-Z0-9]{20}$/)
  assert.match(secret_key, /^[A-Za-z0-9+/]{40}$/)
  assert.match(String(creation_date), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
  const { tenant_id, user_id, username, cd_user_id, cd_tenant_id } = user
  const owner = { tenant_id, user_id, username, cd_user_id, cd_tenant_id }
  assert.deepEqual(rest, { ...owner, active: true, immutable: false })
})

test('the same create again returns the existing user, unchanged, with the same credential', async () => {
  const body = newOsisUser()
  const user = await addUser(body)
  const credentials = await listCredentials(target, user)
  const changed = { ...body, username: 'other', email: newEmail(), role: 'TENANT_ADMIN', active: false }
  for (const again of [body, changed]) assert.deepEqual(await addUser(again), user)
  assert.deepEqual(await listCredentials(target, user), credentials)
})

test('the same Cloud Director user in another org or another tenant is another user', async () => {
  const body = newOsisUser()
  const user = await addUser(body)
  const inOtherOrg = await addUser({ ...body, cd_tenant_id: randomUUID(), email: null })
  const other = await newTenant(target)
  const inOtherTenant = createdOf<OsisUser>(await createUser(target, other.tenant_id, body))
  assert.equal(new Set([user.user_id, inOtherOrg.user_id, inOtherTenant.user_id]).size, 3)
})

test('ids of Cloud Director are compared exactly', async () => {
  const body = newOsisUser({ email: null })
  const user = await addUser(body)
  const upper = await addUser({ ...body, cd_user_id: String(body.cd_user_id).toUpperCase() })
  assert.notEqual(upper.user_id, user.user_id)
})

test('50 creates of one Cloud Director user at once leave one user and one credential', async () => {
  const body = newOsisUser()
  const responses = await Promise.all(
    Array.from({ length: 50 }, () => createUser(target, tenant.tenant_id, body)),
  )
  for (const response of responses) assert.equal(response.status, 201, response.text)
  assert.equal(new Set(responses.map((response) => response.text)).size, 1)
  const user = createdOf<OsisUser>(responses[0] ?? assert.fail('no response'))
  assert.equal((await listCredentials(target, user)).page_info.total, 1)
  const people = await target.operator.listUsers(customer)
  assert.equal(people.filter((person) => person.email === body.email).length, 1)
})

test('a portal user with the same e-mail gets the account: one person has one record', async () => {
  const email = newEmail()
  const id = idOf(await create(target, newUser({ email }), { customer }))
  const user = await addUser(newOsisUser({ email: email.toUpperCase() }))
  assert.equal(user.user_id, id)
  assert.equal((await listCredentials(target, user)).page_info.total, 1)
  const people = (await target.operator.listUsers(customer)).filter((person) => person.id === id)
  assert.partialDeepStrictEqual(people, [{ email, firstName: 'Ada', lastName: 'Lovelace' }])
})

test('linking is recorded as LinkAccount', async () => {
  const email = newEmail()
  const id = idOf(await create(target, newUser({ email }), { customer }))
  const entries = await record(newOsisUser({ email }))
  assert.partialDeepStrictEqual(entries, [{ operation: 'LinkAccount', status: 'Succeeded', target: id }])
})

test('a portal user who has an account is not given another', async () => {
  const email = newEmail()
  const id = idOf(await create(target, newUser({ email }), { customer }))
  assert.equal((await addUser(newOsisUser({ email }))).user_id, id)
  assert.notEqual((await addUser(newOsisUser({ email }))).user_id, id)
})

test('50 different Cloud Director users with one e-mail at once: one is linked, all have one credential', async () => {
  const email = newEmail()
  const id = idOf(await create(target, newUser({ email }), { customer }))
  const users = await Promise.all(Array.from({ length: 50 }, () => addUser(newOsisUser({ email }))))
  assert.equal(new Set(users.map((user) => user.user_id)).size, 50)
  assert.equal(users.filter((user) => user.user_id === id).length, 1)
  for (const user of users.slice(0, 5)) assert.equal((await listCredentials(target, user)).page_info.total, 1)
})

test('a portal user of another customer is not linked', async () => {
  const email = newEmail()
  const id = idOf(await create(target, newUser({ email })))
  assert.notEqual((await addUser(newOsisUser({ email }))).user_id, id)
})

test('the same e-mail in two orgs of one tenant gives two users, both with that e-mail', async () => {
  const email = newEmail()
  const one = await addUser(newOsisUser({ email, cd_tenant_id: randomUUID() }))
  const other = await addUser(newOsisUser({ email, cd_tenant_id: randomUUID() }))
  assert.notEqual(one.user_id, other.user_id)
  assert.deepEqual([one.email, other.email], [email, email])
})

test('a user that was removed is gone, and its re-creation is a new user with a new key', async () => {
  const body = newOsisUser()
  const user = await addUser(body)
  const [old] = (await listCredentials(target, user)).items
  await target.operator.removeUser(user.user_id)
  const path = `/api/v1/tenants/${tenant.tenant_id}/users/${user.user_id}`
  assertOsisError(await osis(target, { path }), 404, 'E_NOT_FOUND')
  assert.deepEqual((await listCredentials(target, user)).items, [])
  // Until the platform has let go of the account, the create is to be repeated.
  let response = await createUser(target, tenant.tenant_id, body)
  await waitUntil(async () => {
    if (response.status === 201) return true
    assertOsisError(response, 503, 'E_PLATFORM')
    response = await createUser(target, tenant.tenant_id, body)
    return false
  }, 10_000)
  const again = jsonOf<OsisUser>(response)
  assert.notEqual(again.user_id, user.user_id)
  const { items } = await listCredentials(target, again)
  assert.equal(items.length, 1)
  assert.notEqual(items[0]?.access_key, old?.access_key)
})

test('a user is found by GET and HEAD, an unknown one is not', async () => {
  const user = await addUser()
  const path = `/api/v1/tenants/${tenant.tenant_id}/users`
  const found = await osis(target, { path: `${path}/${user.user_id}` })
  assert.equal(found.status, 200)
  assert.deepEqual(jsonOf(found), user)
  assert.equal((await osis(target, { method: 'HEAD', path: `${path}/${user.user_id}` })).status, 200)
  for (const id of ['nobody', randomUUID(), '%00', '%F0%9F%A6%89']) {
    assertOsisError(await osis(target, { path: `${path}/${id}` }), 404, 'E_NOT_FOUND')
    assert.equal((await osis(target, { method: 'HEAD', path: `${path}/${id}` })).status, 404)
  }
})

test('a user is not found through another tenant', async () => {
  const user = await addUser()
  const { tenant_id } = await newTenant(target)
  assertOsisError(
    await osis(target, { path: `/api/v1/tenants/${tenant_id}/users/${user.user_id}` }),
    404,
    'E_NOT_FOUND',
  )
  assert.deepEqual((await listCredentials(target, { tenant_id, user_id: user.user_id })).items, [])
})

test('percent-encoded ids are decoded, once', async () => {
  const encode = (text: string): string => text.replace(/./g, (one) => `%${one.charCodeAt(0).toString(16)}`)
  const body = newOsisUser()
  const created = await createUser(target, encode(tenant.tenant_id), body)
  const user = createdOf<OsisUser>(created)
  const path = `/api/v1/tenants/${encode(tenant.tenant_id)}/users/${encode(user.user_id)}`
  assert.deepEqual(jsonOf(await osis(target, { path })), user)
  const twice = encodeURIComponent(encode(tenant.tenant_id))
  assertOsisError(await osis(target, { path: `/api/v1/tenants/${twice}` }), 404, 'E_NOT_FOUND')
})

test('a page of credentials follows offset and limit', async () => {
  const user = await addUser()
  const page = (query: string): ReturnType<typeof listCredentials> => listCredentials(target, user, query)
  assert.deepEqual((await page('?limit=0')).page_info, { limit: 0, offset: 0, total: 1 })
  assert.equal((await page('?limit=0')).items.length, 0)
  assert.equal((await page('?offset=0&limit=1')).items.length, 1)
  const beyond = await page('?offset=1&limit=10')
  assert.deepEqual(beyond, { items: [], page_info: { limit: 10, offset: 1, total: 1 } })
  assert.equal((await page('?offset=2147483647')).page_info.total, 1)
  assert.ok((await page('?limit=2147483647')).page_info.limit < 2147483647)
})

test('the paging of a list of credentials is checked', async () => {
  const user = await addUser()
  await assertPagingChecked(target, `/api/v1/tenants/${user.tenant_id}/users/${user.user_id}/s3credentials`)
})

test('the credentials of an unknown user or tenant are an empty page', async () => {
  const empty = { items: [], page_info: { limit: 7, offset: 3, total: 0 } }
  const ids = [
    { tenant_id: tenant.tenant_id, user_id: 'nobody' },
    { tenant_id: 'nobody', user_id: 'nobody' },
  ]
  for (const user of ids) assert.deepEqual(await listCredentials(target, user, '?offset=3&limit=7'), empty)
})

test('a GET with a Content-Type and no body is taken', async () => {
  const user = await addUser()
  const path = `/api/v1/tenants/${user.tenant_id}/users/${user.user_id}`
  const headers = { 'content-type': 'application/json' }
  assert.equal((await osis(target, { path, headers })).status, 200)
  assert.equal((await osis(target, { path, headers, body: '' })).status, 200)
})

test('a create, its repetition and its refusals are recorded', async () => {
  const body = newOsisUser()
  const created = await record(body)
  const [{ target: id, changedFields = [] } = {}] = created
  assert.partialDeepStrictEqual(created, [
    { operation: 'CreateAccount', status: 'Succeeded', outcome: 'created' },
  ])
  assert.ok(changedFields.includes('email'))
  const repeated = await record(body)
  assert.partialDeepStrictEqual(repeated, [
    { status: 'Succeeded', outcome: 'repeated', target: id, changedFields: [] },
  ])
  const failed = [{ operation: 'CreateAccount', status: 'Failed' }]
  assert.partialDeepStrictEqual(await record(newOsisUser({ role: 'x' })), failed)
  assert.partialDeepStrictEqual(await record(newOsisUser(), 'nobody'), failed)
})

test('a refusal of malformed JSON is recorded', async () => {
  assert.partialDeepStrictEqual(await record('{'), [{ operation: 'CreateAccount', status: 'Failed' }])
})

test('everything that was done to a customer is found in the audit log by the customer', async () => {
  const name = `Acme ${randomUUID()}`
  const { tenant_id } = await newTenant(target, name)
  const user = createdOf<OsisUser>(await createUser(target, tenant_id, newOsisUser()))
  await target.operator.removeUser(user.user_id)
  const entries = await target.operator.listAuditOf(await findCustomer(name))
  assert.deepEqual(
    entries.map((entry) => entry.operation),
    ['DeleteUser', 'CreateAccount', 'CreateTenant'],
  )
})
