import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { engine } from '../../testing/environment.ts'
import { rounds } from '../../testing/full-length.ts'
import { send } from '../../testing/http.ts'
import { anyBody, anyEmail, anyHeader, anyId, anyObject, anyQuery, anyText, encoded } from './arbitrary.ts'
import { type ConsoleClient, enterFirst, SAME_ORIGIN } from './console-client.ts'
import { addPeople, type SignedIn } from './console-people.ts'
import { contradictionOf, getDocument, type Operation } from './openapi.ts'
import { useOwnTarget } from './target.ts'

/** Enough for every operation to get ids that exist. On PostgreSQL it is about text that the database refuses. */
const RUNS = rounds(engine() === 'sqlite' ? 400 : 100, 4_000)

let grace: ConsoleClient
let callers: readonly SignedIn[]
const target = useOwnTarget({}, async () => {
  grace = await enterFirst(target)
  callers = Object.values(await addPeople(target, grace))
})

/** Ends the session of the call, or makes one: the test would be over. */
const LEFT_OUT: ReadonlySet<string> = new Set(['/session/end', '/session/switch', '/enter'])

async function addUser(): Promise<string> {
  const body = { firstName: 'Ada', lastName: 'Lovelace', email: `${randomUUID()}@x.example` }
  const path = `/organizations/${target.init.customer.id}/users`
  return (await grace.call<{ id: string }>('POST', path, body)).id
}

/** Bodies with the members of the operation's schema, each of any kind. */
function bodyOf({ requestBody }: Operation): fc.Arbitrary<Buffer> {
  const schema = requestBody?.content['application/json']?.schema as { properties?: object } | undefined
  const { Viewer } = target.init.groups
  const values: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
    email: anyEmail,
    groupIds: fc.array(anyId(Viewer), { maxLength: 3 }),
    reseller: anyId(target.init.reseller.id),
    userIds: fc.array(fc.uuid(), { maxLength: 3 }),
    active: fc.boolean(),
  }
  const names = Object.keys(schema?.properties ?? {})
  return anyBody(anyObject(Object.fromEntries(names.map((name) => [name, values[name] ?? anyText]))))
}

test("every operation of the console's API gives a documented response to any input, as any person", async () => {
  const { paths } = await getDocument(target.url, 'console')
  const operations = Object.entries(paths)
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        path,
        method: method.toUpperCase(),
        operation,
      })),
    )
    .filter(({ path }) => !LEFT_OUT.has(path.replace('/console/api', '')))
  const { customer, reseller, provider, groups } = target.init
  let known = await addUser()
  const next = await grace.call<{ next: string | null }>('GET', '/users?limit=1')
  const value = fc.oneof(
    anyText,
    fc.constantFrom('0', '1', '200', '201', '-1', 'true', 'name', 'email', 'failing,none', 'changes,reads'),
    fc.constantFrom(
      '2026-01-01T00:00:00Z',
      '9999-12-31T23:59:59Z',
      'operator',
      'late',
      'Failed',
      next.next ?? '',
    ),
    anyId(customer.id, reseller.id, provider.id, groups.Viewer),
  )
  const anyName = anyText.filter((text) => text !== '')
  const call = fc.nat(operations.length - 1).chain((at) => {
    const { operation } = operations[at] ?? assert.fail()
    const names = (operation.parameters ?? []).filter((one) => one.in === 'query').map((one) => one.name)
    return fc.record({
      at: fc.constant(at),
      who: fc.nat(callers.length - 1),
      id: fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, anyName, fc.uuid()),
      query: anyQuery(['limit', ...names], value),
      ifMatch: anyHeader('*', '"x"', 'W/"x"'),
      key: anyHeader(randomUUID(), 'x'),
      body: bodyOf(operation),
    })
  })
  const succeeded = new Set<string>()
  const property = fc.asyncProperty(call, async ({ at: place, who, id, query, ifMatch, key, body }) => {
    const { path: template, method, operation } = operations[place] ?? assert.fail()
    const ofOrganization = template.includes('/organizations/') ? customer.id : known
    const path = template.replace(/\{(\w+)\}/g, () => encoded(id ?? ofOrganization)) + query
    const headers = {
      host: new URL(target.url).host,
      ...SAME_ORIGIN,
      'content-type': 'application/json',
      cookie: callers[who]?.cookie,
      'if-match': ifMatch,
      'idempotency-key': key,
    }
    const isBodied = operation.requestBody !== undefined
    const response = await send(target.url, { method, path, headers, ...(isBodied && { body }) })
    if (response.status < 300) succeeded.add(operation.operationId)
    if (method === 'DELETE' && response.status < 300) known = await addUser()
    assert.equal(contradictionOf(operation, response), undefined, `${method} ${path}`)
  })
  await fc.assert(property, { numRuns: RUNS, interruptAfterTimeLimit: 30_000 })
  assert.ok(succeeded.size > operations.length / 3, `only ${[...succeeded]} succeeded`)
})
