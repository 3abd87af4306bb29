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
  ...['0177.0.0.1', '[::]', '10.0.0.1', '169.254.169.254', '[fd00:ec2::254]', '[64:ff9b::7f00:1]'],
]

test('no address inside a network is reached, in whatever form the URL has it', async () => {
  for (const host of INSIDE) {
    const body = { url: `https://${host}:${PORT}/events` }
    const { id } = jsonOf<{ id: string }>(await callPortal(target, 'POST', '/webhooks', { body }))
    const tested = jsonOf<{ delivered: boolean; error: string }>(
      await callPortal(target, 'POST', `/webhooks/${id}/test`),
    )
    assert.equal(tested.delivered, false, host)
    assert.match(tested.error, /^the address of the receiver is inside a network that is not allowed/, host)
    await callPortal(target, 'DELETE', `/webhooks/${id}`)
  }
  assert.deepEqual(receiver.requests, [])
})

test('http is refused where no network is allowed', async () => {
  const body = { url: receiver.url }
  assertInvalid(await callPortal(target, 'POST', '/webhooks', { body }), ['url'])
})
