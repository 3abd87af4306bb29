import assert from 'node:assert/strict'
import { test } from 'node:test'
import { basic, send } from '../../testing/http.ts'
import { startTarget } from '../../testing/target.ts'

interface Shown {
  readonly client_id: string
  readonly lastUsedAt: string | null
}

test('a stopped server has written when each client called last', async (t) => {
  const target = await startTarget()
  t.after(() => target.end())
  const { administrator, osis } = target.init.clients
  const begun = new Date().toISOString()
  const wrong = { authorization: basic(osis.client_id, 'wrong') }
  await send(target.url, { method: 'GET', path: '/api/v1/tenants', headers: wrong })
  const headers = { authorization: `Bearer ${target.token}`, 'x-tenant': target.init.portal }
  await send(target.url, { method: 'GET', path: '/v1/api-accesses', headers })
  await target.stop()
  const shown = await target.cli<Shown[]>('client', 'list')
  const find = (id: string) => shown.find((one) => one.client_id === id)?.lastUsedAt
  // Its first call was the request for a token.
  assert.ok(String(find(administrator.client_id)) > begun.slice(0, 16))
  assert.equal(find(osis.client_id), null, 'a wrong secret is no call of the client')
})
