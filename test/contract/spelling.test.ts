import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { basic, send } from '../../testing/http.ts'
import { getToken } from '../../testing/usher.ts'
import {
  assertOsisError,
  createdOf,
  createUser,
  getPage,
  listCredentials,
  newOsisUser,
  newTenant,
  type OsisUser,
  osis,
  queryPath,
} from './object-store.ts'
import { assertInvalid, create, errorOf, idOf, newUser, UUID } from './portal.ts'
import { useTarget } from './target.ts'

const target = useTarget()

const unique = (): string => randomUUID().slice(0, 8)

/** Spellings of the same address; each begins with a text that no other test uses. */
const ONE_PERSON: readonly (readonly [what: string, spellings: readonly string[]])[] = [
  [
    'a domain in Unicode, in ASCII and in capitals',
    ['@bücher.example', '@xn--bcher-kva.example', '@BÜCHER.Example'],
  ],
  ['a domain in two compositions', ['@bu\u0308cher.example', '@bücher.example']],
  ['a domain in full-width letters', ['@ｅｘample.com', '@example.com']],
  ['a final sigma', ['λόγος@example.com', 'λόγοσ@example.com', 'ΛΌΓΟΣ@example.com']],
  ['a sharp s', ['straße@example.com', 'strasse@example.com', 'STRASSE@example.com', 'STRAẞE@example.com']],
  ['a ligature', ['ﬁn@example.com', 'FIN@example.com']],
]

for (const [what, spellings] of ONE_PERSON) {
  test(`one person has one record in both APIs: ${what}`, async () => {
    const customer = await target.operator.addCustomer()
    const { id: tenant } = await target.operator.createTenant({ customer })
    const [first = '', ...others] = spellings.map((one) => `ada${one}`)
    const id = idOf(await create(target, newUser({ email: first }), { customer }))
    for (const email of others) {
      assert.equal(idOf(await create(target, newUser({ email }), { customer }), 200), id, email)
      const other = newUser({ email, firstName: 'Grace' })
      assertInvalid(await create(target, other, { customer }), ['email'], 'Conflict')
    }
    const email = others.at(-1)
    const account = createdOf<OsisUser>(await createUser(target, tenant, newOsisUser({ email })))
    assert.deepEqual([account.user_id, account.email], [id, email])
    const users = await target.operator.listUsers(customer)
    assert.deepEqual(
      users.map((user) => user.email),
      [first],
    )
  })
}

const SEVERAL_PEOPLE: readonly (readonly [what: string, emails: readonly string[]])[] = [
  ['faß.example and fass.example', ['ada@faß.example', 'ada@fass.example']],
  ['two forms of sigma in a domain', ['ada@λόγος.example', 'ada@λόγοσ.example']],
  ['the dotless i and i', ['ılk@example.com', 'ilk@example.com']],
  ['letters with and without an accent', ['zoë@example.com', 'zoe@example.com']],
]

for (const [what, emails] of SEVERAL_PEOPLE) {
  test(`these stay several people: ${what}`, async () => {
    const customer = await target.operator.addCustomer()
    for (const email of emails) idOf(await create(target, newUser({ email }), { customer }))
  })
}

test('an address whose domain DNS cannot hold is refused', async () => {
  for (const domain of [`${'ü'.repeat(63)}.example`, 'a⑴.example', 'aا.example'])
    assertInvalid(await create(target, newUser({ email: `ada@${domain}` })), ['email'])
})

test('an Idempotency-Key replays its response to the same request in another spelling', async () => {
  const { customer, reseller, groups } = target.init
  const [id, name] = [randomUUID(), unique()]
  const sent = newUser({ id, email: `${name}@bücher.example`, role: {}, groups: [{ id: groups.Viewer }] })
  const { role, ...members } = sent
  const other = {
    ...members,
    id: id.toUpperCase(),
    email: `${name.toUpperCase()}@xn--bcher-kva.example`,
    groups: [{ id: groups.Viewer.toUpperCase(), name: 'ignored' }],
  }
  const headers = { 'idempotency-key': randomUUID() }
  const query = `?resellerId=${reseller.id}`
  assert.equal(idOf(await create(target, sent, { headers, query })), id)
  const again = {
    headers,
    query: `?resellerId=${reseller.id.toUpperCase()}`,
    customer: customer.id.toUpperCase(),
  }
  assert.equal(idOf(await create(target, other, again)), id)
})

