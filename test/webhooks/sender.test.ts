import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { type Attempt, newWebhookSender, type WebhookSender } from '../../src/webhooks/sender.ts'

const INSIDE = /inside a network that is not allowed/

/** A receiver whose handler is replaced by each test. */
let handle: Parameters<typeof createServer>[1] = (_, response) => void response.end()
let requests = 0
const server: Server = createServer((request, response) => {
  requests++
  request.resume()
  handle?.(request, response)
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const { port } = server.address() as AddressInfo
after(() => {
  server.closeAllConnections()
  server.close()
})

const event = { id: 'one', type: 'Test', timestamp: '2026-11-22T08:00:00.000Z', data: {} }
const secret = `whsec_${Buffer.alloc(32).toString('base64')}`

function send(sender: WebhookSender, url: string, stopping?: AbortSignal): Promise<Attempt> {
  return sender.send({ id: 'webhook', url, secrets: [secret] }, event, stopping)
}

/** A sender for which every name has the addresses that `found` gives, one list for each look-up. */
function newSender(networks: string[], ...found: string[][]): WebhookSender {
  const resolve = async () => (found.shift() ?? []).map((address) => ({ address, family: 4 }))
  const sender = newWebhookSender({ networks, version: 'test', resolve })
  after(sender.close)
  return sender
}

test('a name with an address inside a network is not reached, whatever its other addresses are', async () => {
  const before = requests
  const inside = newSender([], ['127.0.0.1'])
  assert.match((await send(inside, `https://receiver.example:${port}`)).error ?? '', INSIDE)
  const plain = newSender(['10.0.0.0/8'], ['1.1.1.1', '127.0.0.1'])
  assert.match((await send(plain, `http://receiver.example:${port}`)).error ?? '', INSIDE)
  assert.equal(requests, before)
})

test('a name that resolves to another address later is checked again', async () => {
  handle = (_, response) => void response.writeHead(204, { connection: 'close' }).end()
  const sender = newSender(['127.0.0.1'], ['127.0.0.1'], ['127.0.0.2'])
  const url = `http://receiver.example:${port}`
  assert.deepEqual(await send(sender, url), { delivered: true, status: 204, error: null, waitMs: 0 })
  const before = requests
  assert.match((await send(sender, url)).error ?? '', INSIDE)
  assert.equal(requests, before)
})

test('an address inside a network is not reached, in whatever form', async () => {
  const before = requests
  const sender = newSender(['10.0.0.0/8'])
  for (const host of ['127.0.0.1', '2130706433', '0177.0.0.1', '[::1]', '[::ffff:127.0.0.1]', 'localhost'])
    for (const scheme of ['http', 'https'])
      assert.match((await send(sender, `${scheme}://${host}:${port}`)).error ?? '', INSIDE, host)
  assert.equal(requests, before)
})

test('a redirect is a failure, and is not followed', async () => {
  handle = (_, response) => void response.writeHead(307, { location: '/again' }).end()
  const before = requests
  const attempt = await send(newSender(['127.0.0.1']), `http://127.0.0.1:${port}`)
  const expected = { delivered: false, status: 307, error: 'the receiver responded with 307', waitMs: 0 }
  assert.deepEqual(attempt, expected)
  assert.equal(requests, before + 1)
})

test('a receiver can ask for a pause, an hour at most', async () => {
  const sender = newSender(['127.0.0.1'])
  const waitAfter = async (text: string, status = 503): Promise<number> => {
    handle = (_, response) => void response.writeHead(status, { 'retry-after': text }).end()
    return (await send(sender, `http://127.0.0.1:${port}`)).waitMs
  }
  assert.equal(await waitAfter('120'), 120_000)
  assert.equal(await waitAfter('0'), 0)
  const dated = await waitAfter(new Date(Date.now() + 60_000).toUTCString(), 429)
  assert.ok(dated > 50_000 && dated <= 60_000, String(dated))
  for (const text of ['86400', '9'.repeat(400), 'Fri, 31 Dec 9999 23:59:59 GMT'])
    assert.equal(await waitAfter(text), 3_600_000)
  for (const text of ['soon', '-5', '', 'Sat, 01 Jan 2000 00:00:00 GMT'])
    assert.equal(await waitAfter(text), 0)
})

test('a connection that the receiver closes at the moment of the next request is opened anew', async () => {
  const sender = newSender(['127.0.0.1'])
  handle = (_, response) => void response.writeHead(200).end()
  assert.equal((await send(sender, `http://127.0.0.1:${port}`)).delivered, true)
  let cut = 0
  handle = (request, response) => {
    if (cut++ === 0) request.socket.resetAndDestroy()
    else response.writeHead(200).end()
  }
  assert.equal((await send(sender, `http://127.0.0.1:${port}`)).delivered, true)
  cut = 0
  const fresh = await send(newSender(['127.0.0.1']), `http://127.0.0.1:${port}`)
  assert.equal(fresh.error, 'the receiver closed the connection')
})

test('an endless or strange response counts by its status, and a stop cuts the request', async () => {
  const sender = newSender(['127.0.0.1'])
  handle = (_, response) => {
    response.writeHead(200)
    const more = (error?: Error | null): void => {
      if (!error) response.write(Buffer.alloc(16_384), more)
    }
    more()
  }
  assert.equal((await send(sender, `http://127.0.0.1:${port}`)).delivered, true)
  handle = (request) => void request.socket.end('HTTP/1.1 999 x\r\n\r\n')
  assert.equal((await send(sender, `http://127.0.0.1:${port}`)).status, 999)
  handle = ({ socket }) => void socket.write('HTTP/1.1 101 x\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n')
  const switched = { delivered: false, status: 101, error: 'the receiver responded with 101', waitMs: 0 }
  assert.deepEqual(await send(sender, `http://127.0.0.1:${port}`), switched)
  handle = (request) => void request.socket.end('nonsense\r\n\r\n')
  const noHttp = 'the response of the receiver is not valid HTTP, or its headers are too long'
  assert.equal((await send(sender, `http://127.0.0.1:${port}`)).error, noHttp)
  handle = (_, response) => void response.writeHead(200, { a: 'a'.repeat(100_000) }).end()
  assert.equal((await send(sender, `http://127.0.0.1:${port}`)).error, noHttp)
  assert.match(
    (await send(sender, `https://127.0.0.1:${port}`)).error ?? '',
    /^TLS failed: .*does not speak it/,
  )
  const stopping = new AbortController()
  handle = () => stopping.abort()
  assert.equal((await send(sender, `http://127.0.0.1:${port}`, stopping.signal)).delivered, false)
})
