import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { basic, send } from '../../testing/http.ts'
import { waitUntil } from '../../testing/wait.ts'
import { createUser, newOsisUser, newTenant } from './object-store.ts'
import { type ApiDocument, DOCUMENTS, faultOf, getDocument, type Media, type Operation } from './openapi.ts'
import { create, newUser } from './portal.ts'
import { useTarget } from './target.ts'

const documents = new Map<string, ApiDocument>()

const target = useTarget({}, async () => {
  for (const name of DOCUMENTS) documents.set(name, await getDocument(target.url, name))
})

function operations(name: string): Operation[] {
  const { paths } = documents.get(name) ?? assert.fail(`there is no ${name}`)
  return Object.values(paths).flatMap((path) => Object.values(path))
}

/** Yields every object in a document, with its path. */
function* nodesOf(value: unknown, place = '#'): Generator<{ place: string; node: Record<string, unknown> }> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield { place, node: value as Record<string, unknown> }
  for (const [name, child] of Object.entries(value)) yield* nodesOf(child, `${place}/${name}`)
}

test('each document is OpenAPI 3.1 with a title, a version and operations', () => {
  for (const [name, { openapi, info }] of documents) {
    assert.match(openapi, /^3\.1\./)
    assert.ok(info.title.length > 0 && info.version.length > 0)
    assert.ok(operations(name).length > 0)
  }
})

test('each operation has an id of its own in its document', () => {
  for (const [name] of documents) {
    const ids = operations(name).map((operation) => operation.operationId)
    assert.deepEqual(ids, [...new Set(ids)], name)
  }
})

test('each operation lists its responses, and each response has a description', () => {
  for (const [name] of documents) {
    for (const { operationId, responses } of operations(name)) {
      assert.ok(Object.keys(responses).length > 0, operationId)
      for (const { description } of Object.values(responses)) {
        assert.ok(description.length > 0, operationId)
        // What the generator says where a route says nothing.
        assert.notEqual(description, 'Default Response', operationId)
      }
    }
  }
})

test('a body may be left out where the server takes none', async () => {
  const optional = operations('customer').filter(({ requestBody }) => requestBody?.required === false)
  assert.deepEqual(
    optional.map(({ operationId }) => operationId),
    ['RotateApiAccess', 'RotateWebhook'],
  )
})

/** Returns the examples next to a schema: of a body, a parameter or a header. */
function examplesBeside({ example, examples = {} }: Media): unknown[] {
  const named = Object.values(examples).map(({ value }) => value)
  return example === undefined ? named : [example, ...named]
}

test('every example is valid by its own schema', () => {
  let count = 0
  for (const [name, document] of documents) {
    for (const { place, node } of nodesOf(document)) {
      const schema = typeof node.schema === 'object' && node.schema !== null ? node.schema : undefined
      const beside = schema ? examplesBeside(node as Media).map((value) => ({ schema, value })) : []
      const inside = Array.isArray(node.examples)
        ? node.examples.map((value) => ({ schema: node, value }))
        : []
      for (const { schema, value } of [...beside, ...inside]) {
        count += 1
        assert.equal(faultOf(schema, value), undefined, `${name} ${place}: ${JSON.stringify(value)}`)
      }
    }
  }
  assert.ok(count > 5, `there are only ${count} examples`)
})

test('every default is valid by its own schema', () => {
  for (const [name, document] of documents) {
    for (const { place, node } of nodesOf(document)) {
      if ('default' in node && 'type' in node)
        assert.equal(faultOf(node, node.default), undefined, `${name} ${place}`)
    }
  }
})

test('the customer document has the operation of the founding document', () => {
  const post = documents.get('customer')?.paths['/v1/customer/{customerId}/users']?.post ?? assert.fail()
  const named = post.parameters?.map(
    ({ name, in: where, required }) => `${where} ${name} ${required ?? false}`,
  )
  const founding = ['path customerId true', 'query resellerId false', 'header X-Tenant true']
  for (const parameter of [...founding, 'header X-Correlation-Id false'])
    assert.ok(named?.includes(parameter), parameter)
  for (const status of ['200', '201', '400', '401', '403', '404', '500'])
    assert.ok(post.responses[status], status)
  for (const status of ['401', '403']) assert.equal(post.responses[status]?.content, undefined)
})

