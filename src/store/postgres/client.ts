import type { Duplex } from 'node:stream'
import pg from 'pg'

/** pg's connection, which pg's types leave out. */
interface Connection {
  readonly stream: Duplex
  attachListeners(stream: Duplex): void
}

type Callback = (error: Error | null, result: unknown) => void
type Query = (config: unknown, values: unknown, callback: Callback) => unknown

/**
 * pg's client, with three differences:
 * - Statements that are sent in one turn of the event loop are one write: each write is a system call and wakes the
 *   database.
 * - Promises are made here, from callbacks. When pg makes them, the finished queries stay in memory until a full
 *   collection of garbage, so that each small collection copies them, and takes 10 to 30 ms in place of 1.
 * - The connection breaks if the server sends something that is not the protocol of PostgreSQL. pg's parser throws then,
 *   in an event handler of the socket, which would end the process.
 */
export class Client extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config)
    const { connection } = this as unknown as { connection: Connection }
    const send = this.query.bind(this) as Query
    this.query = ((text: unknown, values?: unknown, callback?: Callback) => {
      holdWrites(connection.stream)
      if (typeof values === 'function') return send(text, undefined, values as Callback)
      if (callback) return send(text, values, callback)
      return new Promise((resolve, reject) =>
        send(text, values, (error, result) => (error ? reject(error) : resolve(result))),
      )
    }) as typeof this.query
    const attach = connection.attachListeners.bind(connection)
    connection.attachListeners = (stream) => {
      attach(stream)
      for (const parse of stream.listeners('data')) {
        stream.removeListener('data', parse as (chunk: Buffer) => void)
        stream.on('data', (chunk: Buffer) => {
          try {
            parse(chunk)
          } catch (cause) {
            stream.destroy(new Error('the server does not speak the protocol of PostgreSQL', { cause }))
          }
        })
      }
    }
  }
}

/** Keeps what is written to a stream until the current turn of the event loop ends. */
function holdWrites(stream: Duplex): void {
  if (stream.writableCorked > 0) return
  stream.cork()
  process.nextTick(() => stream.uncork())
}
