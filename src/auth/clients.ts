import { LRUCache } from 'lru-cache'
import { findClient } from '../directory/clients.ts'
import { CACHE_TTL_MS, type Directory } from '../directory/directory.ts'
import type { Client } from '../model/clients.ts'

/** Finds a client by its id. Returns undefined if it is unknown or was removed. */
export type ClientFinder = (id: string) => Promise<Client | undefined>

/**
 * Returns a finder that caches clients for CACHE_TTL_MS, so a removed client is refused within 5 s. Calls that look for
 * the same client at the same time share one query.
 */
export function newClientFinder(dir: Directory): ClientFinder {
  const clients = new LRUCache<string, Client>({
    max: 10_000,
    ttl: CACHE_TTL_MS,
    ttlResolution: 0,
    // If other clients push this one out of the cache, calls that wait for it still get it.
    ignoreFetchAbort: true,
    fetchMethod: (id) => findClient(dir, id),
  })
  return (id) => clients.fetch(id)
}
