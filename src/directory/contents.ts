import type { Bucket, Usage } from '../model/contents.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import type { Page, PageRequest } from '../model/pages.ts'
import { DAY_MS } from '../model/times.ts'
import {
  type ContentScope,
  selectBucketPage,
  selectCanonicalIds,
  selectUsage,
} from '../store/accounts/contents.ts'
import type { Directory } from './directory.ts'
import { EMBEDDED } from './platforms.ts'
import {
  findReachableTenant,
  getProviderPk,
  getReachableAccount,
  getReachableTenant,
  type Scope,
} from './reach.ts'
import { runRead } from './unit.ts'

/** Up to this many accounts are read from their platform during a call. For more, the stored figures are used. */
const MAX_LIVE = 16
/** Stored figures that are older than this, in milliseconds, are not used. */
const MAX_AGE_MS = DAY_MS

/** What a caller asks for: few accounts, to be read from their platform, or the stored result for many. */
export type Measured<Stored> =
  | { readonly platform: string; readonly canonicalIds: readonly string[] }
  | { readonly platform: string; readonly stored: Stored }

/**
 * Finds the usage of one account, of all accounts of a tenant, or of all accounts on a platform.
 * @param of `userId` and `tenantId`: one account; only `tenantId`: all accounts of the tenant; neither: all accounts on
 *   the platform with the name `platform`
 * @throws {DirectoryError} `not_permitted`, `tenant_not_found`, `user_not_found`, `store_unavailable`;
 *   `platform_unavailable` while accounts have not been read yet, because the sum would be too low
 */
export function measureAccounts(
  dir: Directory,
  ctx: Context,
  of: { tenantId?: string | undefined; userId?: string | undefined; platform: string },
): Promise<Measured<Usage>> {
  return runRead(dir, ctx, 'GetUsage', async (scope) => {
    const { tenantId, userId } = of
    if (tenantId !== undefined && userId !== undefined) {
      const { platform, canonicalUserId } = await getReachableAccount(scope, { tenantId, userId })
      return { platform, canonicalIds: [canonicalUserId] }
    }
    const tenant = tenantId === undefined ? undefined : await getReachableTenant(scope, tenantId)
    const platform = tenant?.platform ?? of.platform
    // It stores nothing, and is never read.
    if (platform === EMBEDDED) return { platform, canonicalIds: [] }
    const accounts = tenant ? { tenant: tenant.pk } : { provider: getProviderPk(scope), platform }
    const canonicalIds = await findFew(scope, accounts)
    if (canonicalIds) return { platform, canonicalIds }
    return { platform, stored: await readUsage(dir, scope, accounts) }
  })
}

/**
 * Finds the buckets of a tenant's accounts: a page of the stored ones, by name, or the accounts to ask.
 * @returns null for an unknown tenant
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`; `platform_unavailable` while accounts have not been
 *   read yet
 */
export function findBuckets(
  dir: Directory,
  ctx: Context,
  { tenantId, page }: { tenantId: string; page: PageRequest },
): Promise<Measured<Page<Bucket>> | null> {
  return runRead(dir, ctx, 'ListBuckets', async (scope) => {
    const tenant = await findReachableTenant(scope, tenantId)
    if (!tenant) return null
    const { platform, pk } = tenant
    if (platform === EMBEDDED) return { platform, canonicalIds: [] }
    const canonicalIds = await findFew(scope, { tenant: pk })
    if (canonicalIds) return { platform, canonicalIds }
    await readUsage(dir, scope, { tenant: pk })
    return { platform, stored: await selectBucketPage(scope.tx, pk, page) }
  })
}

/** Returns the canonical ids of the accounts; undefined if there are more than MAX_LIVE. */
async function findFew({ tx }: Scope, accounts: ContentScope): Promise<string[] | undefined> {
  const ids = await selectCanonicalIds(tx, accounts, MAX_LIVE + 1)
  return ids.length > MAX_LIVE ? undefined : ids
}

async function readUsage(dir: Directory, { tx }: Scope, accounts: ContentScope): Promise<Usage> {
  const since = new Date(dir.now().getTime() - MAX_AGE_MS).toISOString()
  const { usage, unread } = await selectUsage(tx, accounts, since)
  if (unread === 0) return usage
  const message = `The usage of ${unread} users is still to be read from the platform; repeat the call later.`
  throw new DirectoryError('platform_unavailable', message)
}
