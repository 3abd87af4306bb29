import assert from 'node:assert/strict'
import { test } from 'node:test'
import { basic, type Call, type HttpResponse, send } from '../../testing/http.ts'
import {
  createdOf,
  createUser,
  listCredentials,
  newOsisUser,
  newTenant,
  type OsisUser,
} from './object-store.ts'
import { DOCUMENTS, getDocument } from './openapi.ts'
import { useTarget } from './target.ts'

const target = useTarget()

/** What differs from one call to the next, whatever its method. */
const CHANGING = ['date', 'x-correlation-id']

/** Sends a GET and a HEAD; asserts that they differ in the body alone. Returns the status. */
async function compare(call: Omit<Call, 'method'>): Promise<number> {
  const [get, head] = [
    await send(target.url, { ...call, method: 'GET' }),
    await send(target.url, { ...call, method: 'HEAD' }),
  ]
  // The length of metrics changes with every request, and errors may name the method.
  const changing =
    call.path.startsWith('/metrics') || get.status >= 400 ? [...CHANGING, 'content-length'] : CHANGING
  const headersOf = ({ headers }: HttpResponse): object =>
    Object.fromEntries(Object.entries(headers).filter(([name]) => !changing.includes(name)))
  assert.equal(head.status, get.status, call.path)
  assert.equal(head.text, '')
  assert.deepEqual(headersOf(head), headersOf(get), call.path)
  return get.status
}

test('HEAD has the status and the headers of GET on every path, and no body', async () => {
  const tenant = await newTenant(target)
  const user = createdOf<OsisUser>(await createUser(target, tenant.tenant_id, newOsisUser()))
  const [key] = (await listCredentials(target, user)).items
  const things: Record<string, string> = {
    tenantId: tenant.tenant_id,
    userId: user.user_id,
    canonicalUserId: user.canonical_user_id,
    accessKey: key?.access_key ?? assert.fail(),
  }
  const { client_id, client_secret } = target.init.clients.osis
  const authorization = basic(client_id, client_secret)
  const seen = new Set<number>()
  for (const name of DOCUMENTS) {
    const { paths } = await getDocument(target.url, name)
    for (const [path, methods] of Object.entries(paths)) {
      if (!('get' in methods)) continue
      const found = path.replace(/\{(\w+)\}/g, (_, id) => encodeURIComponent(things[id] ?? ''))
      const missing = path.replace(/\{(\w+)\}/g, 'none')
      for (const one of [found, missing, `${found}?limit=x&tenant_id=${things.tenantId}`])
        for (const headers of [{ authorization }, {}]) seen.add(await compare({ path: one, headers }))
    }
  }
  for (const status of [200, 400, 401, 404, 501]) assert.ok(seen.has(status), `no ${status}`)
})

test('HEAD has the status and the headers of GET on paths that no document has', async () => {
  const documents = DOCUMENTS.map((name) => `/openapi/${name}.json`)
  for (const path of [...documents, '/', '/docs', '/docs/', '/logo.svg', '/x', '/v1/x', '/api/x', '/HEALTHZ'])
    await compare({ path })
})

test('HEAD where there is no GET is refused as GET is', async () => {
  for (const path of [
    '/oauth2/v2.0/token',
    '/api/v1/auth/login',
    `/v1/customer/${target.init.customer.id}/users`,
  ])
    assert.ok([401, 404].includes(await compare({ path })))
})
