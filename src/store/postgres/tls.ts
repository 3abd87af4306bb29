import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import pg from 'pg'
import { type PostgresUrl, parseSslMode, type SslMode } from '../../database-url.ts'
import { Client } from './client.ts'

/** How a connection uses TLS: not at all, or with these options. */
export type Tls = false | ConnectionOptions

/**
 * Returns how connections to a database use TLS, by the rules of libpq (PostgreSQL manual, section 32.19): `allow` and
 * `prefer`, which is the default, try both ways with one connection, and keep the one that works.
 * @param base the other options of the connection
 * @throws {Error} when a file of certificates cannot be read
 */
export async function chooseTls(url: PostgresUrl, base: pg.ClientConfig): Promise<Tls> {
  const [first = false, second] = listWays(url)
  if (second === undefined) return first
  const failure = await tryToConnect({ ...base, ssl: first })
  if (failure === undefined || isUnreachable(failure)) return first
  if (isWithoutTls(failure)) return second
  const other = await tryToConnect({ ...base, ssl: second })
  // If both fail, the one that gets as far as PostgreSQL has the better message.
  const isBetter = other === undefined || (isFromServer(other) && !isFromServer(failure))
  return isBetter ? second : first
}

/** Returns the ways to try, best first. */
function listWays(url: PostgresUrl): Tls[] {
  // A Unix socket needs no TLS, and libpq uses none there.
  if (url.host?.startsWith('/')) return [false]
  const mode = url.sslMode ?? parseSslMode(process.env.PGSSLMODE ?? defaultMode(url))
  const tls = toOptions(url, mode)
  if (mode === 'disable') return [false]
  if (mode === 'allow') return [false, tls]
  return mode === 'prefer' ? [tls, false] : [tls]
}

function defaultMode({ sslRootCert }: PostgresUrl): SslMode {
  return sslRootCert === 'system' ? 'verify-full' : 'prefer'
}

function toOptions({ host, sslRootCert, sslCert, sslKey }: PostgresUrl, mode: SslMode): ConnectionOptions {
  const ca = sslRootCert !== null && sslRootCert !== 'system' ? readFileSync(sslRootCert) : undefined
  const verifies = mode === 'verify-full' || mode === 'verify-ca' || (mode === 'require' && ca !== undefined)
  return {
    rejectUnauthorized: verifies,
    ...(ca && { ca }),
    ...(sslCert && { cert: readFileSync(sslCert) }),
    ...(sslKey && { key: readFileSync(sslKey) }),
    ...(verifies && mode !== 'verify-full' && { checkServerIdentity: () => undefined }),
    // For a name, pg sets it; an address would be compared with the name `localhost`.
    ...(host !== null && isIP(host) > 0 && { host }),
  }
}

/** Makes one connection, and ends it. Returns its error, if it fails. */
async function tryToConnect(config: pg.ClientConfig): Promise<unknown> {
  const client = new Client(config)
  client.on('error', () => undefined)
  try {
    await client.connect()
    return undefined
  } catch (error) {
    return error
  } finally {
    await client.end().catch(() => undefined)
  }
}

const UNREACHABLE = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT']

/** Returns whether a connection failed because the server has no TLS. This text is the only sign from pg. */
export function isWithoutTls(error: unknown): boolean {
  return (error as Error).message === 'The server does not support SSL connections'
}

function isUnreachable(error: unknown): boolean {
  const { code, message } = error as { code?: string; message: string }
  return UNREACHABLE.includes(code ?? '') || message.includes('timeout')
}

function isFromServer(error: unknown): boolean {
  return error instanceof pg.DatabaseError
}
