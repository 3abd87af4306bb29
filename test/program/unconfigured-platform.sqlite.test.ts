import assert from 'node:assert/strict'
import { test } from 'node:test'
import { basic, jsonOf, send } from '../../testing/http.ts'
import { startRgw } from '../../testing/rgw.ts'
import { serveHere, startTarget } from '../../testing/target.ts'

test('on a platform without settings, figures are a 503, lists work, and new users are kept', async (t) => {
  const rgw = await startRgw()
  const target = await startTarget(rgw.settings)
  t.after(async () => {
    rgw.close()
    await target.end()
  })
  const { client_id, client_secret } = target.init.clients.osis
  const call = (url: string, method: string, path: string, body?: object) =>
    send(url, {
      method,
      path: `/api/v1/${path}`,
      headers: { authorization: basic(client_id, client_secret), 'content-type': body && 'application/json' },
      body: body && JSON.stringify(body),
    })
  const tenant = jsonOf<{ tenant_id: string }>(
    await call(target.url, 'POST', 'tenants', { name: 'Acme', cd_tenant_ids: ['acme'] }),
  )
  const users = `tenants/${tenant.tenant_id}/users`
  await target.stop()
  const again = await serveHere(target.dataDir)
  t.after(() => again.stop())
  const created = await call(again.url, 'POST', users, { cd_user_id: 'ada', cd_tenant_id: 'acme' })
  assert.equal(created.status, 503)
  for (const path of ['usage', `bucket-list?tenant_id=${tenant.tenant_id}`])
    assert.equal((await call(again.url, 'GET', path)).status, 503)
  assert.match(created.text, /The user is kept; repeat the call\./)
  const { page_info } = jsonOf<{ page_info: { total: number } }>(await call(again.url, 'GET', users))
  assert.equal(page_info.total, 1)
})
