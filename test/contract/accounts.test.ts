import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { type HttpResponse, jsonOf } from '../../testing/http.ts'
import { waitUntil } from '../../testing/wait.ts'
import { createdOf, createUser, newOsisUser, type OsisUser, osis } from './object-store.ts'
import {
  assertInvalid,
  assertNoBody,
  callPortal,
  create,
  errorOf,
  idOf,
  newEmail,
  newUser,
} from './portal.ts'
import { singleUsersOf } from './single-users.ts'
import { newToken, useTarget } from './target.ts'

const target = useTarget()
const { act, add: addUser, read, remove } = singleUsersOf(target)

interface Account {
  readonly platform: string
  readonly tenantId: string
  readonly canonicalUserId: string
  readonly state: string
  readonly reason: string | null
  readonly platformState: string
  readonly credentials: number
}

interface Key {
  readonly accessKey: string
  readonly secretKey?: string
  readonly active: boolean
  readonly platformState?: string
}

const call = (method: string, path: string, body?: unknown): Promise<HttpResponse> =>
  callPortal(target, method, path, { body })
const ok = async <T>(calling: Promise<HttpResponse>, status = 200): Promise<T> => {
  const response = await calling
  assert.equal(response.status, status, response.text)
  return jsonOf<T>(response)
}

/** Gives a customer, by default the target's, a tenant. */
function putTenant(accounts: string, customer = target.init.customer.id): Promise<HttpResponse> {
  return call('PUT', `/Customers/${customer}/tenant`, { accounts })
}

const ofCustomer = (id: string): string => `/customer/${target.init.customer.id}/users/${id}/account`

test('a customer gets a tenant that says who has an account, and everyone then has one', async () => {
  const customer = await target.operator.addCustomer()
  const path = `/Customers/${customer}/tenant`
  errorOf(await call('GET', path), 404, 'NotFound')
  const tenant = await ok<Record<string, unknown>>(call('PUT', path, { accounts: 'named', name: 'Acme' }))
  assert.deepEqual([tenant.name, tenant.accounts, tenant.jobId], ['Acme', 'named', null])
  const before = idOf(await create(target, newUser(), { customer }))
  errorOf(await call('POST', `/users/${before}/account/credentials`), 404, 'NotFound')
  const changed = await ok<Record<string, unknown>>(call('PUT', path, { accounts: 'everyone' }))
  assert.deepEqual([changed.id, changed.accounts], [tenant.id, 'everyone'])
  assert.equal((await ok<{ jobId: null }>(call('PUT', path, { accounts: 'everyone' }))).jobId, null)
  const { jobId: _, ...view } = changed
  assert.deepEqual(await ok(call('GET', path)), view)
  // Another Usher process may still remember the customer: this one gives the account at once.
  const after = idOf(await create(target, newUser(), { customer }))
  for (const id of [after, before])
    await waitUntil(
      async () => (await call('GET', `/users/${id}/account/credentials`)).status === 200,
      10_000,
    )
  const job = await ok<{ operation: string }>(call('GET', `/jobs/${changed.jobId}`))
  assert.equal(job.operation, 'CreateAccounts')
  assertInvalid(await call('PUT', path, { accounts: 'all' }), ['accounts'])
  assertInvalid(await call('PUT', path, { accounts: 'named', name: '' }), ['name'])
})

test('a user gets an account on request; it follows their suspension and their deletion', async () => {
  await putTenant('named')
  const { id } = await addUser()
  const made = await call('POST', `/users/${id.toUpperCase()}/account`)
  const account = await ok<Account>(Promise.resolve(made), 201)
  assert.equal(made.headers.location, `/v1/users/${id}`)
  assert.partialDeepStrictEqual(account, {
    ...{ platform: 'embedded', canonicalUserId: `${account.tenantId}$${id}` },
    ...{ state: 'active', reason: null, platformState: 'applied', credentials: 0 },
  })
  const again = () => ok<Account>(call('POST', ofCustomer(id)))
  assert.deepEqual(await again(), account)
  assert.deepEqual((await read(id)).accounts, [account])
  const change = (active: boolean) => ok<Account>(call('PATCH', ofCustomer(id), { active }))
  assert.deepEqual(
    [(await change(false)).reason, (await change(false)).state],
    ['account_suspended', 'suspended'],
  )
  await act(id, 'suspend')
  assert.equal((await again()).reason, 'user_suspended')
  await change(true)
  assert.equal((await again()).state, 'suspended')
  await act(id, 'resume')
  assert.deepEqual([(await again()).reason, (await again()).state], [null, 'active'])
  assertInvalid(await call('PATCH', ofCustomer(id), { active: 'yes' }), ['active'])
  for (let i = 0; i < 2; i++) assert.equal((await call('DELETE', ofCustomer(id))).status, 204)
  errorOf(await call('PATCH', ofCustomer(id), { active: true }), 404, 'NotFound')
  assert.equal((await ok<Account>(call('POST', ofCustomer(id)), 201)).state, 'active')
  await remove(id)
  errorOf(await call('POST', ofCustomer(id)), 404, 'NotFound')
  // The account was removed with the user, and does not come back with them.
  await act(id, 'restore')
  errorOf(await call('GET', `${ofCustomer(id)}/credentials`), 404, 'NotFound')
})

