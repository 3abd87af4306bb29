import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { addCaller, addCustomer, addReseller, list, type ResellerCall, read } from './companies.ts'
import { assertInvalid, callPortal, create, errorOf, idOf, newUser } from './portal.ts'
import { useTarget } from './target.ts'

const target = useTarget()

const relate = (customer: string, reseller: string, query = '') =>
  callPortal(target, 'PUT', `/Customers/${customer}/resellers/${reseller}${query}`)
const unrelate = (customer: string, reseller: string) =>
  callPortal(target, 'DELETE', `/Customers/${customer}/resellers/${reseller}`)

async function reaches(customer: string, caller: ResellerCall): Promise<boolean> {
  return (await callPortal(target, 'GET', `/Customers/${customer}`, caller)).status === 200
}

test('a related reseller reaches the customer, at once', async () => {
  const caller = await addCaller(target)
  const id = await addCustomer(target)
  assert.equal(await reaches(id, caller), false)
  assert.equal((await relate(id, caller.id)).status, 204)
  assert.equal((await relate(id, caller.id)).status, 204)
  assert.equal(await reaches(id, caller), true)
  const user = idOf(await create(target, newUser(), { customer: id, ...caller }))
  assert.equal((await read(target, `/users/${user}`)).resellerId, caller.id)
})

test('the end of a relation takes its users out of the context, and deletes its identifier', async () => {
  const caller = await addCaller(target)
  const id = await addCustomer(target, { resellerId: caller.id, internalIdentifier: 'R-1' })
  const user = idOf(await create(target, newUser(), { customer: id, ...caller }))
  const before = await read(target, `/users/${user}`)
  assert.equal((await unrelate(id, caller.id)).status, 204)
  assert.equal(await reaches(id, caller), false)
  const after = await read(target, `/users/${user}`)
  assert.deepEqual([before.resellerId, after.resellerId], [caller.id, null])
  errorOf(await unrelate(id, caller.id), 404, 'NotFound')
  errorOf(await create(target, newUser(), { customer: id, ...caller }), 404, 'NotFound')
  await relate(id, caller.id)
  assert.equal((await read(target, `/Customers/${id}`, caller)).internalIdentifier, null)
})

test('a reseller reads the identifiers of its own relation alone, also in the audit log', async () => {
  const caller = await addCaller(target)
  const id = await addCustomer(target, { resellerId: caller.id })
  const identify = (internalIdentifier: string, call = {}) =>
    callPortal(target, 'PATCH', `/Customers/${id}/internal-identifier`, {
      ...call,
      body: { internalIdentifier },
    })
  assert.equal((await identify('P-1')).status, 204)
  assert.equal((await identify('R-1', caller)).status, 204)
  const path = `/AuditLogs?Operations=UpdateCustomerIdentifier&resellerId=${caller.id}`
  const readValues = async (call = {}): Promise<unknown[]> =>
    (await list(target, path, call)).items.flatMap(({ changes }) =>
      (changes as { after: unknown }[]).map(({ after }) => after),
    )
  assert.deepEqual(await readValues(caller), ['R-1'])
  assert.deepEqual(await readValues(), ['R-1'])
  const all = (await list(target, '/AuditLogs?Operations=UpdateCustomerIdentifier')).items
  assert.match(JSON.stringify(all), /"P-1"/)
})

test('a customer moves from one reseller to another with its users', async () => {
  const [from, to] = [await addCaller(target), await addCaller(target)]
  const id = await addCustomer(target, { resellerId: from.id })
  const user = idOf(await create(target, newUser(), { customer: id, ...from }))
  assert.equal((await relate(id, to.id, `?fromResellerId=${from.id}`)).status, 204)
  assert.deepEqual([await reaches(id, from), await reaches(id, to)], [false, true])
  assert.equal((await read(target, `/users/${user}`, to)).resellerId, to.id)
  assert.deepEqual((await read(target, `/Customers/${id}`)).resellerIds, [to.id])
  assert.equal((await list(target, `/Customers?resellerId=${from.id}`)).totalCount, 0)
  errorOf(await relate(id, to.id, `?fromResellerId=${from.id}`), 404, 'NotFound')
  assertInvalid(await relate(id, to.id, `?fromResellerId=${to.id}`), ['fromResellerId'])
  errorOf(await relate(id, to.id, `?fromResellerId=${randomUUID()}`), 404, 'NotFound')
})

test('customers and resellers that do not exist are not found', async () => {
  const [customer, reseller] = [await addCustomer(target), await addReseller(target)]
  for (const act of [relate, unrelate]) {
    errorOf(await act(randomUUID(), reseller), 404, 'NotFound')
    errorOf(await act(customer, randomUUID()), 404, 'NotFound')
    errorOf(await act(reseller, customer), 404, 'NotFound')
    assertInvalid(await act('x', 'y'), ['customerId', 'resellerId'])
  }
})
