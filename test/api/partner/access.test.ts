import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { isPermitted } from '../../../src/directory/access.ts'
import { createClient } from '../../../src/directory/clients.ts'
import { beginJob } from '../../../src/directory/jobs/jobs.ts'
import { newUnit } from '../../../src/directory/unit.ts'
import type { Operation } from '../../../src/model/audit.ts'
import type { Permission } from '../../../src/model/context.ts'
import type { Organization } from '../../../src/model/organizations.ts'
import { selectOrganization } from '../../../src/store/tables/organizations.ts'
import { type Answer, jsonOf, send } from '../../../testing/http.ts'
import { type ApiDocument, type Operation as Documented, getDocument } from '../../contract/openapi.ts'
import { addOrganization } from '../../support/directories.ts'
import { type Area, type AreaName, addUserTo, startPortalWorld } from '../../support/portal-world.ts'
import { sqliteStores } from '../../support/stores.ts'

// Every operation of the partner portal, called as every kind of caller, with ids in and out of reach and with ids that
// do not exist. What must happen follows from ACCESS and from REACH below.

const { open } = sqliteStores()
const world = await startPortalWorld(open)
after(() => world.close())
const { areas } = world

/** Who calls, through which portal, and the areas that are in and out of their reach. */
interface Caller {
  readonly name: string
  readonly permission: Permission
  /** The organization of the context. */
  readonly organization: Organization
  readonly portal: string
  readonly token: string
  readonly foreign: readonly AreaName[]
}

async function newCaller(
  name: string,
  permission: Permission,
  at: { client: Organization; organization?: Organization; portal: AreaName },
): Promise<Caller> {
  const { client, organization = client, portal } = at
  const foreign = REACH[organization.kind]
  const token = await world.newToken(client, permission)
  return { name, permission, organization, portal: areas[portal].portal, token, foreign }
}

/** What is out of reach, by the kind of organization of the context. All contexts are those of `near` or above it. */
const REACH = {
  provider: ['far'],
  reseller: ['beside', 'direct', 'far'],
  customer: ['sibling', 'beside', 'direct', 'far'],
} as const

const { direct, near } = areas
const callers: readonly Caller[] = [
  await newCaller('an administrator of the provider', 'administrator', {
    client: direct.owner,
    portal: 'direct',
  }),
  await newCaller('a viewer of the provider', 'viewer', { client: direct.owner, portal: 'direct' }),
  await newCaller('an administrator of the provider at the portal of a reseller', 'administrator', {
    ...{ client: direct.owner, organization: near.owner, portal: 'near' },
  }),
  await newCaller('an administrator of a reseller', 'administrator', { client: near.owner, portal: 'near' }),
  await newCaller('a viewer of a reseller', 'viewer', { client: near.owner, portal: 'near' }),
  await newCaller('an administrator of a customer', 'administrator', {
    client: near.customer,
    portal: 'near',
  }),
  await newCaller('a viewer of a customer', 'viewer', { client: near.customer, portal: 'direct' }),
]

interface Route {
  readonly method: string
  /** The path with the names of its parameters in braces. */
  readonly path: string
  readonly key: string
  readonly document: Documented
  readonly operation: Operation
}

type Ids = Readonly<Record<string, string>>

interface Sent {
  readonly caller?: Caller
  readonly ids?: Ids
  readonly query?: Ids
  readonly body?: unknown
  readonly correlationId?: string
}

function call({ method, path, document }: Omit<Route, 'operation'>, sent: Sent): Promise<Answer> {
  const { caller, ids = {}, query = {}, body, correlationId } = sent
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(ids[name] ?? randomUUID()),
  )
  const [type] = Object.keys(document.requestBody?.content ?? {})
  const content = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const search = new URLSearchParams(query).toString()
  return send(world.url, {
    method,
    path: search ? `${filled}?${search}` : filled,
    headers: {
      'content-type': content === undefined ? undefined : type,
      'x-tenant': caller?.portal,
      'x-correlation-id': correlationId,
      authorization: caller && `Bearer ${caller.token}`,
    },
    body: content,
  })
}

/** Finds the operation of each route, as the metrics name it. */
async function readRoutes(document: ApiDocument): Promise<Route[]> {
  const found: Route[] = []
  for (const [path, methods] of Object.entries(document.paths))
    for (const [name, documented] of Object.entries(methods)) {
      const method = name.toUpperCase()
      if (method === 'HEAD') continue
      const route = { method, path, key: `${method} ${path}`, document: documented }
      const before = await readCounts()
      assert.equal((await call(route, {})).status, 401, `${route.key} is open to everyone`)
      const counts = await readCounts()
      const operation = [...counts.keys()].find((one) => counts.get(one) !== before.get(one))
      assert.ok(operation && operation !== 'none', `${route.key} has no operation`)
      found.push({ ...route, operation: operation as Operation })
    }
  return found
}

