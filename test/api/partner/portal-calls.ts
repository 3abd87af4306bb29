import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after } from 'node:test'
import { createClient } from '../../../src/directory/clients.ts'
import { beginJob } from '../../../src/directory/jobs/jobs.ts'
import { relateOrganization } from '../../../src/directory/relations.ts'
import { newUnit } from '../../../src/directory/unit.ts'
import { deleteUser } from '../../../src/directory/user-changes.ts'
import type { Operation } from '../../../src/model/audit.ts'
import type { Permission } from '../../../src/model/context.ts'
import type { Organization } from '../../../src/model/organizations.ts'
import { selectOrganization } from '../../../src/store/tables/organizations.ts'
import { type HttpResponse, jsonOf, send } from '../../../testing/http.ts'
import { type ApiDocument, type Operation as Documented, getDocument } from '../../contract/openapi.ts'
import { addOrganization } from '../../support/directories.ts'
import {
  type Area,
  type AreaName,
  addTenant,
  addUserTo,
  startPortalWorld,
} from '../../support/portal-world.ts'
import { sqliteStores } from '../../support/stores.ts'

// The partner portal over HTTP, its routes as the document has them, and every kind of caller, for tests that call
// every operation.

const { open } = sqliteStores()
export const world = await startPortalWorld(open)
after(() => world.close())
export const { areas } = world

/** Who calls, through which portal, and the areas that are in and out of their reach. */
export interface Caller {
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
export const callers: readonly Caller[] = [
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

export interface Route {
  readonly method: string
  /** The path with the names of its parameters in braces. */
  readonly path: string
  readonly key: string
  readonly document: Documented
  readonly operation: Operation
}

export type Ids = Readonly<Record<string, string>>

export interface Sent {
  readonly caller?: Caller
  readonly ids?: Ids
  readonly query?: Ids
  readonly body?: unknown
  readonly correlationId?: string
  readonly headers?: Ids
}

export function call(
  { method, path, document }: Omit<Route, 'operation'>,
  sent: Sent,
): Promise<HttpResponse> {
  const { caller, ids = {}, query = {}, body, correlationId, headers } = sent
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
      ...headers,
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

export type Kind =
  | 'organization'
  | 'customer'
  | 'reseller'
  | 'user'
  | 'client'
  | 'job'
  | 'webhook'
  | 'accessKey'

/** What each parameter names. A new one must be added here, and a new kind to MAKERS. */
const KINDS: readonly (readonly [parameter: RegExp, kind: Kind])[] = [
  [/ customerId$/, 'customer'],
  [/ (resellerId|fromResellerId)$/, 'reseller'],
  [/ organizationId$/, 'organization'],
  [/\/users\/.* (id|email)$/, 'user'],
  [/^\/v1\/api-accesses.* id$/, 'client'],
  [/ jobId$/, 'job'],
  [/ webhookId$/, 'webhook'],
  [/ accessKey$/, 'accessKey'],
]

export function kindOf({ path, key }: Route, name: string): Kind {
  const [, kind] = KINDS.find(([pattern]) => pattern.test(`${path} ${name}`)) ?? []
  assert.ok(kind, `say in KINDS what ${name} of ${key} is`)
  return kind
}

/** The resellers of the customers of an area. */
export const resellersOf = ({ owner }: Area): string[] => (owner.kind === 'reseller' ? [owner.id] : [])

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
    const { operator } = area
    const customer = await addOrganization({ dir, operator }, 'customer', resellersOf(area))
    await addTenant(dir, operator, customer)
    return customer.id
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
  async webhook(area, making) {
    // An organization may have few webhooks only.
    if (making && making.route.method !== 'DELETE') return idIn('near', 'webhook')
    return jsonOf<{ id: string }>(await callAs(area, 'POST /v1/webhooks', {})).id
  },
  async accessKey(area, making) {
    const id = making?.ids.id ?? (await addUserTo(world, area)).id
    await addAccountTo(id, area)
    const { text } = await callAs(area, 'POST /v1/users/{id}/account/credentials', { id })
    return (JSON.parse(text) as { accessKey: string }).accessKey
  },
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

export const PREPARATIONS: Readonly<Record<string, Preparation>> = {
  'POST /v1/users/{id}/restore': { prepare: removeUser },
  'POST /v1/users/{id}/erase': { prepare: removeUser },
  'DELETE /v1/Customers/{customerId}/resellers/{resellerId}': {
    prepare: ({ customerId = '', resellerId = '' }, { operator }) =>
      relateOrganization(world.dir, operator, { customerId, resellerId }),
  },
  'PATCH /v1/Resellers/{resellerId}/internal-identifier': { body: '"R-1"' },
  ...Object.fromEntries(
    ['/v1/users/{id}/account', '/v1/customer/{customerId}/users/{id}/account'].flatMap((path) =>
      [`PATCH ${path}`, `DELETE ${path}`, `GET ${path}/credentials`, `POST ${path}/credentials`].map(
        (key) => [key, { prepare: ({ id = '' }: Ids, area: Area) => addAccountTo(id, area) }],
      ),
    ),
  ),
}

/** Calls an operation as an administrator of an area. */
async function callAs({ portal, administrator }: Area, key: string, ids: Ids): Promise<HttpResponse> {
  const route = routes.find((one) => one.key === key) ?? assert.fail(key)
  const caller = { portal, token: administrator } as Caller
  const response = await call(route, { caller, ids, body: bodyOf(route) })
  assert.ok(response.status < 300, response.text)
  return response
}

async function addAccountTo(id: string, area: Area): Promise<void> {
  await callAs(area, 'POST /v1/users/{id}/account', { id })
}

async function removeUser({ id = '' }: Ids, { operator }: Area): Promise<void> {
  await deleteUser(world.dir, operator, { user: id })
}

/** The example of a body, with an address of its own, and without ids that nobody has. */
export function bodyOf({ key, document }: Route): unknown {
  const [media] = Object.values(document.requestBody?.content ?? {})
  if (!media) return undefined
  const { example = (media.schema as { examples?: unknown[] } | undefined)?.examples?.[0] } = media
  const given = PREPARATIONS[key]?.body ?? example
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given
  const email = 'email' in given ? { email: `${randomUUID()}@example.com` } : {}
  return { ...given, ...email }
}

const foreignIds = new Map<string, Promise<string | undefined>>()

/** Returns the id of something in an area, made once. */
export function idIn(area: AreaName, kind: Kind): Promise<string | undefined> {
  const key = `${area} ${kind}`
  const id = foreignIds.get(key) ?? MAKERS[kind](areas[area])
  foreignIds.set(key, id)
  return id
}

export async function makeIds(route: Route, caller: Caller): Promise<Record<string, string>> {
  const ids: Record<string, string> = {}
  for (const [, name = ''] of route.path.matchAll(/\{(\w+)\}/g)) {
    const id = await MAKERS[kindOf(route, name)](near, { route, caller, ids })
    ids[name] = id ?? assert.fail(`${caller.name} has no ${name} for ${route.key}`)
  }
  await PREPARATIONS[route.key]?.prepare?.(ids, near)
  return ids
}

export const routes = await readRoutes(await getDocument(world.url, 'customer'))
