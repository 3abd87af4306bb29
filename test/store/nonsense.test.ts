import assert from 'node:assert/strict'
import { type AddressInfo, createServer } from 'node:net'
import { after, test } from 'node:test'
import { openStore } from '../../src/store/open.ts'
import { StoreError } from '../../src/store/port.ts'

// No event handler may throw: an error that is not the result of a call would end the program.
const stray: unknown[] = []
process.on('uncaughtException', (error) => stray.push(error))
process.on('unhandledRejection', (error) => stray.push(error))
after(() => assert.deepEqual(stray, []))

/** A message of the protocol: a letter, the length of the rest, and the rest. */
function toMessage(letter: string, length: number, rest: readonly number[]): Buffer {
  const head = Buffer.alloc(5, letter)
  head.writeUInt32BE(length, 1)
  return Buffer.concat([head, Buffer.from(rest)])
}

const NONSENSE: readonly (readonly [name: string, bytes: Buffer])[] = [
  ['a way to authenticate that does not exist', toMessage('R', 8, [0, 0, 0, 99])],
  ['a message that is shorter than its kind', toMessage('R', 4, [])],
  ['a kind of message that does not exist', toMessage('!', 8, [0, 0, 0, 0])],
]

for (const [name, bytes] of NONSENSE) {
  test(`a server that sends ${name} is a database that cannot be reached`, async (t) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => socket.write(bytes))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    const { port } = server.address() as AddressInfo
    const begun = performance.now()
    const opened = openStore(`postgres://usher:hunter2@127.0.0.1:${port}/usher?sslmode=disable`)
    await assert.rejects(
      opened,
      (error) =>
        error instanceof StoreError && error.reason === 'unreachable' && !/hunter2/.test(error.message),
    )
    assert.ok(performance.now() - begun < 4_000)
  })
}