/** How many requests of each operation were refused as not authenticated. */
async function readCounts(): Promise<Map<string, string>> {
  const { text } = await send(world.url, { method: 'GET', path: '/metrics' })
  const lines = text.matchAll(/^usher_requests_total\{operation="(\w+)",status="401"\} (\d+)/gm)
  return new Map([...lines].map(([, name = '', count = '']) => [name, count]))
}

type Kind = 'organization' | 'customer' | 'reseller' | 'user' | 'client' | 'job' | 'webhook' | 'accessKey'

/** What each parameter names. A new one must be added here, and a new kind to MAKERS. */
const KINDS: readonly (readonly [parameter: RegExp, kind: Kind])[] = [
  [/ customerId$/, 'customer'],
  [/ resellerId$/, 'reseller'],
  [/ organizationId$/, 'organization'],
  [/\/users\/.* (id|email)$/, 'user'],
  [/^\/v1\/api-accesses.* id$/, 'client'],
  [/ jobId$/, 'job'],
  [/ webhookId$/, 'webhook'],
  [/ accessKey$/, 'accessKey'],
]

function kindOf({ path, key }: Route, name: string): Kind {
  const [, kind] = KINDS.find(([pattern]) => pattern.test(`${path} ${name}`)) ?? []
  assert.ok(kind, `say in KINDS what ${name} of ${key} is`)
  return kind
}

interface Making {
  readonly route: Route
  readonly caller: Caller
  /** The ids before it in the path. */
  readonly ids: Ids
}

type Maker = (area: Area, making?: Making) => Promise<string | undefined>

const organizationOf = async (id: string | undefined, area: Area): Promise<Organization> =>
  (id && (await world.dir.store.read((tx) => selectOrganization(tx, id)))) || area.customer

/**
 * Makes what a parameter names: for the caller (`making`), a new one if they may have several; else any one. Undefined
 * if the area has none.
 */
const MAKERS: Readonly<Record<Kind, Maker>> = {
  organization: async ({ customer, owner }, making) =>
    (making ? making.caller.organization : (customer ?? owner)).id,
  async customer(area, making) {
    if (!making || making.caller.organization.kind === 'customer') return area.customer.id
    const { dir } = world
    return (await addOrganization({ dir, operator: area.operator }, 'customer', [area.owner.id])).id
  },
  async reseller({ operator, owner }, making) {
    // The reseller of a sibling is that of the calling customer, too.
    if (!making && (owner === direct.owner || owner === near.owner)) return undefined
    if (owner.kind === 'reseller' && making?.caller.organization.kind !== 'provider') return owner.id
    return (await addOrganization({ dir: world.dir, operator }, 'reseller')).id
  },
  async user(area, making) {
    return (await addUserTo(world, area, await organizationOf(making?.ids.customerId, area))).id
  },
  async client({ operator, owner }) {
    const input = { organizationId: owner.id, name: 'Client', permission: 'viewer' } as const
    return (await createClient(world.dir, operator, input)).id
  },
  job: (area, making) =>
    world.dir.store.write((tx) => {
      const ctx = { ...area.operator, organization: making?.caller.organization ?? area.owner }
      const unit = newUnit(world.dir, ctx, { operation: 'RetryAccounts' }, tx)
      return beginJob(unit, { operation: 'RetryAccounts', step: () => assert.fail() }, { input: {} })
    }),
  async webhook({ portal, administrator }, making) {
    // An organization may have few webhooks only.
    if (making && making.route.method !== 'DELETE') return idIn('near', 'webhook')
    const route = routes.find(({ key }) => key === 'POST /v1/webhooks') ?? assert.fail()
    const caller = { portal, token: administrator } as Caller
    return jsonOf<{ id: string }>(await call(route, { caller, body: bodyOf(route) })).id
  },
  accessKey: async () => undefined,
}

/** What an operation needs before it succeeds: a body other than its example, a query, or another state. */
interface Preparation {
  readonly body?: unknown
  readonly query?: Ids
  /** Runs once the ids are made. */
  readonly prepare?: (ids: Ids, area: Area) => Promise<unknown>
  /** Why the call does not succeed, although the caller has the object in reach. */
  readonly refused?: { readonly status: number; readonly why: string }
}

const PREPARATIONS: Readonly<Record<string, Preparation>> = {}

