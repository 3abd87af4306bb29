import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { engine } from '../../testing/environment.ts'
import { rounds } from '../../testing/full-length.ts'
import { basic, type HttpResponse, send } from '../../testing/http.ts'
import {
  anyBody,
  anyEmail,
  anyHeader,
  anyId,
  anyObject,
  anyQuery,
  anyText,
  encoded,
  rawTarget,
} from './arbitrary.ts'
import {
  createdOf,
  createUser,
  listCredentials,
  newOsisUser,
  newTenant,
  type OsisUser,
} from './object-store.ts'
import { contradictionOf, getDocument, type Operation } from './openapi.ts'
import { newToken, useOwnTarget } from './target.ts'

/** A short run finds what is easily found. On PostgreSQL it is about text that the database refuses. */
const RUNS = rounds(engine() === 'sqlite' ? 200 : 50, 1_000)

interface Ours {
  readonly viewer: string
  readonly tenant: string
  readonly org: string
  readonly createUser: Operation
  readonly createAccount: Operation
}

let ours: Ours

const target = useOwnTarget({}, async () => {
  const { tenant_id, cd_tenant_ids } = await newTenant(target)
  const customer = await getDocument(target.url, 'customer')
  const osis = await getDocument(target.url, 'osis')
  ours = {
    viewer: await newToken(target, target.init.provider.id, 'viewer'),
    tenant: tenant_id,
    org: cd_tenant_ids[0] ?? '',
    createUser: customer.paths['/v1/customer/{customerId}/users']?.post ?? assert.fail(),
    createAccount: osis.paths['/api/v1/tenants/{tenantId}/users']?.post ?? assert.fail(),
  }
})

function anyUser(): fc.Arbitrary<object> {
  const { Viewer, Administrator } = target.init.groups
  const group = anyObject({ id: anyId(Viewer, Administrator), name: anyText })
  return anyObject({
    id: fc.oneof({ weight: 20, arbitrary: fc.uuid() }, anyText),
    firstName: anyText,
    lastName: anyText,
    email: anyEmail,
    role: fc.oneof({ weight: 20, arbitrary: fc.constant({}) }, fc.jsonValue()),
    groups: fc.array(group, { maxLength: 4 }),
  })
}

function anyAccount(): fc.Arbitrary<object> {
  return anyObject({
    user_id: anyText,
    tenant_id: anyText,
    active: fc.boolean(),
    username: anyText,
    email: anyEmail,
    role: fc.oneof({ weight: 20, arbitrary: fc.constantFrom('TENANT_ADMIN', 'UNKNOWN') }, anyText),
    cd_user_id: anyText,
    cd_tenant_id: anyId(ours.org),
  })
}

interface Input {
  readonly path: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Buffer
}

async function post(input: Input, operation: Operation): Promise<HttpResponse> {
  const response = await send(target.url, { method: 'POST', ...input })
  assert.equal(contradictionOf(operation, response), undefined)
  return response
}

async function holdsForAny(input: fc.Arbitrary<Input>, operation: Operation, runs = RUNS): Promise<void> {
  const seen = new Map<number, number>()
  const property = fc.asyncProperty(input, async (one) => {
    const { status } = await post(one, operation)
    seen.set(status, (seen.get(status) ?? 0) + 1)
  })
  await fc.assert(property, { numRuns: runs, interruptAfterTimeLimit: 20_000 })
  assert.ok(seen.size > 1, `every response was ${[...seen.keys()]}`)
}

function customerHeaders(): Record<string, string> {
  const { init, token } = target
  return { 'content-type': 'application/json', 'x-tenant': init.portal, authorization: `Bearer ${token}` }
}

function osisHeaders(): Record<string, string> {
  const { client_id, client_secret } = target.init.clients.osis
  return { 'content-type': 'application/json', authorization: basic(client_id, client_secret) }
}

function customerPath(): string {
  return `/v1/customer/${target.init.customer.id}/users`
}

function osisPath(): string {
  return `/api/v1/tenants/${ours.tenant}/users`
}

