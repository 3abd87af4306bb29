import { once } from 'node:events'
import type { Socket } from 'node:net'
import pg from 'pg'
import { describeCertificateFault } from '../../certificate-fault.ts'
import { StoreError } from '../port.ts'

/** The message that asks the server to go on with TLS (PostgreSQL manual, "SSLRequest"). */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

/**
 * Puts into an error what is wrong with the certificate of the database, if that is why it cannot be reached.
 * @returns a new error, or the same one if it has another reason
 */
export async function explainCertificate(error: unknown, connection: pg.ClientConfig): Promise<unknown> {
  if (!(error instanceof StoreError) || error.reason !== 'unreachable') return error
  const { host, port } = new pg.Client({ ...connection, ssl: false })
  const trust = 'set sslrootcert in USHER_DATABASE_URL to a PEM file with it, or NODE_EXTRA_CA_CERTS'
  const fault = await describeCertificateFault(error, { host, port, upgrade, trust })
  return fault === undefined
    ? error
    : new StoreError(
        'unreachable',
        `the database at ${host}:${port} cannot be reached: ${fault}`,
        error.cause,
      )
}

async function upgrade(socket: Socket): Promise<void> {
  socket.write(SSL_REQUEST)
  const [reply] = (await once(socket, 'data')) as [Buffer]
  if (reply.toString('latin1', 0, 1) !== 'S') throw new Error('the database does not speak TLS')
}
