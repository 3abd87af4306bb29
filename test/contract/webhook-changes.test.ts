import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { jsonOf } from '../../testing/http.ts'
import { waitUntil } from '../../testing/wait.ts'
import { isSigned } from '../support/receiver.ts'
import { assertInvalid, assertNoBody, callPortal, create, errorOf, idOf, newUser } from './portal.ts'
import { newToken, useOwnTarget } from './target.ts'
import { type Caller, webhooksOf } from './webhooks.ts'

const RESELLER_PORTAL = 'changes.reseller.example'
const OTHER_PORTAL = 'changes.other.example'
const LIMIT_MS = 15_000

const fixture = { resellerToken: '', otherToken: '', viewer: '' }

const target = useOwnTarget({ USHER_WEBHOOK_NETWORKS: '127.0.0.0/8' }, async () => {
  const { operator, init } = target
  fixture.resellerToken = await newToken(target, await operator.addReseller(RESELLER_PORTAL))
  fixture.otherToken = await newToken(target, await operator.addReseller(OTHER_PORTAL))
  fixture.viewer = await newToken(target, init.provider.id, 'viewer')
})

const { call, make, newReceiver } = webhooksOf(target)

const countWaiting = async (id: string): Promise<number> =>
  jsonOf<{ waiting: number }>(await call('GET', `/${id}`)).waiting

const addUser = async (): Promise<string> => idOf(await create(target, newUser()))

interface Entry {
  readonly operation: string
  readonly description: string
  readonly targetId: string | null
  readonly changes: readonly object[]
}

/** Lists the newest entries of the audit log that a caller sees. */
async function listEntries(caller: Caller = {}): Promise<readonly Entry[]> {
  const response = await callPortal(target, 'GET', '/AuditLogs?PageSize=500', caller)
  return jsonOf<{ items: Entry[] }>(response).items
}

test('a webhook is changed in parts, and keeps its place and its secret', async () => {
  const [former, next] = [await newReceiver(), await newReceiver()]
  former.respond(() => 503)
  const made = { url: former.url, name: 'Billing', operations: ['CreateUser', 'DeleteUser'] }
  const { id, secret } = await make(made)
  const user = await addUser()
  await waitUntil(async () => (await countWaiting(id)) === 1, LIMIT_MS)
  const patch = async (body: object): Promise<void> => {
    const response = await call('PATCH', `/${id}`, body)
    assert.deepEqual([response.status, response.text], [204, ''])
  }
  await patch({ url: next.url })
  const event = await next.waitFor(({ data }) => data.target === user)
  assert.ok(isSigned(event, secret))
  await waitUntil(async () => (await countWaiting(id)) === 0, LIMIT_MS)
  await patch({})
  await patch({ name: null, operations: ['DeleteUser', 'UpdateUser', 'UpdateUser'] })
  const { name, url, operations } = jsonOf<Record<string, unknown>>(await call('GET', `/${id}`))
  assert.deepEqual([name, url, operations], [null, next.url, ['DeleteUser', 'UpdateUser']])
  await patch({ operations: null })
  const last = await addUser()
  await next.waitFor(({ data }) => data.target === last)
  const entries = (await listEntries()).filter(({ targetId }) => targetId === id)
  const all = ['CreateUser', 'DeleteUser']
  const some = ['DeleteUser', 'UpdateUser']
  assert.deepEqual(
    entries.map(({ operation, description, changes }) => [operation, description, changes]),
    [
      ['UpdateWebhook', 'updated', [{ propertyName: 'operations', before: some, after: null }]],
      [
        ...['UpdateWebhook', 'updated'],
        [
          { propertyName: 'name', before: 'Billing', after: null },
          { propertyName: 'operations', before: all, after: some },
        ],
      ],
      ['UpdateWebhook', 'repeated', []],
      ['UpdateWebhook', 'updated', [{ propertyName: 'url', before: former.url, after: next.url }]],
      ['CreateWebhook', 'created', []],
    ],
  )
  await call('DELETE', `/${id}`)
})

test('a reseller sees in its audit log what the provider does to its webhook', async () => {
  const own = { token: fixture.resellerToken, portal: RESELLER_PORTAL }
  const { id } = await make({ url: 'https://receiver.example' }, own)
  for (const [method, path, body] of [
    ['PATCH', '', { name: 'Billing' }],
    ['POST', '/rotate', {}],
    ['POST', '/replay', { deadLetters: true }],
    ['POST', '/test', undefined],
    ['DELETE', '', undefined],
  ] as const)
    assert.ok((await call(method, `/${id}${path}`, body)).status < 300, path)
  const listAs = async (caller: Caller): Promise<string[]> =>
    (await listEntries(caller)).filter(({ targetId }) => targetId === id).map(({ operation }) => operation)
  const done = ['DeleteWebhook', 'TestWebhook', 'ReplayWebhook', 'RotateWebhook', 'UpdateWebhook']
  assert.deepEqual(await listAs(own), [...done, 'CreateWebhook'])
  assert.deepEqual(await listAs({}), [...done, 'CreateWebhook'])
  assert.deepEqual(await listAs({ token: fixture.otherToken, portal: OTHER_PORTAL }), [])
})

test('a change of a webhook obeys the rules of its creation', async () => {
  const { id } = await make({ url: 'https://receiver.example' })
  for (const [body, path] of [
    [{ url: 'ftp://x.example' }, 'url'],
    [{ url: 'https://10.0.0.1' }, 'url'],
    [{ url: null }, 'url'],
    [{ operations: [] }, 'operations'],
    [{ operations: ['GetUser'] }, 'operations[0]'],
    [{ name: 'a'.repeat(256) }, 'name'],
    [{ name: 'a\u0000' }, 'name'],
  ] as const)
    assertInvalid(await call('PATCH', `/${id}`, body), [path])
  errorOf(await call('PATCH', `/${randomUUID()}`, { name: 'x' }), 404, 'NotFound')
  assertNoBody(await call('PATCH', `/${id}`, { name: 'x' }, { token: fixture.viewer }), 403)
  await call('DELETE', `/${id}`)
})