/** The example of a body, with an address of its own, and without ids that nobody has. */
function bodyOf({ key, document }: Route): unknown {
  const [media] = Object.values(document.requestBody?.content ?? {})
  if (!media) return undefined
  const { example = (media.schema as { examples?: unknown[] } | undefined)?.examples?.[0] } = media
  const given = PREPARATIONS[key]?.body ?? example
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given
  const email = 'email' in given ? { email: `${randomUUID()}@example.com` } : {}
  return { ...given, ...email }
}

const foreignIds = new Map<string, Promise<string | undefined>>()

/** The id of something in an area, made once. */
function idIn(area: AreaName, kind: Kind): Promise<string | undefined> {
  const key = `${area} ${kind}`
  const id = foreignIds.get(key) ?? MAKERS[kind](areas[area])
  foreignIds.set(key, id)
  return id
}

async function makeIds(route: Route, caller: Caller): Promise<Record<string, string>> {
  const ids: Record<string, string> = {}
  for (const [, name = ''] of route.path.matchAll(/\{(\w+)\}/g)) {
    const id = await MAKERS[kindOf(route, name)](near, { route, caller, ids })
    ids[name] = id ?? assert.fail(`${caller.name} has no ${name} for ${route.key}`)
  }
  await PREPARATIONS[route.key]?.prepare?.(ids, near)
  return ids
}

function isAllowed({ organization, permission }: Caller, operation: Operation): boolean {
  const caller = { kind: 'client', pk: 0, id: '' } as const
  const ctx = { caller, organization, permission, portal: null, correlationId: '', address: null }
  return isPermitted(ctx, operation)
}

/** What a caller can see of a response: without the correlation id, and without the id that was sent. */
function shapeOf({ status, text }: Answer, id: string): string {
  return `${status} ${text.replaceAll(id, 'ID').replace(/"correlationId":"[^"]*"/, '')}`
}

/** How often a call is watched: the client of a token is read again every two seconds. */
const WATCHES = 3

function watch(route: Route, sent: Sent): ReturnType<typeof world.watch<Answer>> {
  const correlationId = randomUUID()
  return world.watch(correlationId, () => call(route, { ...sent, correlationId }))
}

/** Asserts that two calls get the same response, and need the same look-ups. */
async function assertAlike(
  what: string,
  one: [id: string, Sent],
  other: [id: string, Sent],
  route: Route,
): Promise<Answer> {
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

/** Everything of an area that may not be in a response to a caller who does not reach it. */
async function listSecrets(area: AreaName): Promise<string[]> {
  const { owner, customer } = areas[area]
  const ids = await Promise.all(
    (['user', 'client', 'job', 'webhook'] as const).map((kind) => idIn(area, kind)),
  )
  const owners = area === 'direct' || area === 'sibling' ? [] : [owner.id, areas[area].portal]
  return [...owners, customer.id, ...ids.filter((id) => id !== undefined)]
}

const routes = await readRoutes(await getDocument(world.url, 'customer'))

/** The parameters of a query and the members of a body that name things, except the object itself. */
function listNamed({ document }: Route): { name: string; where: 'query' | 'body' }[] {
  const isId = (schema: unknown): boolean => (schema as { format?: string }).format === 'uuid'
  const query = (document.parameters ?? []).filter((one) => one.in === 'query' && isId(one.schema))
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
  const answer = await call(route, { caller, ids: await makeIds(route, caller), query, body: bodyOf(route) })
  const what = `${caller.name}: ${route.key} is ${answer.status} ${answer.text}`
  if (refused) assert.equal(answer.status, refused.status, what)
  else assert.ok(answer.status >= 200 && answer.status < 300, what)
  for (const area of caller.foreign)
    for (const secret of await listSecrets(area))
      assert.ok(!answer.text.includes(secret), `${what} has ${secret} of ${area}`)
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
      const answer = await call(route, { caller, ids, body: bodyOf(route) })
      assert.deepEqual([answer.status, answer.text], [403, ''], `${caller.name}: ${route.key}`)
    }
  })

test('no caller runs an operation through a portal that is not theirs', async () => {
  for (const caller of callers.filter(({ name }) => !name.includes('at the portal')))
    for (const area of caller.foreign)
      for (const route of routes.filter(({ operation }) => isAllowed(caller, operation)))
        if (areas[area].portal !== 'portal.example' && area !== 'sibling') {
          const answer = await call(route, { caller: { ...caller, portal: areas[area].portal } })
          assert.deepEqual([answer.status, answer.text], [403, ''], `${caller.name}: ${route.key} at ${area}`)
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
