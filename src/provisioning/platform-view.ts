import { getAccount, listCanonicalIds } from '../directory/accounts.ts'
import type { Directory } from '../directory/directory.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import type { Page, PageRequest } from '../model/pages.ts'
import {
  type Platform,
  type PlatformBucket,
  PlatformError,
  type PlatformUsage,
} from '../platform/platform.ts'
import { withDeadline } from './deadline.ts'

/** How long a caller waits for the platform's figures. */
const READ_MS = 5_000
/** So many accounts are asked about at the same time. */
const AT_ONCE = 16

/** What the platform itself says of accounts within a caller's reach. */
export interface PlatformView {
  /** Where its S3 service is reached; null where it has none. */
  readonly s3Url: string | null
  /**
   * What a user, all users of a tenant, or everybody on the platform uses. A sum of quotas is known only where every
   * user has one.
   * @throws {DirectoryError} `tenant_not_found`, `user_not_found`, `platform_unavailable`
   */
  readUsage(
    ctx: Context,
    of: { tenantId?: string | undefined; userId?: string | undefined },
  ): Promise<PlatformUsage>
  /**
   * One page of the buckets of a tenant's users, by name; empty for an unknown tenant.
   * @throws {DirectoryError} `platform_unavailable`
   */
  listBuckets(ctx: Context, tenantId: string, page: PageRequest): Promise<Page<PlatformBucket>>
}

export function newPlatformView(dir: Directory, platform: Platform): PlatformView {
  return {
    s3Url: platform.s3Url,
    async readUsage(ctx, { tenantId, userId }) {
      if (tenantId === undefined) return ask((signal) => platform.readUsage(null, signal))
      if (userId !== undefined) {
        const { canonicalUserId } = await getAccount(dir, ctx, { tenantId, userId })
        return ask((signal) => platform.readUsage(canonicalUserId, signal))
      }
      const ids = await listCanonicalIds(dir, ctx, tenantId)
      if (!ids) throw new DirectoryError('tenant_not_found', `There is no tenant with the id ${tenantId}.`)
      return sum(await ask((signal) => ofEach(ids, (id) => platform.readUsage(id, signal))))
    },
    async listBuckets(ctx, tenantId, { offset, limit }) {
      const ids = (await listCanonicalIds(dir, ctx, tenantId)) ?? []
      const lists = await ask((signal) => ofEach(ids, (id) => platform.listBuckets(id, signal)))
      const all = lists.flat().sort((one, other) => (one.name < other.name ? -1 : 1))
      return { items: all.slice(offset, offset + limit), total: all.length }
    },
  }
}

/** Never an empty answer because the platform failed: to the caller that would mean that there is nothing. */
async function ask<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  try {
    return await withDeadline(READ_MS, work, () => {
      throw new PlatformError('the platform did not answer in time')
    })
  } catch (cause) {
    if (!(cause instanceof PlatformError)) throw cause
    const message = 'The platform cannot be asked at the moment; repeat the call.'
    throw new DirectoryError('platform_unavailable', message, { cause })
  }
}

async function ofEach<T>(ids: readonly string[], work: (id: string) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (let first = 0; first < ids.length; first += AT_ONCE)
    results.push(...(await Promise.all(ids.slice(first, first + AT_ONCE).map(work))))
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
