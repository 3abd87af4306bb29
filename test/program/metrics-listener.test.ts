import assert from 'node:assert/strict'
import { test } from 'node:test'
import { send } from '../../testing/http.ts'
import { startTarget } from '../../testing/target.ts'
import { newDataDir, runUsher } from '../../testing/usher.ts'
import { create, idOf, newUser } from '../contract/portal.ts'

test('metrics with a port of their own are served there and nowhere else, and nothing else is', async (t) => {
  const target = await startTarget({ USHER_METRICS_PORT: '0' })
  t.after(() => target.end())
  idOf(await create(target, newUser()))
  const [, url = ''] = /"url":"([^"]+)\/metrics".*"msg":"listening for metrics"/.exec(target.log()) ?? []
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/)
  const metrics = await send(url, { method: 'GET', path: '/metrics' })
  assert.equal(metrics.status, 200)
  assert.match(metrics.text, /usher_requests_total\{operation="CreateUser",status="201"\} 1/)
  assert.equal((await send(url, { method: 'HEAD', path: '/metrics' })).status, 200)
  for (const path of ['/', '/docs', '/healthz', '/api/info', '/oauth2/v2.0/keys'])
    assert.equal((await send(url, { method: 'GET', path })).status, 404, path)
  assert.equal((await send(target.url, { method: 'GET', path: '/metrics' })).status, 404)
  assert.equal((await send(target.url, { method: 'GET', path: '/healthz' })).status, 200)
})

test('a stop closes the listener of metrics too', async () => {
  const target = await startTarget({ USHER_METRICS_PORT: '0' })
  const [, url = ''] = /"url":"([^"]+)\/metrics"/.exec(target.log()) ?? []
  await target.end()
  await assert.rejects(send(url, { method: 'GET', path: '/metrics' }), { code: 'ECONNREFUSED' })
})

test('a start fails if the port of the metrics is in use', async (t) => {
  const other = await startTarget()
  t.after(() => other.end())
  const { path, remove } = newDataDir()
  t.after(remove)
  const { code, stderr } = await runUsher(path, ['serve'], { USHER_METRICS_PORT: new URL(other.url).port })
  assert.equal(code, 1)
  assert.match(stderr, /in use/)
})
