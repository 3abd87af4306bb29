import { LRUCache } from 'lru-cache'
import type { OwnerForm } from '../model/accounts.ts'
import type { Organization } from '../model/organizations.ts'
import type { Group } from '../model/users.ts'
import type { Store } from '../store/port.ts'
import type { Sealer } from './sealing/sealer.ts'

/** What the use cases need. It is made once, when the program starts, and passed to each of them. */
export interface Directory {
  readonly store: Store
  readonly sealer: Sealer
  /** The name of the platform on which tenants and accounts are created. */
  readonly platform: string
  /** How each configured platform names the owner of data, by the platform's name. */
  readonly ownerForms: ReadonlyMap<string, OwnerForm>
  readonly now: () => Date
  /** What a portal narrows a context to; see `enterPortal`. */
  readonly portals: LRUCache<string, PortalScope>
  /** Where users are created; see `createUser`. */
  readonly createScopes: LRUCache<string, CreateScope>
  /** The groups of each provider, by the provider's key. */
  readonly groups: LRUCache<number, readonly Group[]>
}

/** The organization that a portal selects, and the portal's domain as `foldDomain` returns it. */
export interface PortalScope {
  readonly organization: Organization
  readonly portal: string
}

/** Where a user is created: an organization, and the reseller for which that is done. */
export interface CreateScope {
  readonly organization: Pick<Organization, 'pk' | 'id'>
  readonly reseller: Pick<Organization, 'pk' | 'id'> | null
}

/**
 * How long what the store returned is used again without asking the store. A change by another process takes effect
 * within this time, which must stay below 5 s.
 */
export const CACHE_TTL_MS = 2_000
/** The most entries of one cache. */
const CACHE_ENTRIES = 10_000

/**
 * Makes a directory over an open store.
 * @param parts.now the clock; the system's when left out
 */
export function newDirectory(
  parts: Pick<Directory, 'store' | 'sealer' | 'platform' | 'ownerForms'> & { now?: () => Date },
): Directory {
  const limits = { max: CACHE_ENTRIES, ttl: CACHE_TTL_MS }
  return {
    now: () => new Date(),
    ...parts,
    portals: new LRUCache(limits),
    createScopes: new LRUCache(limits),
    groups: new LRUCache(limits),
  }
}