test('a create of a customer user with any body gets a documented response', async () => {
  const headers = customerHeaders()
  const input = anyBody(anyUser()).map((body) => ({ path: customerPath(), headers, body }))
  await holdsForAny(input, ours.createUser)
})

test('a create of a customer user with any headers, path and query gets a documented response', async () => {
  const { init, token } = target
  const headers = fc.record({
    authorization: anyHeader(...Array<string>(9).fill(`Bearer ${token}`), `Bearer ${ours.viewer}`),
    'content-type': anyHeader(...Array<string>(9).fill('application/json'), 'text/plain'),
    'x-tenant': anyHeader(init.portal),
    'x-correlation-id': anyHeader('0199f3a0-7c1e-7000-8000-5a1d3c9be2f4'),
    'idempotency-key': fc.oneof(anyHeader('one', 'two', 'three'), fc.constant(undefined)),
    accept: anyHeader('application/json', 'text/plain'),
  })
  const known = [init.customer.id, init.customer.id, init.reseller.id]
  const path = fc
    .tuple(anyId(...known), anyQuery(['resellerId'], anyId(...known)))
    .map(([id, query]) => `/v1/customer/${encoded(id)}/users${query}`)
  await holdsForAny(fc.record({ path, headers, body: anyBody(anyUser()) }), ours.createUser)
})

test('a create of a storage user with any body gets a documented response', async () => {
  const headers = osisHeaders()
  const input = anyBody(anyAccount()).map((body) => ({ path: osisPath(), headers, body }))
  await holdsForAny(input, ours.createAccount)
})

test('a create of a storage user with any headers, path and query gets a documented response', async () => {
  const { administrator } = target.init.clients
  const right = osisHeaders().authorization ?? ''
  const headers = fc.record({
    authorization: anyHeader(
      ...Array<string>(9).fill(right),
      basic(administrator.client_id, administrator.client_secret),
    ),
    'content-type': anyHeader(...Array<string>(9).fill('application/json'), 'text/plain'),
    'x-correlation-id': anyHeader('0199f3a0-7c1e-7000-8000-5a1d3c9be2f4'),
    accept: anyHeader('application/json', 'text/plain'),
  })
  const path = fc
    .tuple(anyId(ours.tenant, ours.tenant, ours.org), anyQuery(['offset', 'tenant_id'], anyText))
    .map(([id, query]) => `/api/v1/tenants/${encoded(id)}/users${query}`)
  await holdsForAny(fc.record({ path, headers, body: anyBody(anyAccount()) }), ours.createAccount)
})

