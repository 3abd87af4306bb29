import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { signEvent } from '../../src/webhooks/signature.ts'

const DOCUMENT = readFileSync(join(import.meta.dirname, '../../docs/webhooks.md'), 'utf8')
const [, CODE = ''] = /```js\n([\s\S]*?)```/.exec(DOCUMENT) ?? []

interface Verifier {
  isFromUsher(secret: string, headers: Readonly<Record<string, string>>, body: string): boolean
}

const { isFromUsher } = (await import(`data:text/javascript,${encodeURIComponent(CODE)}`)) as Verifier

const secret = `whsec_${Buffer.alloc(32, 'a').toString('base64')}`
const body = '{"type":"CreateUser"}'
const now = Math.floor(Date.now() / 1000)

test('the code of docs/webhooks.md accepts what Usher signs', () => {
  assert.ok(isFromUsher(secret, signEvent([secret], { id: 'one', timestamp: now, body }), body))
  const headers = signEvent([secret], { id: 'one', timestamp: now, body })
  const several = { ...headers, 'webhook-signature': `v1,AAAA v2,x ${headers['webhook-signature']}` }
  assert.ok(isFromUsher(secret, several, body))
})

test('the code of docs/webhooks.md refuses everything else', () => {
  const headers = signEvent([secret], { id: 'one', timestamp: now, body })
  const other = `whsec_${Buffer.alloc(32, 'b').toString('base64')}`
  const old = signEvent([secret], { id: 'one', timestamp: now - 301, body })
  assert.deepEqual(
    [
      isFromUsher(other, headers, body),
      isFromUsher(secret, headers, `${body} `),
      isFromUsher(secret, { ...headers, 'webhook-id': 'two' }, body),
      isFromUsher(secret, { ...headers, 'webhook-timestamp': String(now + 1) }, body),
      isFromUsher(secret, old, body),
      isFromUsher(secret, {}, body),
      isFromUsher(secret, { ...headers, 'webhook-signature': 'v1,' }, body),
    ],
    Array(7).fill(false),
  )
})

test('signatures are those of Standard Webhooks', () => {
  // The example of https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
  const example = {
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    timestamp: 1614265330,
    body: '{"test": 2432232314}',
  }
  const headers = signEvent(['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'], example)
  assert.equal(headers['webhook-signature'], 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
})
