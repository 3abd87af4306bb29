import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, test } from 'node:test'
import { buildBareServer } from '../support/server.ts'

const REQUEST_MS = 300

const app = await buildBareServer({}, REQUEST_MS)
const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
after(() => app.close())

interface End {
  readonly text: string
  /** Milliseconds from the connection to its end. */
  readonly after: number
}

/** Sends text at once, then one more byte every 20 ms, until the server ends the connection. */
function drip(first: string, byte: string): Promise<End> {
  const { promise, resolve } = Promise.withResolvers<End>()
  const begun = performance.now()
  const socket = connect(Number(port), '127.0.0.1')
  // At once, so that it is before the first byte of the timer, however long connecting takes.
  socket.write(first)
  const timer = setInterval(() => socket.write(byte), 20)
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    clearInterval(timer)
    resolve({ text, after: performance.now() - begun })
  })
  return promise
}

const HEAD =
  'POST /oauth2/v2.0/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n'

const SLOW: readonly (readonly [what: string, first: string, byte: string])[] = [
  ['nothing', '', ''],
  ['its headers', `${HEAD}X-Slow: `, 'x'],
  ['its body', `${HEAD}Content-Length: 10000\r\n\r\n`, 'x'],
  ['its body in chunks', `${HEAD}Transfer-Encoding: chunked\r\n\r\n`, '1\r\nx\r\n'],
]

for (const [what, first, byte] of SLOW)
  test(`a client that sends ${what} too slowly is cut off in time`, { timeout: 10_000 }, async () => {
    const end = await drip(first, byte)
    assert.ok(end.after >= REQUEST_MS * 0.9, `after ${end.after} ms`)
    // Far below the minute that Node grants headers by default.
    assert.ok(end.after < REQUEST_MS + 5_000, `after ${end.after} ms`)
    assert.match(end.text, /^HTTP\/1\.1 408 /)
  })

test('the limits of a request are 30 s, whatever it is slow with, checked every second', async () => {
  const { server } = await buildBareServer()
  assert.equal(server.requestTimeout, 30_000)
  assert.equal(server.headersTimeout, 30_000)
  assert.equal((server as { connectionsCheckingInterval?: number }).connectionsCheckingInterval, 1_000)
})
