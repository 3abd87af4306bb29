import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { assertNoBody, type CreateOptions, create, idOf, newUser } from './portal.ts'
import { type AuditRow, newToken, useTarget } from './target.ts'

let viewer: string

const target = useTarget({}, async () => {
  viewer = await newToken(target, target.init.provider.id, 'viewer')
})

/** Calls with a new correlation id; returns the audit entries of that id. */
async function record(body: unknown, options: CreateOptions = {}): Promise<readonly AuditRow[]> {
  const correlation = randomUUID()
  const headers = { ...options.headers, 'x-correlation-id': correlation }
  await create(target, body, { ...options, headers })
  return target.operator.listAudit(correlation)
}

/** Asserts that one refused create was recorded. */
function assertRefusal(entries: readonly AuditRow[]): void {
  assert.equal(entries.length, 1)
  assert.equal(entries[0]?.operation, 'CreateUser')
  assert.equal(entries[0]?.status, 'Failed')
  assert.deepEqual(entries[0]?.changedFields, [])
  assert.equal(entries[0]?.address, '127.0.0.1')
}

test('a create is recorded: who, through which portal, where, whom, and which fields', async () => {
  const correlation = randomUUID()
  const user = newUser({ lastName: null, groups: [{ id: target.init.groups.Viewer }] })
  const id = idOf(await create(target, user, { headers: { 'x-correlation-id': correlation } }))
  const [entry, ...others] = await target.operator.listAudit(correlation)
  assert.deepEqual(others, [])
  const { at, changedFields, ...facts } = entry ?? assert.fail('there is no entry')
  assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000)
  assert.deepEqual([...changedFields].sort(), ['email', 'firstName', 'groups'])
  assert.partialDeepStrictEqual(facts, {
    operation: 'CreateUser',
    status: 'Succeeded',
    outcome: 'created',
    caller: target.init.clients.administrator.client_id,
    portal: target.init.portal,
    organization: target.init.customer.id,
    target: id,
    correlationId: correlation,
    address: '127.0.0.1',
  })
})

test('an entry holds names of fields and none of their values', async () => {
  const user = newUser({ firstName: 'Hypatia', lastName: 'Xenakis' })
  const text = JSON.stringify(await record(user))
  for (const value of ['Hypatia', 'Xenakis', String(user.email)]) assert.ok(!text.includes(value))
})

test('the same create again is recorded, with no field changed', async () => {
  const user = newUser()
  const id = idOf(await create(target, user))
  const [entry] = await record(user)
  assert.partialDeepStrictEqual(entry, {
    status: 'Succeeded',
    outcome: 'repeated',
    target: id,
    changedFields: [],
  })
})

test('a replay by Idempotency-Key is recorded, with no field changed', async () => {
  const user = newUser()
  const headers = { 'idempotency-key': randomUUID() }
  const id = idOf(await create(target, user, { headers }))
  const [entry] = await record(user, { headers })
  assert.partialDeepStrictEqual(entry, {
    status: 'Succeeded',
    outcome: 'replayed',
    target: id,
    changedFields: [],
  })
})

test('restoring a removed user is recorded', async () => {
  const user = newUser()
  const id = idOf(await create(target, user))
  await target.operator.removeUser(id)
  const [entry] = await record(user)
  assert.partialDeepStrictEqual(entry, { status: 'Succeeded', outcome: 'restored', target: id })
})

test('a refusal for the shape is recorded', async () => {
  assertRefusal(await record(newUser({ email: 5 })))
})

test('a refusal for malformed JSON is recorded', async () => {
  assertRefusal(await record('{'))
})

test('a refusal for the content type is recorded', async () => {
  const entries = await record(newUser(), { headers: { 'content-type': 'text/plain' } })
  assertRefusal(entries)
  assert.equal(entries[0]?.organization, target.init.customer.id)
})

test('a refusal for the size is recorded', async () => {
  assertRefusal(await record(newUser({ padding: 'x'.repeat(1024 * 1024) })))
})

test('a refusal of a viewer is recorded under the viewer', async () => {
  const entries = await record(newUser(), { token: viewer })
  assertRefusal(entries)
  assert.notEqual(entries[0]?.caller, target.init.clients.administrator.client_id)
  assert.equal(entries[0]?.organization, target.init.customer.id)
})

test('a refusal of a portal is recorded with that portal', async () => {
  const entries = await record(newUser(), { headers: { 'x-tenant': 'nowhere.example' } })
  assertRefusal(entries)
  assert.equal(entries[0]?.portal, 'nowhere.example')
})

test('a refusal of a reseller, a customer, a group, an e-mail, an id and a key is recorded', async () => {
  const reseller = await target.operator.addReseller('portal.audited.example')
  const user = newUser()
  const key = { 'idempotency-key': randomUUID() }
  const id = idOf(await create(target, user, { headers: key }))
  assertRefusal(await record(newUser(), { query: `?resellerId=${reseller}` }))
  assertRefusal(await record(newUser(), { query: `?resellerId=${randomUUID()}` }))
  assertRefusal(await record(newUser(), { customer: randomUUID() }))
  assertRefusal(await record(newUser({ groups: [{ id: randomUUID() }] })))
  assertRefusal(await record({ ...user, firstName: 'Grace' }))
  assertRefusal(await record(newUser({ id })))
  assertRefusal(await record(newUser(), { headers: key }))
})

test('an unknown caller leaves no entry', async () => {
  const correlation = randomUUID()
  const headers = { 'x-correlation-id': correlation }
  assertNoBody(await create(target, newUser(), { token: 'x', headers }), 401)
  assert.deepEqual(await target.operator.listAudit(correlation), [])
})

test('50 equal creates at once leave one entry each, and one of them says created', async () => {
  const correlation = randomUUID()
  const user = newUser()
  const headers = { 'x-correlation-id': correlation }
  await Promise.all(Array.from({ length: 50 }, () => create(target, user, { headers })))
  const entries = await target.operator.listAudit(correlation)
  assert.equal(entries.length, 50)
  assert.equal(entries.filter((entry) => entry.outcome === 'created').length, 1)
  assert.equal(entries.filter((entry) => entry.outcome === 'repeated').length, 49)
})

test('the audit log verifies', async () => {
  idOf(await create(target, newUser()))
  assert.equal(await target.operator.verifyAudit(), true)
})

test('the reason of a 403, which has no body, is found by its correlation id, and operating.md explains it', async () => {
  const operating = readFileSync(join(import.meta.dirname, '../../docs/operating.md'), 'utf8')
  const portal = `${randomUUID()}.example`
  const other = await target.operator.addReseller(`other.${portal}`)
  await target.operator.addPortal(portal, target.init.reseller.id)
  const token = await newToken(target, target.init.reseller.id)
  const calls: readonly (readonly [outcome: string, options: CreateOptions])[] = [
    ['not_permitted', { token: viewer }],
    ['portal_not_in_context', { headers: { 'x-tenant': 'nowhere.example' } }],
    ['reseller_not_related', { query: `?resellerId=${other}` }],
    ['reseller_not_own', { token, query: `?resellerId=${other}`, headers: { 'x-tenant': portal } }],
  ]
  for (const [outcome, options] of calls) {
    const response = await create(target, newUser(), options)
    assertNoBody(response, 403)
    const [entry] = await target.operator.listAudit(String(response.headers['x-correlation-id']))
    assert.equal(entry?.outcome, outcome)
    assert.match(operating, new RegExp(`^\\| \`${outcome}\` \\|`, 'm'))
  }
})
