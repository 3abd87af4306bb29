import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { HttpResponse } from '../../testing/http.ts'
import {
  assertInvalid,
  assertNoBody,
  callPortal,
  create,
  errorOf,
  newEmail,
  newUser,
  type PortalCall,
  UUID,
} from './portal.ts'
import { newToken, useTarget } from './target.ts'

const target = useTarget()

interface Result {
  readonly line: number
  readonly status: string
  readonly id?: string
  readonly errors?: readonly { readonly propertyName: string; readonly description: readonly string[] }[]
}

const NDJSON = { 'content-type': 'application/x-ndjson' }

/** Sends lines, each a JSON value or a text; returns the response. */
function send(
  lines: readonly unknown[],
  call: PortalCall & { customer?: string; query?: string } = {},
): Promise<HttpResponse> {
  const { customer = target.init.customer.id, query = '', headers, ...others } = call
  const body = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')
  const path = `/customer/${customer}/users/bulk${query}`
  return callPortal(target, 'POST', path, { ...others, body, headers: { ...NDJSON, ...headers } })
}

/** Sends lines in a call that must succeed; returns its results. */
async function bulk(lines: readonly unknown[], call?: Parameters<typeof send>[1]): Promise<Result[]> {
  const response = await send(lines, call)
  assert.equal(response.status, 200, response.text)
  assert.match(String(response.headers['content-type']), /^application\/x-ndjson/)
  assert.match(String(response.headers['x-import-id']), UUID)
  return response.text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Result)
}

const summarize = ({ line, status, errors }: Result): unknown[] => [
  line,
  status,
  ...(errors ?? []).map((one) => one.propertyName),
]

test('lines create, change and repeat users; wrong lines and conflicts say why and affect no other', async () => {
  const [one, other] = [newEmail(), newEmail()]
  const first = await bulk([
    { email: one, firstName: 'Ada', groups: ['Viewer', { id: target.init.groups['Alert Manager'] }] },
    '',
    { email: other, lastName: 'B' },
    'nonsense',
    { email: 'none', groups: ['Nobody'], firstName: 7 },
    { email: one.toUpperCase(), firstName: 'Other' },
  ])
  assert.deepEqual(first.map(summarize), [
    [1, 'created'],
    [3, 'created'],
    [4, 'invalid', 'row'],
    [5, 'invalid', 'firstName', 'email', 'groups[0]'],
    [6, 'conflict', 'email'],
  ])
  const again = await bulk([
    { email: one },
    { email: other, firstName: 'Bea', groups: ['Viewer'] },
    { email: other, firstName: 'Bea' },
  ])
  assert.deepEqual(again.map(summarize), [
    [1, 'unchanged'],
    [2, 'changed'],
    [3, 'unchanged'],
  ])
  assert.equal(again[1]?.id, first[1]?.id)
  const people = await target.operator.listUsers(target.init.customer.id)
  const found = people.filter(({ email }) => email === one || email === other)
  assert.deepEqual(
    found.map(({ firstName, lastName, groups }) => [firstName, lastName, [...groups].sort()]).sort(),
    [
      ['Ada', null, ['Alert Manager', 'Viewer']],
      ['Bea', 'B', ['Viewer']],
    ],
  )
})

test('each line has its own audit entry, as a call of its own has', async () => {
  const correlation = randomUUID()
  const [{ id: removed } = { id: '' }] = await bulk([{ email: 'gone@x.example' }])
  await target.operator.removeUser(String(removed))
  const lines = [
    { email: newEmail() },
    { email: 'gone@x.example' },
    { email: newEmail(), id: target.init.provider.id },
  ]
  const results = await bulk(lines, { headers: { 'x-correlation-id': correlation } })
  assert.deepEqual(results.map(summarize), [
    [1, 'created'],
    [2, 'restored'],
    [3, 'conflict', 'id'],
  ])
  const entries = await target.operator.listAudit(correlation)
  assert.deepEqual(entries.map(({ operation, status, outcome }) => [operation, status, outcome]).sort(), [
    ['CreateUser', 'Succeeded', 'created'],
    ['CreateUser', 'Succeeded', 'restored'],
    ['ImportUsers', 'Succeeded', 'begun'],
    ['ImportUsers', 'Succeeded', 'ended'],
    ['UpdateUser', 'Failed', 'id_taken'],
  ])
  assert.ok(await target.operator.verifyAudit())
})

