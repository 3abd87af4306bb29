import { LRUCache } from 'lru-cache'
import { findClient } from '../directory/clients.ts'
import { CACHE_TTL_MS, type Directory } from '../directory/directory.ts'
import type { Client } from '../model/clients.ts'

/** The most clients of one cache, unless it says otherwise. */
const CACHE_ENTRIES = 10_000

/** Finds a client by its id. Returns undefined if it is unknown or was removed. */
export type ClientFinder = (id: string) => Promise<Client | undefined>

/** Returns a finder that looks clients up by their ids; see `cacheClients`. */
export function newClientFinder(dir: Directory): ClientFinder {
  const find = cacheClients<undefined>((id) => findClient(dir, id))
  return async (id) => find(id, undefined)
}

/**
 * Wraps a look-up of clients so that a client is cached for CACHE_TTL_MS; a removed client is refused within 5 s. Calls
 * with the same key at the same time share one look-up. Failures, and clients that do not exist, are not cached.
 * @param find looks a client up by a key, with what the caller knows about the key in addition
 * @param max the most clients that are cached
 * @returns the client itself if it is cached, else a promise: a promise for each request would cost too much
 */
export function cacheClients<Known>(
  find: (key: string, known: Known) => Promise<Client | undefined>,
  max = CACHE_ENTRIES,
): (key: string, known: Known) => Client | Promise<Client | undefined> {
  const clients = new LRUCache<string, Client, { readonly known: Known }>({
    max,
    ttl: CACHE_TTL_MS,
    ttlResolution: 0,
    // If other clients push this one out of the cache, calls that wait for it still get it.
    ignoreFetchAbort: true,
    fetchMethod: (key, _stale, { context }) => find(key, context.known),
  })
  return (key, known) => clients.get(key) ?? clients.fetch(key, { context: { known } })
}