test('a portal is the same in Unicode and in ASCII', async () => {
  const name = unique()
  const reseller = await target.operator.addReseller(`${name}.bücher.example`)
  const customer = await target.operator.addCustomer(reseller)
  for (const portal of [`${name}.xn--bcher-kva.example`, `${name}.BÜCHER.example.:8443`]) {
    // Node would encode the header of a request with a body of text twice.
    const headers = { 'x-tenant': Buffer.from(portal, 'utf8').toString('latin1') }
    idOf(await create(target, Buffer.from(JSON.stringify(newUser())), { customer, headers }))
  }
})

test('OSIS finds a user by a user_id in upper case, wherever it is named', async () => {
  const { tenant_id, user_id } = createdOf<OsisUser>(
    await createUser(target, (await newTenant(target)).tenant_id, newOsisUser()),
  )
  const upper = user_id.toUpperCase()
  const path = `/api/v1/tenants/${tenant_id}/users/${upper}`
  for (const method of ['GET', 'HEAD']) assert.equal((await osis(target, { method, path })).status, 200)
  assert.equal((await osis(target, { method: 'PATCH', path, body: { active: false } })).status, 200)
  const [key] = (await listCredentials(target, { tenant_id, user_id: upper })).items
  const keyPath = `/api/v1/s3credentials/${key?.access_key}?user_id=${upper}`
  assert.equal((await osis(target, { path: keyPath })).status, 200)
  for (const kind of ['users', 's3credentials'] as const) {
    const page = await getPage<{ user_id: string }>(target, queryPath(kind, `user_id==${upper}`))
    assert.deepEqual(
      page.items.map((item) => item.user_id),
      [user_id],
    )
  }
  const named = await getPage(target, queryPath('users', `display_name==${upper};tenant_id==${tenant_id}`))
  assert.equal(named.page_info.total, 1)
  assert.equal((await osis(target, { method: 'POST', path: `${path}/s3credentials` })).status, 201)
  assert.equal((await osis(target, { method: 'DELETE', path })).status, 204)
  assertOsisError(await osis(target, { path }), 404, 'E_NOT_FOUND')
})

test('tenant ids and access keys keep their letter case', async () => {
  const { tenant_id } = await newTenant(target)
  const user = createdOf<OsisUser>(await createUser(target, tenant_id, newOsisUser()))
  const [key] = (await listCredentials(target, user)).items
  const tenantPath = `/api/v1/tenants/${tenant_id.toUpperCase()}`
  assertOsisError(await osis(target, { path: tenantPath }), 404, 'E_NOT_FOUND')
  const keyPath = `/api/v1/s3credentials/${key?.access_key.toLowerCase()}`
  assertOsisError(await osis(target, { path: keyPath }), 404, 'E_NOT_FOUND')
})

test('a client may write its id in upper case', async () => {
  const { osis: client, administrator } = target.init.clients
  const upper = client.client_id.toUpperCase()
  const headers = { authorization: basic(upper, client.client_secret) }
  assert.equal((await osis(target, { path: '/api/v1/tenants', headers })).status, 200)
  const body = JSON.stringify({ username: upper, password: client.client_secret })
  const login = {
    method: 'POST',
    path: '/api/v1/auth/login',
    headers: { 'content-type': 'application/json' },
    body,
  }
  assert.equal((await send(target.url, login)).status, 200)
  const token = await getToken(target.url, {
    ...administrator,
    client_id: administrator.client_id.toUpperCase(),
  })
  idOf(await create(target, newUser(), { token }))
})

