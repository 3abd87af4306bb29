import { findBuckets, measureAccounts } from '../directory/contents.ts'
import type { Directory } from '../directory/directory.ts'
import { findAccountToMeasure } from '../directory/user-account.ts'
import { type Bucket, type Content, NO_USAGE, type Usage } from '../model/contents.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import type { Page, PageRequest } from '../model/pages.ts'
import {
  getPlatform,
  lateResponse,
  type Platform,
  PlatformError,
  type Platforms,
} from '../platform/platform.ts'
import { type Comparison, compareUserAccount, mendUserAccount } from './compare-account.ts'
import { withDeadline } from './deadline.ts'

/** How long a caller waits for the platform, in milliseconds. */
const READ_MS = 5_000

/** The facts about a platform that a dialect may use. */
export type PlatformFacts = Pick<Platform, 'name' | 's3Url' | 's3Exclusions' | 'anonymousUser' | 'status'>

/** Reads platforms for callers. A tenant or user that the caller may not see counts as unknown. */
export interface PlatformView {
  /** The directory's main platform. */
  readonly main: PlatformFacts
  /**
   * Returns the usage of one user, of all users of a tenant, or, without ids, of all users on the main platform. It is
   * read from the platform for up to 16 users; for more, it is what the background loop has stored. The quota of several
   * users is null unless each of them has a quota.
   * @throws {DirectoryError} `tenant_not_found`, `user_not_found`, `platform_unavailable`
   */
  readUsage(ctx: Context, of: { tenantId?: string | undefined; userId?: string | undefined }): Promise<Usage>
  /**
   * Returns one page of the buckets of a tenant's users, ordered by name; empty for an unknown tenant. They are read from
   * the platform or stored, as for `readUsage`.
   * @throws {DirectoryError} `platform_unavailable`
   */
  listBuckets(ctx: Context, tenantId: string, page: PageRequest): Promise<Page<Bucket>>
  /**
   * Reads what the account of a user within reach stores now, from its platform.
   * @throws {DirectoryError} `not_permitted`, `user_not_found`, `account_not_found`, `platform_unavailable`,
   *   `store_unavailable`
   */
  readContentOfUser(ctx: Context, userId: string): Promise<Content>
  /** Compares the account of a user with its platform; see `compareUserAccount`. */
  compareAccountOfUser(ctx: Context, userId: string): Promise<Comparison>
  /** Brings the account of a user back to its desired state; see `mendUserAccount`. */
  mendAccountOfUser(ctx: Context, userId: string): Promise<Comparison>
}

/** Creates the view of the directory's platforms. `mainName` is the name of one of them. */
export function newPlatformView(dir: Directory, platforms: Platforms, mainName: string): PlatformView {
  const main = getPlatform(platforms, mainName)
  return {
    main,
    async readUsage(ctx, of) {
      const found = await measureAccounts(dir, ctx, { ...of, platform: mainName })
      if ('stored' in found) return found.stored
      const contents = await ask(platforms, found, (platform, id, signal) => platform.readContent(id, signal))
      return sum(contents.map(({ usage }) => usage))
    },
    async listBuckets(ctx, tenantId, page) {
      const found = await findBuckets(dir, ctx, { tenantId, page })
      if (!found) return { items: [], total: 0 }
      if ('stored' in found) return found.stored
      const lists = await ask(platforms, found, (platform, id, signal) => platform.listBuckets(id, signal))
      const all = lists.flat().sort((one, other) => (one.name < other.name ? -1 : 1))
      return { items: all.slice(page.offset, page.offset + page.limit), total: all.length }
    },
    async readContentOfUser(ctx, userId) {
      const { platform: name, canonicalUserId } = await findAccountToMeasure(dir, ctx, userId)
      const found = { platform: name, canonicalIds: [canonicalUserId] }
      const [content] = await ask(platforms, found, (platform, id, signal) =>
        platform.readContent(id, signal),
      )
      return content ?? { usage: NO_USAGE, buckets: [] }
    },
    compareAccountOfUser: (ctx, userId) => compareUserAccount({ dir, platforms }, ctx, userId),
    mendAccountOfUser: (ctx, userId) => mendUserAccount({ dir, platforms }, ctx, userId),
  }
}

/**
 * Asks a platform about a few accounts at once, with a time limit. Throws if the platform failed: callers would take an
 * empty result for "no data".
 */
async function ask<T>(
  platforms: Platforms,
  { platform: name, canonicalIds }: { platform: string; canonicalIds: readonly string[] },
  read: (platform: Platform, id: string, signal: AbortSignal) => Promise<T>,
): Promise<T[]> {
  const late = (): never => {
    throw lateResponse('the platform did not respond in time')
  }
  try {
    return await withDeadline({ ms: READ_MS, late }, async (signal) => {
      const platform = getPlatform(platforms, name)
      return Promise.all(canonicalIds.map((id) => read(platform, id, signal)))
    })
  } catch (cause) {
    if (!(cause instanceof PlatformError)) throw cause
    const message = 'The platform cannot be asked at the moment; repeat the call.'
    throw new DirectoryError('platform_unavailable', message, { cause })
  }
}

function sum(usages: readonly Usage[]): Usage {
  const total = { bucketCount: 0, objectCount: 0, usedBytes: 0, quotaBytes: usages.length > 0 ? 0 : null }
  return usages.reduce<Usage>(
    (all, one) => ({
      bucketCount: all.bucketCount + one.bucketCount,
      objectCount: all.objectCount + one.objectCount,
      usedBytes: all.usedBytes + one.usedBytes,
      quotaBytes: all.quotaBytes === null || one.quotaBytes === null ? null : all.quotaBytes + one.quotaBytes,
    }),
    total,
  )
}
