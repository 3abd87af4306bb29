import { listBucketOwners, listMeasuredAccounts } from '../directory/accounts.ts'
import type { Directory } from '../directory/directory.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import type { Page, PageRequest } from '../model/pages.ts'
import {
  getPlatform,
  type Platform,
  type PlatformBucket,
  PlatformError,
  type Platforms,
  type PlatformUsage,
} from '../platform/platform.ts'
import { withDeadline } from './deadline.ts'

/** How long a caller waits for the platform, in milliseconds. */
const READ_MS = 5_000
/** How many accounts are read from the platform at the same time. */
const CONCURRENCY = 16

/** The facts about a platform that a dialect may use. */
export type PlatformFacts = Pick<Platform, 'name' | 's3Url' | 's3Exclusions' | 'anonymousUser' | 'status'>

/** Reads platforms for callers. A tenant or user that the caller may not see counts as unknown. */
export interface PlatformView {
  /** The platform on which new tenants are created. */
  readonly main: PlatformFacts
  /**
   * Returns the usage of one user, of all users of a tenant, or, without ids, of the whole main platform. The quota of
   * a tenant is null unless each of its users has a quota.
   * @throws {DirectoryError} `tenant_not_found`, `user_not_found`, `platform_unavailable`
   */
  readUsage(
    ctx: Context,
    of: { tenantId?: string | undefined; userId?: string | undefined },
  ): Promise<PlatformUsage>
  /**
   * Returns one page of the buckets of a tenant's users, ordered by name; empty for an unknown tenant.
   * @throws {DirectoryError} `platform_unavailable`
   */
  listBuckets(ctx: Context, tenantId: string, page: PageRequest): Promise<Page<PlatformBucket>>
}

/** Creates the view of the directory's platforms. `mainName` is the name of one of them. */
export function newPlatformView(dir: Directory, platforms: Platforms, mainName: string): PlatformView {
  const main = getPlatform(platforms, mainName)
  const findPlatform = (name: string): Platform => getPlatform(platforms, name)
  return {
    main,
    async readUsage(ctx, of) {
      const found = await listMeasuredAccounts(dir, ctx, of)
      if (!found) return ask((signal) => main.readUsage(null, signal))
      const usages = await ask((signal) => {
        const platform = findPlatform(found.platform)
        return mapConcurrently(found.canonicalIds, (id) => platform.readUsage(id, signal))
      })
      return sum(usages)
    },
    async listBuckets(ctx, tenantId, { offset, limit }) {
      const found = await listBucketOwners(dir, ctx, tenantId)
      if (!found) return { items: [], total: 0 }
      const lists = await ask((signal) => {
        const platform = findPlatform(found.platform)
        return mapConcurrently(found.canonicalIds, (id) => platform.listBuckets(id, signal))
      })
      const all = lists.flat().sort((one, other) => (one.name < other.name ? -1 : 1))
      return { items: all.slice(offset, offset + limit), total: all.length }
    },
  }
}

/** Runs work with a time limit. Throws if the platform failed: callers would take an empty result for "no data". */
async function ask<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = (): never => {
    throw new PlatformError('the platform did not respond in time')
  }
  try {
    return await withDeadline({ ms: READ_MS, late }, async (signal) => work(signal))
  } catch (cause) {
    if (!(cause instanceof PlatformError)) throw cause
    const message = 'The platform cannot be asked at the moment; repeat the call.'
    throw new DirectoryError('platform_unavailable', message, { cause })
  }
}

/** Runs work for each item, CONCURRENCY at the same time. Returns the results in the order of the items. */
async function mapConcurrently<T>(
  items: readonly string[],
  work: (item: string) => Promise<T>,
): Promise<T[]> {
  const results: T[] = []
  const queue = items.entries()
  // The workers share the queue: the next item starts as soon as one has ended.
  const takeItems = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await work(item)
  }
  try {
    await Promise.all(Array.from({ length: CONCURRENCY }, takeItems))
  } finally {
    // Empties the queue, so that after a failure no other item starts.
    while (!queue.next().done);
  }
  return results
}

function sum(usages: readonly PlatformUsage[]): PlatformUsage {
  const total = { bucketCount: 0, objectCount: 0, usedBytes: 0, quotaBytes: usages.length > 0 ? 0 : null }
  return usages.reduce<PlatformUsage>(
    (all, one) => ({
      bucketCount: all.bucketCount + one.bucketCount,
      objectCount: all.objectCount + one.objectCount,
      usedBytes: all.usedBytes + one.usedBytes,
      quotaBytes: all.quotaBytes === null || one.quotaBytes === null ? null : all.quotaBytes + one.quotaBytes,
    }),
    total,
  )
}