test('the audit log is searched by ids in either letter case', async () => {
  const correlation = randomUUID().toUpperCase()
  const headers = { 'x-correlation-id': correlation }
  const customer = await target.operator.addCustomer()
  const id = idOf(await create(target, newUser(), { customer: customer.toUpperCase(), headers }))
  const unknown = randomUUID().toUpperCase()
  await osis(target, { method: 'DELETE', path: `/api/v1/tenants/none/users/${unknown}`, headers })
  for (const spelled of [correlation, correlation.toLowerCase()]) {
    const entries = await target.operator.listAudit(spelled)
    assert.ok(entries.some((entry) => entry.target === id && entry.organization === customer))
    for (const entry of entries) assert.equal(entry.correlationId, correlation.toLowerCase())
  }
  assert.deepEqual(
    (await target.operator.listAuditOf(customer.toUpperCase())).map((entry) => entry.target),
    (await target.operator.listAuditOf(customer)).map((entry) => entry.target),
  )
})

test('a refused call is recorded with its ids in lower case', async () => {
  const correlation = randomUUID()
  const [customer, id] = [randomUUID(), randomUUID()]
  const user = newUser({ id: id.toUpperCase() })
  const headers = { 'x-correlation-id': correlation }
  assert.equal((await create(target, user, { customer: customer.toUpperCase(), headers })).status, 404)
  const [entry] = await target.operator.listAudit(correlation)
  // The entry of an organization that is not found is with the caller's own.
  assert.deepEqual([entry?.organization, entry?.target], [target.init.provider.id, id])
})

const NIL = '00000000-0000-0000-0000-000000000000'

test('the nil UUID counts as an id that was not sent', async () => {
  const headers = { 'x-correlation-id': NIL, 'idempotency-key': randomUUID() }
  const users = [newUser({ id: NIL }), newUser({ id: NIL })]
  const ids = []
  for (const user of users) ids.push(idOf(await create(target, user, { query: `?resellerId=${NIL}` })))
  assert.equal(new Set([NIL, ...ids]).size, 3)
  assert.equal(idOf(await create(target, users[0]), 200), ids[0])
  const response = await create(target, newUser({ id: NIL }), { headers })
  assert.match(String(response.headers['x-correlation-id']), UUID)
  assert.notEqual(response.headers['x-correlation-id'], NIL)
})

test('a group without an id is named by its place', async () => {
  assertInvalid(await create(target, newUser({ groups: [{ id: NIL }] })), ['groups[0].id'])
})

test('a taken id is refused in the same words, whoever has it', async () => {
  const { provider, reseller, customer, groups, clients } = target.init
  const other = await target.operator.addCustomer()
  const removed = idOf(await create(target, newUser()))
  await target.operator.removeUser(removed)
  const account = createdOf<OsisUser>(
    await createUser(target, (await newTenant(target)).tenant_id, newOsisUser()),
  )
  const holders = {
    'a user of this customer': idOf(await create(target, newUser())),
    'a user of another customer': idOf(await create(target, newUser(), { customer: other })),
    'a user whom OSIS made': account.user_id,
    'a removed user': removed,
    'an organization': provider.id,
    'a reseller': reseller.id,
    'this customer': customer.id,
    'a group': groups.Viewer,
    'a client': clients.osis.client_id,
  }
  const message = 'is taken; leave it out, or send another one'
  const gone = newUser()
  await target.operator.removeUser(idOf(await create(target, gone)))
  for (const [holder, id] of Object.entries(holders))
    for (const user of [newUser(), newUser({ email: null }), gone]) {
      const response = await create(target, { ...user, id: id.toUpperCase() })
      const { description, errors } = errorOf(response, 400, 'Conflict')
      assert.equal(description, `The id ${message}.`, holder)
      assert.deepEqual(errors, [{ propertyName: 'id', description: [message] }], holder)
    }
})

test('OSIS: an empty e-mail address or user name counts as absent', async () => {
  const body = newOsisUser({ email: '', username: '' })
  const user = createdOf<OsisUser>(await createUser(target, (await newTenant(target)).tenant_id, body))
  assert.deepEqual([user.email, user.username], [null, body.cd_user_id])
})