test('the customer document takes the body of the founding document', () => {
  const post = documents.get('customer')?.paths['/v1/customer/{customerId}/users']?.post
  const schema = post?.requestBody?.content['application/json']?.schema ?? assert.fail()
  assert.equal(faultOf(schema, newUser()), undefined)
  const nulls = { firstName: null, lastName: null, email: null, groups: null }
  assert.equal(faultOf(schema, nulls), undefined)
  assert.notEqual(faultOf(schema, { ...nulls, role: { name: 'x' } }), undefined)
  assert.notEqual(faultOf(schema, {}), undefined)
})

test('the OSIS document has the operation of the founding document', () => {
  const post = documents.get('osis')?.paths['/api/v1/tenants/{tenantId}/users']?.post ?? assert.fail()
  assert.equal(post.operationId, 'createUser')
  const schema = post.requestBody?.content['application/json']?.schema ?? assert.fail()
  assert.equal(faultOf(schema, newOsisUser()), undefined)
  assert.notEqual(faultOf(schema, newOsisUser({ role: 'x' })), undefined)
  for (const status of ['201', '400'])
    assert.ok(post.responses[status]?.content?.['application/json'], status)
})

/** Every address in a page or style sheet that a browser would fetch by itself. */
function addressesIn(text: string): string[] {
  const html = [...text.matchAll(/<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)="([^"]*)"/gi)]
  const css = [...text.matchAll(/url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)/gi)]
  return [...html, ...css].map((match) => match[1] ?? match[2] ?? '')
}

