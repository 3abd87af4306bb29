import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { faultOf } from './openapi.ts'
import { driveLikeOse } from './ose-scenarios.ts'
import { DOCUMENT, OPERATIONS, type OperationId, StrictClient } from './strict-client.ts'
import { MODELS, mismatchOf } from './strict-models.ts'
import { startTarget } from './target.ts'

/**
 * A client that was generated from the published document, strict in types and codes, gets an object from every
 * operation that the server implements. USHER_TEST_OSIS_URL, …_USERNAME and …_PASSWORD make it call another server.
 */
const {
  USHER_TEST_OSIS_URL: given,
  USHER_TEST_OSIS_USERNAME: givenName = '',
  USHER_TEST_OSIS_PASSWORD: givenPassword = '',
} = process.env

let url: string
let account = { username: givenName, password: givenPassword }
let end: () => Promise<void> = async () => undefined

before(async () => {
  if (given) {
    url = given
    return
  }
  const target = await startTarget({ USHER_OSIS_CONSOLE_URL: 'https://console.example/{tenant_id}' })
  const { client_id: username, client_secret: password } = target.init.clients.osis
  account = { username, password }
  url = target.url
  end = () => target.end()
})

after(() => end())

const documented = Object.entries(DOCUMENT.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
)

test('the published document has the operations of the contract, and no others', () => {
  const published = documented.map(({ method, path, operation }) => [operation.operationId, method, path])
  const wanted = Object.entries(OPERATIONS).map(([id, [method, path]]) => [id, method, path])
  assert.deepEqual(published.sort(), wanted.sort())
})

for (const { operation } of documented) {
  const id = operation.operationId as OperationId
  test(`the published document says of ${id} what the contract does`, () => {
    const [, , success, model] = OPERATIONS[id]
    const codes = Object.keys(operation.responses).filter((code) => code.startsWith('2'))
    assert.deepEqual(codes, [String(success)])
    const schema = operation.responses[success]?.content?.['application/json']?.schema
    assert.equal(schema !== undefined, model !== null)
    const type = model && MODELS[model]
    if (!schema || typeof type !== 'object' || type === null || !('required' in type)) return
    const { required = [] } = schema as { required?: string[] }
    for (const member of Object.keys(type.required)) assert.ok(required.includes(member), member)
  })
}

test('the client is strict', () => {
  const usage = { bucket_count: 1, object_count: 1, total_bytes: 1, available_bytes: 1, used_bytes: 1 }
  assert.equal(mismatchOf(MODELS.Usage, usage), undefined)
  for (const wrong of ['1', null, undefined, 1.5, true])
    assert.match(mismatchOf(MODELS.Usage, { ...usage, used_bytes: wrong }) ?? '', /used_bytes is no integer/)
  assert.ok(mismatchOf(MODELS.Tenant, { name: 'a', tenant_id: 'b', active: 'true', cd_tenant_ids: [] }))
})

test('every operation that is implemented gives its object to a strict client that does what OSE does', async () => {
  const client = new StrictClient(url)
  const { notImplemented } = await driveLikeOse(client, account)
  const left = Object.keys(OPERATIONS).filter((id) => !client.called.has(id as OperationId))
  assert.deepEqual(left.sort(), [...notImplemented].sort())
  for (const id of ['getInfo', 'createTenant', 'createUser', 'createCredential', 'queryUsers'])
    assert.ok(!notImplemented.includes(id), id)
})

test('a response matches the published schema', async () => {
  const info = await new StrictClient(url).call('getInfo')
  const schema = DOCUMENT.paths['/api/info']?.get?.responses[200]?.content?.['application/json']?.schema
  assert.equal(faultOf(schema ?? assert.fail('no schema'), info), undefined)
})
