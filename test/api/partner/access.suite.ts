import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { isPermitted } from '../../../src/directory/access.ts'
import { createClient } from '../../../src/directory/clients.ts'
import type { Operation } from '../../../src/model/audit.ts'
import type { HttpResponse } from '../../../testing/http.ts'
import type { Operation as Documented } from '../../contract/openapi.ts'
import { addOrganization } from '../../support/directories.ts'
import { type AreaName, addUserTo } from '../../support/portal-world.ts'
import {
  areas,
  bodyOf,
  type Caller,
  call,
  callers,
  type Ids,
  idIn,
  type Kind,
  kindOf,
  makeIds,
  PREPARATIONS,
  type Route,
  resellersOf,
  routes,
  type Sent,
  world,
} from './portal-calls.ts'

/** A parameter that never names anything. */
const NAMES_NOTHING = 'providerInstanceId'

// Every operation of the partner portal, called as every kind of caller, with ids in and out of reach and with ids that
// do not exist. What must happen follows from ACCESS and from REACH below.

function isAllowed({ organization, permission }: Caller, operation: Operation): boolean {
  const caller = { kind: 'client', pk: 0, id: '' } as const
  const ctx = { caller, organization, permission, portal: null, correlationId: '', address: null }
  return isPermitted(ctx, operation)
}

/** What a caller can see of a response: without the correlation id, and without the id that was sent. */
function shapeOf({ status, text }: HttpResponse, id: string): string {
  return `${status} ${text.replaceAll(id, 'ID').replace(/"correlationId":"[^"]*"/, '')}`
}

/** How often a call is watched: the client of a token is read again every two seconds. */
const WATCHES = 3

function watch(route: Route, sent: Sent): ReturnType<typeof world.watch<HttpResponse>> {
  const correlationId = randomUUID()
  return world.watch(correlationId, () => call(route, { ...sent, correlationId }))
}

/** Asserts that two calls get the same response, and need the same look-ups. */
async function assertAlike(
  what: string,
  one: [id: string, Sent],
  other: [id: string, Sent],
  route: Route,
): Promise<HttpResponse> {
  let differs = ''
  for (let i = 0; i < WATCHES; i++) {
    const [found, absent] = [await watch(route, one[1]), await watch(route, other[1])]
    assert.equal(shapeOf(found.result, one[0]), shapeOf(absent.result, other[0]), what)
    assert.ok(found.result.status < 500, `${what}: ${found.result.text}`)
    if (found.statements === absent.statements) return found.result
    differs = `${what}: the look-ups are ${found.statements}, and ${absent.statements} for an id that does not exist`
  }
  return assert.fail(differs)
}

const ABSENT: Partial<Record<Kind, string>> = { accessKey: 'A'.repeat(20) }
const absentOf = (kind: Kind): string => ABSENT[kind] ?? randomUUID()

/** What may be in no response to a caller who does not reach the area. No call names any of it. */
async function makeSecrets(area: AreaName): Promise<string[]> {
  const { operator, owner, portal } = areas[area]
  const { id: customer } = await addOrganization(
    { dir: world.dir, operator },
    'customer',
    resellersOf(areas[area]),
  )
  const organizationId = area === 'sibling' ? customer : owner.id
  const { id: client } = await createClient(world.dir, operator, {
    organizationId,
    name: 'Client',
    permission: 'viewer',
  })
  const { id: user, email } = await addUserTo(world, areas[area])
  return [...(owner === areas.far.owner || area === 'beside' ? [portal] : []), customer, client, user, email]
}

const secrets = new Map<AreaName, readonly string[]>()
for (const area of ['sibling', 'beside', 'direct', 'far'] as const) secrets.set(area, await makeSecrets(area))

/** The parameters of a query and the members of a body that name things, except the object itself. */
function listNamed({ document }: Route): { name: string; where: 'query' | 'body' }[] {
  const isId = (schema: unknown): boolean => (schema as { format?: string }).format === 'uuid'
  const query = (document.parameters ?? []).filter(
    (one) => one.in === 'query' && isId(one.schema) && one.name !== NAMES_NOTHING,
  )
  const [media] = Object.values(document.requestBody?.content ?? {})
  const { properties = {} } = (media?.schema ?? {}) as { properties?: Record<string, unknown> }
  const members = Object.keys(properties).filter((name) => name !== 'id' && isId(properties[name]))
  return [
    ...query.map(({ name }) => ({ name, where: 'query' as const })),
    ...members.map((name) => ({ name, where: 'body' as const })),
  ]
}

