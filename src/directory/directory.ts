import { LRUCache } from 'lru-cache'
import type { OwnerForm } from '../model/accounts.ts'
import { DirectoryError } from '../model/error.ts'
import type { Organization } from '../model/organizations.ts'
import type { Group } from '../model/users.ts'
import type { Store } from '../store/port.ts'
import type { KnownEnd, PageEnds } from '../store/users/page-ends.ts'

/** Encrypts secrets for the store, each bound to the row that it belongs to. */
export interface Sealer {
  /**
   * Encrypts (seals) a secret with the first master key.
   * @param identity names the row and its owner, as `credentialIdentity` does; `open` must get it again
   */
  seal(secret: string, identity: string): string
  /**
   * Decrypts what `seal` returned.
   * @throws {SealError} when the text was sealed under another master key or identity, or was changed
   */
  open(sealed: string, identity: string): string
}

/** What the use cases need. It is made once, when the program starts, and passed to each of them. */
export interface Directory {
  readonly store: Store
  readonly sealer: Sealer
  /**
   * The name of the platform that the settings of this process name. Tenants are created on the main platform of the
   * directory, which may be another one; see `settleMainPlatform`.
   */
  readonly platform: string
  /** How each platform of the directory names the owner of data, with the name of the platform as the key. */
  readonly ownerForms: ReadonlyMap<string, OwnerForm>
  readonly now: () => Date
  /** Is called when a read was served although its audit entry could not be written. */
  readonly reportUnrecorded: (error: Error) => void
  /** Counts the changes after which cached callers and portals must be looked up again; see `forgetCached`. */
  readonly changes: { count: number }
  /** Caches what `enterPortal` found: the organization that a portal selects for a calling organization. */
  readonly portals: LRUCache<string, PortalScope>
  /** Caches the organization and the reseller of recent creates; see `createUser`. */
  readonly createScopes: LRUCache<string, CreateScope>
  /** When each client called last, until the store has it; see `noteClientUse`. */
  readonly clientUses: Map<number, number>
  /**
   * The batch of users that is being taken into the lists, whether too many wait for it (see `catchUpLists`), and where
   * pages ended that were read a short time ago.
   */
  readonly listing: { batch: Promise<unknown> | null; isBehind: boolean; readonly ends: PageEnds }
  /** Caches the groups of each provider, with the provider's primary key as the key. */
  readonly groups: LRUCache<number, readonly Group[]>
}

/** The organization that a portal selects, and the portal's domain as `foldDomain` returns it. */
export interface PortalScope {
  readonly organization: Organization
  readonly portal: string
}

/** The organization that a user is created in, and the reseller that the user is created for. */
export interface CreateScope {
  readonly organization: Pick<Organization, 'pk' | 'id'>
  readonly reseller: Pick<Organization, 'pk' | 'id'> | null
  /** Whether everyone of the organization gets an account. */
  readonly givesAccounts: boolean
}

/**
 * How long results of the store are cached, in milliseconds. A change by another process takes effect within this time,
 * which must stay below 5 s.
 */
export const CACHE_TTL_MS = 2_000
/** How long the end of a page of a list is remembered, in milliseconds: clients that read all pages come back sooner. */
const END_MS = 60_000
const MAX_ENDS = 1_000
/** The most entries of a cache. Its memory is taken at once, so small caches say less. */
const CACHE_ENTRIES = 10_000

/**
 * Makes a directory over an open store.
 * @param parts.now the clock; the system's when left out
 * @param parts.reportUnrecorded does nothing when left out
 */
export function newDirectory(
  parts: Pick<Directory, 'store' | 'sealer' | 'platform' | 'ownerForms'> &
    Partial<Pick<Directory, 'now' | 'reportUnrecorded'>>,
): Directory {
  const limits = { max: CACHE_ENTRIES, ttl: CACHE_TTL_MS }
  return {
    now: () => new Date(),
    reportUnrecorded: () => undefined,
    ...parts,
    changes: { count: 0 },
    portals: new LRUCache({ ...limits, max: 1_000 }),
    createScopes: new LRUCache(limits),
    clientUses: new Map(),
    listing: {
      batch: null,
      isBehind: false,
      ends: new LRUCache<string, KnownEnd>({ max: MAX_ENDS, ttl: END_MS }),
    },
    // One entry for each provider.
    groups: new LRUCache({ ...limits, max: 100 }),
  }
}

/**
 * Returns how a platform names owners. A process that has not opened the platform must be started again.
 * @throws {DirectoryError} `platform_unavailable`
 */
export function getOwnerForm({ ownerForms }: Pick<Directory, 'ownerForms'>, platform: string): OwnerForm {
  const form = ownerForms.get(platform)
  if (form) return form
  const message = `The platform ${platform} is not configured here; restart Usher with its settings.`
  throw new DirectoryError('platform_unavailable', message)
}

/**
 * Lets this process look up callers, portals and organizations again, after a commit that takes access away. Other
 * processes do so after CACHE_TTL_MS.
 */
export function forgetCached({ changes, portals, createScopes }: Directory): void {
  changes.count++
  portals.clear()
  createScopes.clear()
}
