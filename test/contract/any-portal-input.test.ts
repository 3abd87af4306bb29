import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { engine } from '../../testing/environment.ts'
import { rounds } from '../../testing/full-length.ts'
import { send } from '../../testing/http.ts'
import {
  anyBody,
  anyEmail,
  anyHeader,
  anyId,
  anyObject,
  anyQuery,
  anyText,
  encoded,
  nearly,
} from './arbitrary.ts'
import { contradictionOf, getDocument, type Operation } from './openapi.ts'
import { create, idOf, newEmail, newUser } from './portal.ts'
import { changed, singleUsersOf } from './single-users.ts'
import { useOwnTarget } from './target.ts'

/** Enough for every operation to get ids that exist. On PostgreSQL it is about text that the database refuses. */
const RUNS = rounds(engine() === 'sqlite' ? 300 : 100, 3_000)
/** After so many calls, a third of the operations have succeeded. A slow machine may not make as many in time. */
const ENOUGH = 100

const target = useOwnTarget()
const { patch, remove } = singleUsersOf(target)

function headersOf(): Record<string, string> {
  const { init, token } = target
  return { 'content-type': 'application/json', 'x-tenant': init.portal, authorization: `Bearer ${token}` }
}

/** Ids and an address that exist, by the names of path parameters. */
type Known = Readonly<Record<'customerId' | 'resellerId' | 'id' | 'email', string>>

/** Adds a reseller, a customer and a user of it: an earlier call may have deleted others. */
async function addKnown(): Promise<Known> {
  const resellerId = await target.operator.addReseller(`${randomUUID()}.example`)
  const customerId = await target.operator.addCustomer(resellerId)
  const email = newEmail()
  const id = idOf(await create(target, newUser({ email }), { customer: customerId }))
  return { customerId, resellerId, id, email }
}

/** Bodies as the example of the operation, with any members in place of its own. */
function bodyOf({ requestBody }: Operation): fc.Arbitrary<Buffer> {
  const media = requestBody?.content['application/json']
  const schema = media?.schema as { examples?: readonly unknown[] } | undefined
  const example = media?.example ?? schema?.examples?.[0] ?? {}
  const members = Object.entries(example as object).map(([name, value]) => [
    name,
    fc.oneof({ weight: 3, arbitrary: fc.constant(value as unknown) }, anyText, fc.jsonValue()),
  ])
  return anyBody(anyObject(Object.fromEntries(members)))
}

test('every operation of the partner portal gives a documented response to any input', async () => {
  const { paths } = await getDocument(target.url, 'customer')
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )
  const { customer, reseller } = target.init
  let known = await addKnown()
  const value = fc.oneof(
    anyText,
    fc.constantFrom('0', '1', '2000', '2001', '-1', 'true', 'Name', 'Email', 'Viewer|x'),
    anyId(customer.id, reseller.id),
  )
  // A path that ends with a slash is that of a list.
  const anyName = anyText.filter((text) => text !== '')
  const call = fc.nat(operations.length - 1).chain((at) => {
    const { operation } = operations[at] ?? assert.fail()
    const names = (operation.parameters ?? []).filter((one) => one.in === 'query').map((one) => one.name)
    return fc.record({
      at: fc.constant(at),
      id: fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, anyName, fc.uuid()),
      query: anyQuery(['resellerId', ...names], value),
      ifMatch: fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, anyHeader('*', '"x"', 'W/"x"')),
      body: bodyOf(operation),
    })
  })
  const succeeded = new Set<string>()
  let calls = 0
  const property = fc.asyncProperty(call, async ({ at: place, id, query, ifMatch, body }) => {
    calls++
    const at = operations[place] ?? assert.fail()
    const own: Readonly<Record<string, string>> = known
    const path = at.path.replace(/\{(\w+)\}/g, (_, name) => encoded(id ?? own[name] ?? randomUUID())) + query
    const bodied = !['GET', 'DELETE'].includes(at.method)
    const headers = { ...headersOf(), 'if-match': ifMatch }
    const response = await send(target.url, { method: at.method, path, headers, ...(bodied && { body }) })
    if (response.status < 300) succeeded.add(at.operation.operationId)
    if (at.method === 'DELETE' && response.status < 300) known = await addKnown()
    assert.equal(contradictionOf(at.operation, response), undefined, `${at.method} ${path}`)
  })
  await fc.assert(property, { numRuns: RUNS, interruptAfterTimeLimit: 30_000 })
  const isEnough = calls < ENOUGH || succeeded.size > operations.length / 3
  assert.ok(isEnough, `only ${[...succeeded]} of ${calls} calls succeeded`)
})

test('a PATCH of a user with any body gives a documented response, and leaves a user that can be read', async () => {
  const { paths } = await getDocument(target.url, 'customer')
  const operation = paths['/v1/users/{email}']?.patch ?? assert.fail()
  const { Viewer, 'Alert Manager': Alerts } = target.init.groups
  const { id, customerId } = await addKnown()
  const group = anyObject({ id: anyId(Viewer, Alerts), name: anyText })
  const body = anyObject({
    id: nearly(fc.constant(id)),
    firstName: anyText,
    lastName: anyText,
    email: anyEmail,
    role: fc.constantFrom({}, { name: 'customer' }, { name: 'csp' }),
    groups: fc.array(group, { maxLength: 4 }),
    active: fc.boolean(),
    customerId: anyId(customerId),
  })
  let changes = 0
  const property = fc.asyncProperty(anyBody(body), async (bytes) => {
    const response = await patch(id, bytes)
    if (response.status === 204) changes++
    assert.equal(contradictionOf(operation, response), undefined)
  })
  await fc.assert(property, { numRuns: RUNS, interruptAfterTimeLimit: 20_000 })
  assert.ok(changes > 0)
  changed(await remove(id))
})