test('keys are made, listed without secrets, disabled and deleted', async () => {
  await putTenant('named')
  const { id } = await addUser()
  await call('POST', `/users/${id}/account`)
  const keys = `/users/${id}/account/credentials`
  assert.deepEqual(await ok(call('GET', keys)), [])
  const made = await call('POST', keys)
  const first = await ok<Key>(Promise.resolve(made), 201)
  assert.equal(made.headers.location, `/v1${keys}/${first.accessKey}`)
  assert.match(first.secretKey ?? '', /^[\w+/-]{40}$/)
  assert.deepEqual([first.active, first.platformState], [true, 'applied'])
  const second = await ok<Key>(call('POST', `${ofCustomer(id)}/credentials`), 201)
  const listed = await ok<Key[]>(call('GET', keys))
  assert.deepEqual(
    listed.map(({ accessKey }) => accessKey),
    [first.accessKey, second.accessKey],
  )
  for (const key of listed) assert.deepEqual(Object.keys(key), ['accessKey', 'active', 'createdAt'])
  const one = `${keys}/${first.accessKey}`
  const changed = await ok<Key>(call('PATCH', one, { active: false }))
  assert.deepEqual([changed.active, changed.secretKey, changed.platformState], [false, undefined, 'applied'])
  assert.deepEqual(
    (await ok<Key[]>(call('GET', keys))).map(({ active }) => active),
    [false, true],
  )
  assert.equal((await call('DELETE', one)).status, 204)
  errorOf(await call('PATCH', one, { active: true }), 404, 'NotFound')
  assert.equal((await ok<Key[]>(call('GET', keys))).length, 1)
  // A key of another user is as unknown as none, and a hostile one is refused or unknown.
  const other = await addUser()
  await call('POST', `/users/${other.id}/account`)
  const foreign = `/users/${other.id}/account/credentials`
  const responses = [
    await call('DELETE', `${foreign}/${second.accessKey}`),
    await call('DELETE', `${foreign}/${'A'.repeat(20)}`),
  ].map((response) => errorOf(response, 404, 'NotFound').description.replace(/key \w+/, 'key'))
  assert.equal(responses[0], responses[1])
  assertInvalid(await call('DELETE', `${keys}/%00`), ['accessKey'])
  assert.equal((await ok<Key[]>(call('GET', keys))).length, 1)
})

test('an idempotency key makes one account key, whose secret is returned again', async () => {
  await putTenant('named')
  const { id } = await addUser()
  await call('POST', `/users/${id}/account`)
  const keys = `/users/${id}/account/credentials`
  const headers = { 'idempotency-key': randomUUID() }
  const made = []
  for (let i = 0; i < 2; i++) made.push(await ok<Key>(callPortal(target, 'POST', keys, { headers }), 201))
  assert.deepEqual(made[1], made[0])
  assert.equal((await ok<Key[]>(call('GET', keys))).length, 1)
})

