import type { Duplex } from 'node:stream'
import pg from 'pg'

/** pg's connection, which pg's types leave out. */
interface Connection {
  attachListeners(stream: Duplex): void
}

/**
 * A client whose connection breaks if the server sends something that is not the protocol of PostgreSQL. pg's parser
 * throws then, in an event handler of the socket, which would end the process.
 */
export class Client extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config)
    const { connection } = this as unknown as { connection: Connection }
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
