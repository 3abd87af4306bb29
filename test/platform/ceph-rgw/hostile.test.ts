import assert from 'node:assert/strict'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { PlatformError } from '../../../src/platform/platform.ts'
import { newPlatform } from './fake-gateway.ts'

const MIB = 1024 * 1024
const open = new Set<Socket>()
const servers: { close(): void }[] = []

// No event handler may throw: an error that is not the result of a call would end the program.
const stray: unknown[] = []
process.on('uncaughtException', (error) => stray.push(error))
process.on('unhandledRejection', (error) => stray.push(error))

after(() => {
  for (const socket of open) socket.destroy()
  for (const server of servers) server.close()
  assert.deepEqual(stray, [])
})

/** Starts a server that writes what it likes in place of an HTTP response. Returns its URL. */
async function startRaw(write: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => open.delete(socket))
    socket.on('data', () => write(socket))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Writes a piece again and again until the other side hangs up. Counts the bytes. */
function pour(socket: Socket, piece: Buffer, sent: { bytes: number }): void {
  const more = (): void => {
    while (!socket.destroyed) {
      sent.bytes += piece.length
      if (!socket.write(piece)) break
    }
  }
  socket.on('drain', more)
  more()
}

const signal = new AbortController().signal

async function failureOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => assert.fail('it did not fail'),
    (reason) => reason,
  )
  assert.ok(error instanceof PlatformError, String(error))
  assert.ok(error.message.length < 300, `${error.message.length} characters`)
  return error.message
}

const chunk = (body: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n')])

const HEAD = 'HTTP/1.1 200 OK\r\n'
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`

test('a body of 512 MiB is refused after 64 MiB', async () => {
  for (const head of [`${HEAD}Content-Length: ${512 * MIB}\r\n\r\n["`, `${HEAD}\r\n["`]) {
    const sent = { bytes: 0 }
    const url = await startRaw((socket) => {
      socket.write(head)
      pour(socket, Buffer.alloc(MIB, 'x'), sent)
    })
    assert.match(await failureOf(newPlatform(url).listBuckets('acme$ada', signal)), /has more than 64 MiB$/)
    assert.ok(sent.bytes < 200 * MIB, `${sent.bytes} bytes were taken`)
  }
})

test('a chunked body without end is refused after 64 MiB, also with an error status', async () => {
  for (const status of ['200 OK', '503 Slow Down']) {
    const url = await startRaw((socket) => {
      socket.write(`HTTP/1.1 ${status}\r\nTransfer-Encoding: chunked\r\n\r\n`)
      pour(socket, chunk(Buffer.alloc(MIB, 'x')), { bytes: 0 })
    })
    assert.match(await failureOf(newPlatform(url).listIds(null, signal)), /has more than 64 MiB$/)
  }
})

test('headers without end are refused', async () => {
  const url = await startRaw((socket) => {
    socket.write(HEAD)
    pour(socket, Buffer.from('X-More: and more\r\n'.repeat(100)), { bytes: 0 })
  })
  assert.match(await failureOf(newPlatform(url).listIds(null, signal)), /cannot be reached: .*[Hh]eader/)
})

const NONSENSE: readonly (readonly [name: string, response: string | Buffer, says: RegExp])[] = [
  ['JSON that ends early', `${HEAD}Content-Length: 2\r\n\r\n["`, /is not JSON/],
  [
    'bytes that are not UTF-8',
    Buffer.concat([Buffer.from(`${HEAD}Content-Length: 5\r\n\r\n["`), Buffer.from([0xc3, 0x28, 0x22])]),
    /is not UTF-8/,
  ],
  ['a redirect', 'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n', /302/],
  ['something else than HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', /cannot be reached/],
  ['a chunk with a wrong length', `${CHUNKED}zz\r\n["a"]\r\n`, /cannot be reached/],
  ['an end in the middle of the headers', 'HTTP/1.1 200', /cannot be reached/],
  ['a body that is cut off', `${HEAD}Content-Length: 100\r\n\r\n["a"`, /cannot be reached/],
  [
    'an error code of a megabyte',
    `HTTP/1.1 400 Bad\r\nContent-Length: ${MIB + 11}\r\n\r\n{"Code":"${'x'.repeat(MIB)}"}`,
    /responded to GET .* with 400/,
  ],
]

for (const [name, response, says] of NONSENSE) {
  test(`${name} is a failure of the platform`, async () => {
    const url = await startRaw((socket) => socket.end(response))
    assert.match(await failureOf(newPlatform(url).listBuckets('acme$ada', signal)), says)
    assert.equal((await newPlatform(url).status()).health, 'ERROR')
  })
}

test('a second response that belongs to no request, and headers of one that never ends, harm nothing', async () => {
  const page = `${HEAD}Content-Length: 2\r\n\r\n[]`
  const url = await startRaw((socket) => socket.write(page + page))
  const platform = newPlatform(url)
  for (let i = 0; i < 5; i++)
    await platform.listBuckets('acme$ada', signal).catch((error) => assert.ok(error instanceof PlatformError))
})

test('a text of the gateway in a message is cut', async () => {
  const bucket = { bucket: 'b', owner: 'o', creation_time: 'x'.repeat(10_000) }
  const body = JSON.stringify([bucket])
  const url = await startRaw((socket) => socket.write(`${HEAD}Content-Length: ${body.length}\r\n\r\n${body}`))
  assert.match(await failureOf(newPlatform(url).listBuckets('acme$ada', signal)), /returned the time 'x+/)
})