/** A path segment in place of an id: any bytes, encoded or not, and broken encodings. */
const anySegment = fc.oneof(
  fc
    .uint8Array({ minLength: 1, maxLength: 12 })
    .map((bytes) => [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')),
  rawTarget,
)

test('any bytes in place of the customer in the path get a documented response', async () => {
  const headers = customerHeaders()
  const body = Buffer.from('{}')
  const input = anySegment.map((id) => ({ path: `/v1/customer/${id}/users`, headers, body }))
  await holdsForAny(input, ours.createUser)
})

test('any bytes in place of the tenant in the path get a documented response', async () => {
  const headers = osisHeaders()
  const body = Buffer.from('{}')
  const input = anySegment.map((id) => ({ path: `/api/v1/tenants/${id}/users`, headers, body }))
  await holdsForAny(input, ours.createAccount)
})

/** Creates a tenant, a user and a key; returns their ids by the parameter names of the document's paths. */
async function newThings(): Promise<Readonly<Record<string, string>>> {
  const { tenant_id } = await newTenant(target)
  const user = createdOf<OsisUser>(await createUser(target, tenant_id, newOsisUser()))
  const [key] = (await listCredentials(target, user)).items
  return {
    tenantId: tenant_id,
    userId: user.user_id,
    canonicalUserId: user.canonical_user_id,
    accessKey: key?.access_key ?? assert.fail(),
  }
}

/** Replaces parameter names in braces, encoded or not, by ids that exist. */
function withThings(path: string, things: Readonly<Record<string, string>>): string {
  return path.replace(/(?:\{|%7b)(\w+)(?:\}|%7d)/g, (all, name) => encoded(things[name] ?? all))
}

test('every operation of OSIS with any ids, query and body gives a documented response', async () => {
  const { paths } = await getDocument(target.url, 'osis')
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )
  const query = anyQuery(
    ['offset', 'limit', 'filter', 'tenant_id', 'user_id', 'purge_data', 'lang'],
    fc.oneof(
      fc.constantFrom('0', '1', '-1', 'true', 'active==x', '{tenantId}', '{userId}'),
      fc.constantFrom('tenant_id=={tenantId}', 'user_id=={userId};active==true'),
      anyText,
    ),
  )
  const body = anyBody(
    anyObject({
      active: fc.boolean(),
      name: anyText,
      cd_tenant_ids: fc.array(anyText, { maxLength: 3 }),
      username: anyText,
      password: anyText,
      refresh_token: anyText,
      cd_user_id: anyText,
      cd_tenant_id: anyText,
    }),
  )
  const id = fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, anyText)
  const input = fc.record({
    at: fc.constantFrom(...operations),
    ids: fc.array(id, { minLength: 2, maxLength: 2 }),
    query,
    body: fc.oneof(body, fc.constant(Buffer.from(''))),
  })
  const succeeded = new Set<string>()
  let things = await newThings()
  const property = fc.asyncProperty(input, async ({ at, ids, query, body }) => {
    const others = [...ids]
    const template = at.path.replace(/\{\w+\}/g, (name) => encoded(others.pop() || name))
    const path = withThings(template + query, things)
    const bodied = !['GET', 'HEAD'].includes(at.method)
    const call = { method: at.method, path, headers: osisHeaders(), ...(bodied && { body }) }
    const response = await send(target.url, call)
    if (response.status === 501) return
    if (response.status < 300) succeeded.add(at.operation.operationId)
    if (at.method === 'DELETE' && response.status === 204) things = await newThings()
    const contradiction = contradictionOf(at.operation, response)
    // A HEAD is refused as a GET is, without the body.
    if (at.method !== 'HEAD') assert.equal(contradiction, undefined, `${at.method} ${path}`)
    else assert.ok([200, 400, 404].includes(response.status) && response.text === '')
  })
  // Enough for every operation to get ids that exist.
  await fc.assert(property, { numRuns: Math.max(RUNS, 200), interruptAfterTimeLimit: 20_000 })
  // Most operations get ids that exist at least once; login never gets the right password.
  assert.ok(succeeded.size > operations.length / 2, `only ${[...succeeded]} succeeded`)
})

test('a body nested 50,000 deep is refused and does no harm', async () => {
  const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
  const user = '"firstName":null,"lastName":null,"email":null'
  const account = '"cd_tenant_id":"o","cd_user_id":"u"'
  for (const member of [`"groups":${deep}`, `"groups":[],"other":${deep}`])
    await post(
      { path: customerPath(), headers: customerHeaders(), body: Buffer.from(`{${user},${member}}`) },
      ours.createUser,
    )
  for (const member of [`"role":${deep}`, `"other":${deep}`])
    await post(
      { path: osisPath(), headers: osisHeaders(), body: Buffer.from(`{${account},${member}}`) },
      ours.createAccount,
    )
})

test('a body full of groups gets a documented response', async () => {
  const { Viewer } = target.init.groups
  const user = { firstName: null, lastName: null, email: null }
  const right = { id: Viewer }
  const unknown = { id: '0199f3a0-7c1e-7000-8000-5a1d3c9be2f4' }
  const statuses = []
  for (const group of [right, unknown, { id: 5 }]) {
    const body = Buffer.from(JSON.stringify({ ...user, groups: Array(32).fill(group) }))
    statuses.push(
      (await post({ path: customerPath(), headers: customerHeaders(), body }, ours.createUser)).status,
    )
  }
  assert.deepEqual(statuses, [201, 400, 400])
})

test('after all these calls the audit log is whole', async () => {
  assert.equal(await target.operator.verifyAudit(), true)
})
