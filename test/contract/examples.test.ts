import assert from 'node:assert/strict'
import { test } from 'node:test'
import { basic, type HttpResponse, jsonOf, send } from '../../testing/http.ts'
import {
  type ApiDocument,
  contradictionOf,
  DOCUMENTS,
  getDocument,
  type Operation,
  type Parameter,
} from './openapi.ts'
import { useTarget } from './target.ts'

const documents = new Map<string, ApiDocument>()

const target = useTarget({}, async () => {
  for (const name of DOCUMENTS) documents.set(name, await getDocument(target.url, name))
})

const documentOf = (name: string): ApiDocument => documents.get(name) ?? assert.fail(`there is no ${name}`)

function operationsOf(name: string): { path: string; method: string; operation: Operation }[] {
  return Object.entries(documentOf(name).paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
}

/** What a person enters on the page of documents. */
interface Entered {
  readonly authorization?: string
  readonly parameters?: Readonly<Record<string, string>>
  readonly body?: Readonly<Record<string, unknown>>
}

/** Sends an operation as the page does: with its examples, and what the person enters in place of some. */
function tryOut(name: string, operationId: string, entered: Entered): Promise<HttpResponse> {
  const { path, method, operation } =
    operationsOf(name).find((one) => one.operation.operationId === operationId) ?? assert.fail(operationId)
  const entry = (parameter: Parameter): string | undefined => {
    const { example, examples } = parameter.schema as { example?: string; examples?: string[] }
    return entered.parameters?.[parameter.name] ?? (parameter.example as string) ?? example ?? examples?.[0]
  }
  const of = (where: string): [string, string][] =>
    (operation.parameters ?? [])
      .filter((parameter) => parameter.in === where)
      .flatMap((parameter) => {
        const value = entry(parameter)
        assert.ok(
          value !== undefined || !parameter.required,
          `${operationId}: ${parameter.name} must be entered`,
        )
        return value === undefined ? [] : [[parameter.name, value]]
      })
  const query = new URLSearchParams(of('query')).toString()
  const filled = of('path').reduce((text, [key, value]) => text.replace(`{${key}}`, value), path)
  const [type, media] = Object.entries(operation.requestBody?.content ?? {})[0] ?? []
  const body = media && { ...(media.example as object), ...entered.body }
  const form = type === 'application/x-www-form-urlencoded'
  return send(target.url, {
    method: method.toUpperCase(),
    path: query ? `${filled}?${query}` : filled,
    headers: {
      ...Object.fromEntries(of('header')),
      'content-type': type,
      authorization: entered.authorization,
    },
    body:
      body && (form ? new URLSearchParams(body as Record<string, string>).toString() : JSON.stringify(body)),
  })
}

test('the servers are the public URL and the server of the document', () => {
  for (const name of DOCUMENTS) {
    assert.deepEqual(
      documentOf(name).servers.map(({ url }) => url),
      [target.url, '/'],
    )
  }
})

test('every operation says how it is authenticated', () => {
  const open: string[] = []
  for (const name of DOCUMENTS) {
    for (const { operation } of operationsOf(name)) {
      assert.ok(Array.isArray(operation.security), operation.operationId)
      if (operation.security.length === 0) open.push(operation.operationId)
    }
  }
  const system = ['health', 'ready', 'metrics']
  const discovery = ['keys', 'oauth-authorization-server', 'openid-configuration']
  assert.deepEqual(open, ['getInfo', 'login', 'refreshToken', ...discovery, ...system])
})

test('the example of an error has the status of its response', () => {
  const seen = new Set<number>()
  for (const { operation } of operationsOf('customer')) {
    for (const [status, { content }] of Object.entries(operation.responses)) {
      if (Number(status) < 400 || !content) continue
      const example = content['application/json']?.example as { statusCode: number } | undefined
      assert.equal(example?.statusCode, Number(status), operation.operationId)
      seen.add(example.statusCode)
    }
  }
  for (const status of [400, 404, 413, 415, 500, 503]) assert.ok(seen.has(status), String(status))
})

test('the example of the partner portal works once customer, portal and token are filled in', async () => {
  const response = await tryOut('customer', 'CreateUser', {
    authorization: `Bearer ${target.token}`,
    parameters: { customerId: target.init.customer.id, 'X-Tenant': target.init.portal },
  })
  assert.equal(response.status, 201, response.text)
})

test('the examples of OSIS work one after the other', async () => {
  const { client_id, client_secret } = target.init.clients.osis
  const authorization = basic(client_id, client_secret)
  const run = async (operationId: string, entered: Entered = {}): Promise<Record<string, string>> => {
    const response = await tryOut('osis', operationId, { authorization, ...entered })
    assert.ok(response.status < 300, `${operationId}: ${response.status} ${response.text}`)
    return response.text === '' ? {} : jsonOf<Record<string, string>>(response)
  }
  const { tenant_id = '' } = await run('createTenant')
  const parameters = { tenantId: tenant_id }
  await run('updateTenant', { parameters })
  const { user_id = '' } = await run('createUser', { parameters })
  const ofUser = { parameters: { ...parameters, userId: user_id } }
  const { access_key = '' } = await run('createCredential', ofUser)
  await run('updateCredentialStatus', { parameters: { accessKey: access_key } })
  await run('updateUserStatus', ofUser)
  for (const id of ['listTenants', 'queryTenants', 'queryUsers', 'queryCredentials', 'getInfo', 'getUsage'])
    await run(id)
  await run('listUsers', { parameters })
  await run('listCredentials', ofUser)
})

test('the example of a token works once the client is filled in', async () => {
  const response = await tryOut('oauth', 'IssueToken', { body: { ...target.init.clients.administrator } })
  assert.equal(response.status, 200, response.text)
})

test('what is open works without anything', async () => {
  for (const name of ['oauth', 'system']) {
    for (const { method, operation } of operationsOf(name)) {
      if (method !== 'get') continue
      const response = await tryOut(name, operation.operationId, {})
      assert.equal(response.status, 200, operation.operationId)
      if (operation.operationId !== 'metrics') assert.equal(contradictionOf(operation, response), undefined)
    }
  }
})

test('the root leads to the documents', async () => {
  const { status, headers } = await send(target.url, { method: 'GET', path: '/' })
  assert.deepEqual([status, headers.location], [302, 'docs'])
  assert.equal((await fetch(target.url)).status, 200)
})
