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
 * Wraps a look-up of clients so that a client is cached for CACHE_TTL_MS; a removed client is refused within 5 s, and
 * one that this process suspends, at once. Calls with the same key at the same time share one look-up. Failures, and
 * clients that do not exist, are not cached.
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