test('the page of documents is served, and needs no other host', async () => {
  for (const page of ['/docs', '/docs/']) {
    const response = await fetch(`${target.url}${page}`)
    assert.equal(response.status, 200)
    assert.match(String(response.headers.get('content-type')), /^text\/html/)
    const addresses = addressesIn(await response.text()).map((address) => new URL(address, response.url))
    assert.ok(addresses.length > 0)
    for (const address of addresses) {
      assert.equal(address.origin, target.url)
      const part = await fetch(address)
      assert.equal(part.status, 200, address.href)
      if (!address.pathname.endsWith('.css')) continue
      for (const nested of addressesIn(await part.text()))
        assert.match(nested, /^(data:|#|\.|\/(?!\/)|\w+\.\w+$)/)
    }
  }
})

/** Starts a proxy that serves the target below a path, as `USHER_PUBLIC_URL` may say; returns its URL with the path. */
async function serveBelow(t: TestContext, path: string): Promise<string> {
  const proxy = createServer(async ({ url = '' }, response) => {
    if (!url.startsWith(`${path}/`)) return void response.writeHead(404).end()
    const { status, headers, text } = await send(target.url, { method: 'GET', path: url.slice(path.length) })
    response.writeHead(status, headers.location ? { location: headers.location } : {}).end(text)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    proxy.closeAllConnections()
    proxy.close()
  })
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}${path}`
}

test('the page of documents works where a proxy serves Usher below a path', async (t) => {
  const usher = await serveBelow(t, '/usher')
  for (const page of ['/', '/docs', '/docs/']) {
    const response = await fetch(`${usher}${page}`)
    assert.deepEqual([response.status, response.url], [200, `${usher}/docs`])
    const addresses = addressesIn(await response.text()).map((address) => new URL(address, response.url).href)
    const script = addresses.find((address) => address.endsWith('/swagger-initializer.js')) ?? assert.fail()
    const documented = [...(await (await fetch(script)).text()).matchAll(/"url": ?"([^"]+)"/g)]
    assert.equal(documented.length, DOCUMENTS.length)
    for (const [, document = ''] of documented) addresses.push(new URL(document, response.url).href)
    for (const address of addresses) assert.equal((await fetch(address)).status, 200, address)
  }
})

test('the page of documents shows all of them, and calls no validator', async () => {
  const text = await (await fetch(`${target.url}/docs/static/swagger-initializer.js`)).text()
  for (const name of DOCUMENTS) assert.ok(text.includes(`openapi/${name}.json`), name)
  const code = text.replace(/^\s*\/\/.*$/gm, '')
  assert.doesNotMatch(code, /https?:\/\//)
  assert.match(code, /validatorUrl["']?: ?null/)
})

test('the page of documents may load nothing from elsewhere, and works over plain HTTP', async () => {
  const policy = String((await fetch(`${target.url}/docs`)).headers.get('content-security-policy'))
  assert.doesNotMatch(policy, /https:|swagger\.io/)
  // Over plain HTTP the browser would fetch every part by HTTPS, which nobody serves.
  assert.doesNotMatch(policy, /upgrade-insecure-requests/)
})

test('health and readiness support GET and HEAD', async () => {
  for (const path of ['/healthz', '/readyz']) {
    const got = await send(target.url, { method: 'GET', path })
    assert.equal(got.status, 200)
    assert.deepEqual(JSON.parse(got.text), { status: 'ok' })
    const head = await send(target.url, { method: 'HEAD', path })
    assert.equal(head.status, 200)
    assert.equal(head.text, '')
  }
})

test('HEAD returns what GET does, without the body', async () => {
  const { client_id, client_secret } = target.init.clients.osis
  const osis = ['/info', '/v1/tenants', '/v1/tenants/query', '/v1/users/query', '/v1/s3credentials/query']
  const paths = [
    ...['/healthz', '/readyz', '/metrics', '/logo.svg', '/docs', '/openapi/osis.json', '/oauth2/v2.0/keys'],
    ...['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'],
    ...[...osis, '/v1/nothing', '/v1/users/nobody', '/v1/tenants?limit=x'].map((path) => `/api${path}`),
  ]
  const headers = { authorization: basic(client_id, client_secret) }
  for (const path of paths) {
    const [got, head] = [
      await send(target.url, { method: 'GET', path, headers }),
      await send(target.url, { method: 'HEAD', path, headers }),
    ]
    assert.deepEqual([head.status, head.text], [got.status, ''], path)
    assert.equal(head.headers['content-type'], got.headers['content-type'], path)
  }
})

test('an unknown path outside the APIs is a 404', async () => {
  for (const path of ['/nothing', '/docs/nothing', '/openapi/nothing.json'])
    assert.equal((await send(target.url, { method: 'GET', path })).status, 404)
})

async function readMetrics(): Promise<Map<string, number>> {
  const response = await send(target.url, { method: 'GET', path: '/metrics' })
  assert.equal(response.status, 200)
  assert.match(String(response.headers['content-type']), /^text\/plain/)
  const lines = response.text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]))
}

test('metrics count requests by operation and status', async () => {
  const name = 'usher_requests_total{operation="CreateUser",status="201"}'
  const before = (await readMetrics()).get(name) ?? 0
  assert.equal((await create(target, newUser())).status, 201)
  assert.equal((await readMetrics()).get(name), before + 1)
})

test('metrics time requests, count commits and show accounts that are not applied', async () => {
  const { tenant_id } = await newTenant(target)
  assert.equal((await createUser(target, tenant_id, newOsisUser())).status, 201)
  const metrics = await readMetrics()
  assert.ok((metrics.get('usher_request_duration_seconds_count{operation="CreateAccount"}') ?? 0) >= 1)
  assert.ok((metrics.get('usher_store_commits_total') ?? 0) >= 1)
  assert.ok((metrics.get('usher_store_units_per_commit_count') ?? 0) >= 1)
  // What is recorded of a create is recorded a moment later.
  await waitUntil(async () => (await readMetrics()).get('usher_accounts_unapplied') === 0, 5_000)
  assert.equal((await readMetrics()).get('usher_accounts_oldest_unapplied_seconds'), 0)
})
