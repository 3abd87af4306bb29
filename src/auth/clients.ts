import { LRUCache } from 'lru-cache'
import { findClient, findExternalClient } from '../directory/clients.ts'
import { BELIEF_MS, type Directory } from '../directory/directory.ts'
import type { Client } from '../model/clients.ts'

/** Finds clients, and believes what it found for so short a time that a revoked client is refused within 5 s. */
export interface ClientFinder {
  /** The client with this id of ours. */
  find(id: string): Client | undefined | Promise<Client | undefined>
  /** The client that an external issuer knows by this id. */
  findExternal(issuer: string, id: string): Client | undefined | Promise<Client | undefined>
}

export function newClientFinder(dir: Directory): ClientFinder {
  const believed = new LRUCache<string, Client>({ max: 10_000, ttl: BELIEF_MS })
  const remember = (key: string, client: Client | undefined): Client | undefined => {
    if (client) believed.set(key, client)
    return client
  }
  return {
    find: (id) => believed.get(id) ?? findClient(dir, id).then((client) => remember(id, client)),
    findExternal(issuer, id) {
      const key = `${issuer} ${id}`
      return believed.get(key) ?? findExternalClient(dir, issuer, id).then((client) => remember(key, client))
    },
  }
}
