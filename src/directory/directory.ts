import { LRUCache } from 'lru-cache'
import type { OwnerForm } from '../model/accounts.ts'
import type { Organization } from '../model/organizations.ts'
import type { Group } from '../model/users.ts'
import type { Store } from '../store/port.ts'
import type { Sealer } from './sealing/sealer.ts'

/** What the rules need to work with. Made once, in the composition root, and passed to each use case. */
export interface Directory {
  readonly store: Store
  readonly sealer: Sealer
  /** The name of the platform on which tenants and accounts are created. */
  readonly platform: string
  /** How each configured platform names the owner of data, by the platform's name. */
  readonly ownerForms: ReadonlyMap<string, OwnerForm>
  readonly now: () => Date
  /** Organizations that portals select, by caller's organization and domain. */
  readonly portals: LRUCache<string, Organization>
  /** Where users are created, by caller's organization, organization, kind and reseller; see `getCreateScope`. */
  readonly createScopes: LRUCache<string, CreateScope>
  /** The groups of each provider. */
  readonly groups: Map<number, readonly Group[]>
}

/** Where a user is created: an organization, and the reseller in whose context that is done. */
export interface CreateScope {
  readonly organization: Pick<Organization, 'pk' | 'id'>
  readonly reseller: Pick<Organization, 'pk' | 'id'> | null
}

/**
 * How long a client, a portal, a create scope or a token is believed without asking the store. A change made by another
 * process takes effect within this time, which must stay below 5 s.
 */
export const BELIEF_MS = 2_000

export function newDirectory(
  parts: Pick<Directory, 'store' | 'sealer' | 'platform' | 'ownerForms'> & { now?: () => Date },
): Directory {
  return {
    now: () => new Date(),
    ...parts,
    portals: new LRUCache({ max: 10_000, ttl: BELIEF_MS }),
    createScopes: new LRUCache({ max: 10_000, ttl: BELIEF_MS }),
    groups: new Map(),
  }
}