function sendNamed(
  route: Route,
  caller: Caller,
  ids: Ids,
  named: { name: string; where: string; id: string },
): Sent {
  const { name, where, id } = named
  const { query = {} } = PREPARATIONS[route.key] ?? {}
  const body = bodyOf(route)
  if (where === 'query') return { caller, ids, body, query: { ...query, [name]: id } }
  return { caller, ids, query, body: { ...(body as object), [name]: id } }
}

async function assertOwn(route: Route, caller: Caller): Promise<void> {
  const { query = {}, refused } = PREPARATIONS[route.key] ?? {}
  const response = await call(route, {
    caller,
    ids: await makeIds(route, caller),
    query,
    body: bodyOf(route),
  })
  const what = `${caller.name}: ${route.key} is ${response.status} ${response.text}`
  if (refused) assert.equal(response.status, refused.status, what)
  else assert.ok(response.status >= 200 && response.status < 300, what)
  for (const area of caller.foreign)
    for (const secret of secrets.get(area) ?? [])
      assert.ok(!response.text.includes(secret), `${what} has ${secret} of ${area}`)
}

async function assertForeign(route: Route, caller: Caller): Promise<void> {
  const ids = await makeIds(route, caller)
  const { query = {} } = PREPARATIONS[route.key] ?? {}
  const body = bodyOf(route)
  for (const name of Object.keys(ids)) {
    const kind = kindOf(route, name)
    for (const area of caller.foreign) {
      const id = await idIn(area, kind)
      if (id === undefined) continue
      const absent = absentOf(kind)
      const as = (one: string): [string, Sent] => [one, { caller, ids: { ...ids, [name]: one }, query, body }]
      const what = `${caller.name}: ${route.key} with ${name} of ${area}`
      const { status, text } = await assertAlike(what, as(id), as(absent), route)
      assert.equal(status, 404, `${what}: ${text}`)
    }
  }
  for (const { name, where } of listNamed(route)) {
    for (const area of caller.foreign) {
      const kind = kindOf(route, name)
      const id = await idIn(area, kind)
      if (id === undefined) continue
      const as = (one: string): [string, Sent] => [
        one,
        sendNamed(route, caller, ids, { name, where, id: one }),
      ]
      const what = `${caller.name}: ${route.key} with ${name} of ${area} in its ${where}`
      const { status, text } = await assertAlike(what, as(id), as(absentOf(kind)), route)
      assert.ok(status >= 400, `${what}: ${status} ${text}`)
    }
  }
}

/** Every operation of the partner portal, called as every kind of caller. */
export function accessSuite(): void {
  for (const route of routes)
    test(`${route.key} is for the callers of ${route.operation}, and for what they reach`, async () => {
      for (const caller of callers) {
        if (isAllowed(caller, route.operation)) {
          await assertOwn(route, caller)
          await assertForeign(route, caller)
          continue
        }
        const ids = Object.fromEntries(
          [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => [name, randomUUID()]),
        )
        const response = await call(route, { caller, ids, body: bodyOf(route) })
        assert.deepEqual([response.status, response.text], [403, ''], `${caller.name}: ${route.key}`)
      }
    })

  test('no caller runs an operation through a portal that is not theirs', async () => {
    for (const caller of callers.filter(({ name }) => !name.includes('at the portal')))
      for (const area of caller.foreign)
        for (const route of routes.filter(({ operation }) => isAllowed(caller, operation)))
          if (areas[area].portal !== 'portal.example' && area !== 'sibling') {
            const response = await call(route, { caller: { ...caller, portal: areas[area].portal } })
            assert.deepEqual(
              [response.status, response.text],
              [403, ''],
              `${caller.name}: ${route.key} at ${area}`,
            )
          }
  })

  test('every POST and PATCH takes an Idempotency-Key, and operations of ours say that they are', () => {
    for (const { method, key, document } of routes) {
      const headers = (document.parameters ?? []).filter((one) => one.in === 'header').map(({ name }) => name)
      assert.equal(headers.includes('Idempotency-Key'), method === 'POST' || method === 'PATCH', key)
      const { description, 'x-usher-ours': ours = false } = document as Documented & Record<string, unknown>
      assert.equal(String(description).startsWith('Ours.'), ours, key)
    }
  })
}
