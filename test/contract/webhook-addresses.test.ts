import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { jsonOf } from '../../testing/http.ts'
import { startReceiver } from '../support/receiver.ts'
import { assertInvalid, callPortal } from './portal.ts'
import { useTarget } from './target.ts'

// Without USHER_WEBHOOK_NETWORKS, receivers are on the internet.
const target = useTarget()
const receiver = await startReceiver()
after(() => receiver.end())

const PORT = new URL(receiver.url).port
const INSIDE = [
  ...['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '127.1', '2130706433', '0x7f000001', '0'],
  ...[
    'LOCALHOST.',
    'usher.localhost',
    '①②⑦.⓪.⓪.①',
    '127.0.0.1.',
    '0177.0.0.1',
    '[::]',
    '10.0.0.1',
    '169.254.169.254',
    '[fd00:ec2::254]',
    '[64:ff9b::7f00:1]',
  ],
]

test('a URL with an address inside a network is refused, in whatever form', async () => {
  const own = { body: { url: 'https://receiver.example' } }
  const { id } = jsonOf<{ id: string }>(await callPortal(target, 'POST', '/webhooks', own))
  for (const host of INSIDE) {
    const body = { url: `https://${host}:${PORT}/events` }
    const { hostname } = new URL(body.url)
    const said = `in a network of USHER_WEBHOOK_NETWORKS: ${hostname} is in neither`
    for (const response of [
      await callPortal(target, 'POST', '/webhooks', { body }),
      await callPortal(target, 'PATCH', `/webhooks/${id}`, { body }),
    ]) {
      assertInvalid(response, ['url'])
      assert.ok(response.text.includes(said), `${host}: ${response.text}`)
    }
  }
  const outside = { url: 'https://1.1.1.1/events' }
  assert.equal((await callPortal(target, 'PATCH', `/webhooks/${id}`, { body: outside })).status, 204)
  assert.deepEqual(receiver.requests, [])
  await callPortal(target, 'DELETE', `/webhooks/${id}`)
})

test('http is refused where no network is allowed', async () => {
  const body = { url: receiver.url }
  assertInvalid(await callPortal(target, 'POST', '/webhooks', { body }), ['url'])
})