test('the last Administrator keeps the group, whatever the lines say', async () => {
  const customer = await target.operator.addCustomer()
  const email = newEmail()
  await bulk([{ email, groups: ['Administrator'] }], { customer })
  const [kept] = await bulk([{ email, groups: [] }], { customer })
  assert.deepEqual([kept?.status, kept?.errors?.[0]?.propertyName], ['conflict', 'groups'])
  const both = [
    { email: newEmail(), groups: ['Administrator'] },
    { email, groups: null },
  ]
  assert.deepEqual((await bulk(both, { customer })).map(summarize), [
    [1, 'created'],
    [2, 'changed'],
  ])
})

test('a line names no other customer, and a customer out of reach looks absent', async () => {
  const other = await target.operator.addCustomer()
  const [line] = await bulk([{ email: newEmail(), customerId: other }])
  assert.deepEqual([line?.status, line?.errors?.[0]?.propertyName], ['invalid', 'customerId'])
  assert.deepEqual(await target.operator.listUsers(other), [])
  const reseller = await target.operator.addReseller('bulk.reseller.example')
  const stranger = { token: await newToken(target, reseller), portal: 'bulk.reseller.example' }
  const absent = randomUUID()
  const foreign = errorOf(
    await send([{ email: newEmail() }], { ...stranger, customer: other }),
    404,
    'NotFound',
  )
  const none = errorOf(
    await send([{ email: newEmail() }], { ...stranger, customer: absent }),
    404,
    'NotFound',
  )
  assert.equal(foreign.description.replace(other, absent), none.description)
  assertNoBody(await send([], { token: await newToken(target, target.init.provider.id, 'viewer') }), 403)
  assertNoBody(await send([], { query: `?resellerId=${reseller}` }), 403)
})

test("a reseller's call touches no user of another reseller's context", async () => {
  const portals = ['one.bulk.example', 'two.bulk.example'] as const
  const [one, two] = [
    await target.operator.addReseller(portals[0]),
    await target.operator.addReseller(portals[1]),
  ]
  const customer = await target.operator.addCustomer(one, two)
  const calls = await Promise.all(
    [one, two].map(async (id, i) => ({
      customer,
      token: await newToken(target, id),
      portal: String(portals[i]),
    })),
  )
  const line = { email: newEmail(), firstName: 'One' }
  assert.deepEqual((await bulk([line], calls[0])).map(summarize), [[1, 'created']])
  assert.deepEqual((await bulk([{ ...line, firstName: 'Two' }], calls[1])).map(summarize), [
    [1, 'conflict', 'email'],
  ])
  assert.deepEqual((await bulk([line], calls[0])).map(summarize), [[1, 'unchanged']])
})

test('a call has NDJSON, no idempotency key and no coding; an empty one does nothing', async () => {
  errorOf(await send([{}], { headers: { 'content-type': 'application/json' } }), 415, 'UnsupportedMediaType')
  errorOf(await send([{}], { headers: { 'content-encoding': 'gzip' } }), 415, 'UnsupportedMediaType')
  for (const coding of ['identity', ''])
    assert.equal((await send([{}], { headers: { 'content-encoding': coding } })).status, 200)
  assertInvalid(await send([{}], { headers: { 'idempotency-key': 'k' } }), ['Idempotency-Key'])
  assertInvalid(await send([{}], { customer: '7' }), ['customerId'])
  assert.deepEqual(await bulk([]), [])
  errorOf(await create(target, JSON.stringify(newUser()), { headers: NDJSON }), 415, 'UnsupportedMediaType')
})

test('lines that race with creates of the same users leave each user once', async () => {
  const emails = Array.from({ length: 20 }, newEmail)
  const lines = emails.map((email) => ({ email, firstName: 'Ada', lastName: 'Lovelace', groups: [] }))
  const [results, ...responses] = await Promise.all([
    bulk(lines),
    ...emails.map((email) => create(target, newUser({ email }))),
  ])
  assert.ok(results.every(({ status }) => status === 'created' || status === 'unchanged'))
  for (const [i, { status, text }] of responses.entries()) {
    assert.ok(status === 201 || status === 200, text)
    assert.equal(JSON.parse(text), results[i]?.id)
  }
})
