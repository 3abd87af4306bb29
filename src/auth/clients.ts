import { LRUCache } from 'lru-cache'
import { findClient } from '../directory/clients.ts'
import { BELIEF_MS, type Directory } from '../directory/directory.ts'
import type { Client } from '../model/clients.ts'

/** Finds a client by its id, and believes what it found for so short a time that a revoked one is refused within 5 s. */
export type ClientFinder = (id: string) => Promise<Client | undefined>

export function newClientFinder(dir: Directory): ClientFinder {
  const believed = new LRUCache<string, Client>({ max: 10_000, ttl: BELIEF_MS })
  return async (id) => {
    let client = believed.get(id)
    if (!client) {
      client = await findClient(dir, id)
      if (client) believed.set(id, client)
    }
    return client
  }
}