test('Cloud Director finds the account by e-mail, and OSIS shows it before', async () => {
  const customer = target.init.customer.id
  const tenant = await ok<{ id: string }>(putTenant('everyone'))
  const email = newEmail()
  const id = idOf(await create(target, newUser({ email }), { customer }))
  const path = `/api/v1/tenants/${tenant.id}/users`
  const shown = await ok<OsisUser>(osis(target, { path: `${path}/${id}` }))
  assert.partialDeepStrictEqual(shown, {
    ...{ user_id: id, cd_tenant_id: '', cd_user_id: id, username: id, email, active: true },
  })
  const key = await ok<Key>(call('POST', `/users/${id}/account/credentials`), 201)
  const linked = createdOf<OsisUser>(
    await createUser(target, tenant.id, { ...newOsisUser(), email: email.toUpperCase(), username: 'Ada' }),
  )
  assert.deepEqual([linked.user_id, linked.canonical_user_id], [id, shown.canonical_user_id])
  assert.equal(linked.username, 'Ada')
  const { items } = await ok<{ items: { access_key: string; cd_user_id: string }[] }>(
    osis(target, { path: `${path}/${id}/s3credentials` }),
  )
  assert.deepEqual(
    items.map((one) => [one.access_key, one.cd_user_id]),
    [[key.accessKey, linked.cd_user_id]],
  )
  await act(id, 'suspend')
  assert.equal((await ok<OsisUser>(osis(target, { path: `${path}/${id}` }))).active, false)
  await putTenant('named')
})

test('without a tenant there is no account, and the response says what to do', async () => {
  const customer = await target.operator.addCustomer()
  const id = idOf(await create(target, newUser(), { customer }))
  const { description } = errorOf(await call('POST', `/users/${id}/account`), 400, 'Conflict')
  assert.match(description, /give the customer a tenant first/)
  const ofProvider = idOf(await call('POST', '/users', newUser()))
  const refused = errorOf(await call('POST', `/users/${ofProvider}/account`), 400, 'Conflict')
  assert.match(refused.description, /Only users of customers/)
})

test('only those who manage the user may do it, and viewers read', async () => {
  await putTenant('named')
  const customer = target.init.customer.id
  const { id } = await addUser()
  const account = `/users/${id}/account`
  const viewer = await newToken(target, customer, 'viewer')
  const other = await newToken(target, await target.operator.addCustomer())
  const as = (token: string, method: string, path: string, body?: unknown) =>
    callPortal(target, method, path, { token, body })
  assertNoBody(await as(viewer, 'POST', account), 403)
  await ok(as(await newToken(target, customer), 'POST', account), 201)
  assert.deepEqual(await ok(as(viewer, 'GET', `${account}/credentials`)), [])
  const key = await ok<Key>(call('POST', `${account}/credentials`), 201)
  for (const [method, path, body] of [
    ['POST', account, undefined],
    ['PATCH', account, { active: false }],
    ['DELETE', account, undefined],
    ['GET', `${account}/credentials`, undefined],
    ['POST', `${account}/credentials`, undefined],
    ['PATCH', `${account}/credentials/${key.accessKey}`, { active: false }],
    ['DELETE', `${account}/credentials/${key.accessKey}`, undefined],
  ] as const) {
    const absent = path.replace(id, randomUUID())
    const texts = []
    for (const one of [path, absent])
      texts.push(
        errorOf(await as(other, method, one, body), 404, 'NotFound').description.replace(/[\da-f-]{36}/, ''),
      )
    assert.equal(texts[0], texts[1])
    const elsewhere = await target.operator.addCustomer()
    errorOf(await call(method, `/customer/${elsewhere}${path}`, body), 404, 'NotFound')
  }
  for (const token of [viewer, other])
    assertNoBody(await as(token, 'PUT', `/Customers/${customer}/tenant`, { accounts: 'named' }), 403)
  errorOf(await as(other, 'GET', `/Customers/${customer}/tenant`), 404, 'NotFound')
})

test('twenty requests at once give one account, and as many keys as were asked for', async () => {
  await putTenant('named')
  const { id } = await addUser()
  const made = await Promise.all(Array.from({ length: 20 }, () => call('POST', `/users/${id}/account`)))
  assert.deepEqual(
    made.map(({ status }) => status).toSorted((one, other) => other - one),
    [201, ...Array.from({ length: 19 }, () => 200)],
  )
  const keys = await Promise.all(
    Array.from({ length: 20 }, () => ok<Key>(call('POST', `/users/${id}/account/credentials`), 201)),
  )
  const listed = await ok<Key[]>(call('GET', `/users/${id}/account/credentials`))
  assert.deepEqual(
    listed.map(({ accessKey }) => accessKey).toSorted(),
    keys.map(({ accessKey }) => accessKey).toSorted(),
  )
})
