import { LRUCache } from 'lru-cache'
import { isSecretOf, noteClientUse } from '../directory/client-secrets.ts'
import { findClient } from '../directory/clients.ts'
import { CACHE_TTL_MS, type Directory } from '../directory/directory.ts'
import type { Client } from '../model/clients.ts'
import { AuthError } from './auth-error.ts'

/** What a client presents to authenticate itself. */
export interface Credentials {
  readonly id: string
  readonly secret: string
}

/**
 * Reads the id and password of a Basic `Authorization` header (RFC 7617) in UTF-8.
 * @returns undefined if the header is not Basic, or is malformed
 */
export function readBasic(authorization: string | undefined): Credentials | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]+=*)$/i.exec(authorization ?? '')?.[1]
  if (encoded === undefined) return undefined
  const decoded = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = decoded.indexOf(':')
  return colon < 0 ? undefined : { id: decoded.slice(0, colon), secret: decoded.slice(colon + 1) }
}

/**
 * Returns the client that an id and secret belong to.
 * @throws {AuthError} if there is none; the message does not say which of the two was wrong
 * @throws {DirectoryError} `store_unavailable`
 */
export type SecretCheck = (id: string, secret: string) => Promise<Client>

/** Returns a function that authenticates clients by their secrets. A client is cached for CACHE_TTL_MS. */
export function newSecretCheck(dir: Directory): SecretCheck {
  const findCached = newClientFinder(dir)
  return async (id, secret) => {
    let client = await findCached(id)
    // The secret may be newer than the cached client.
    if (client && !isSecretOf(client, secret, dir.now())) client = await findClient(dir, id)
    if (!client || !isSecretOf(client, secret, dir.now()))
      throw new AuthError('The client id or secret is wrong')
    noteClientUse(dir, client)
    return client
  }
}

/** The most clients of one cache, unless it says otherwise. */
const CACHE_ENTRIES = 10_000

/** Finds a client by its id. Returns undefined if it is unknown or was removed. */
export type ClientFinder = (id: string) => Promise<Client | undefined>

/** Returns a finder that looks clients up by their ids; see `cacheClients`. */
export function newClientFinder(dir: Directory): ClientFinder {
  const find = cacheClients<undefined>(
    (id) => findClient(dir, id),
    () => dir.changes,
  )
  return async (id) => find(id, undefined)
}

/** A cached client, and what had been changed when its look-up began. */
interface Found {
  readonly client: Client
  readonly changes: number | undefined
}

/**
 * Wraps a look-up of clients so that a client is cached for CACHE_TTL_MS. This process refuses a client at once after it
 * has removed or suspended it, and within 5 s after another process did. Calls with the same key at the same time share
 * one look-up. Failures, and clients that do not exist, are not cached.
 * @param find looks a client up by a key, with what the caller knows about the key in addition
 * @param getChanges returns what counts the changes of this process; see `forgetCached`
 * @param max the most clients that are cached
 * @returns the client itself if it is cached, else a promise: a promise for each request would cost too much
 */
export function cacheClients<Known>(
  find: (key: string, known: Known) => Promise<Client | undefined>,
  getChanges: (known: Known) => Directory['changes'] | undefined,
  max = CACHE_ENTRIES,
): (key: string, known: Known) => Client | Promise<Client | undefined> {
  const clients = new LRUCache<string, Found, { readonly known: Known }>({
    max,
    ttl: CACHE_TTL_MS,
    ttlResolution: 0,
    // If other clients push this one out of the cache, calls that wait for it still get it.
    ignoreFetchAbort: true,
    async fetchMethod(key, _stale, { context: { known } }) {
      const changes = getChanges(known)?.count
      const client = await find(key, known)
      return client && { client, changes }
    },
  })
  async function fetch(key: string, known: Known): Promise<Client | undefined> {
    for (;;) {
      const found = await clients.fetch(key, { context: { known } })
      if (!found || found.changes === getChanges(known)?.count) return found?.client
      // The look-up began before the last change.
      clients.delete(key)
    }
  }
  return (key, known) => {
    const found = clients.get(key)
    return found && found.changes === getChanges(known)?.count ? found.client : fetch(key, known)
  }
}

/**
 * Reads a Basic header whose id and password are form-encoded, as OAuth demands (RFC 6749 section 2.3.1). OSIS does not
 * encode them.
 * @returns undefined also if they are not form-encoded
 */
export function readFormEncodedBasic(authorization: string | undefined): Credentials | undefined {
  const encoded = readBasic(authorization)
  if (!encoded) return undefined
  try {
    return { id: formDecode(encoded.id), secret: formDecode(encoded.secret) }
  } catch {
    return undefined
  }
}

/** @throws {URIError} if a percent sign does not begin an escape of UTF-8 */
function formDecode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}
