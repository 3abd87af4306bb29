import type { Context } from '../model/clients.ts'
import { type ForeignAccount, splitCanonicalId } from '../model/tenants.ts'
import { listKnownCanonicalIds } from '../store/account-queries.ts'
import { findTenantOrRemains, listKnownTenantIds } from '../store/tenants.ts'
import { assertPermitted } from './access.ts'
import type { Directory } from './directory.ts'
import { attempt, read } from './unit.ts'

/**
 * Those of a platform's accounts that lie in tenants of the directory, deleted ones among them, and were never made by
 * it. An account is in the directory before it is on its platform: none that is being created is among them.
 */
export function listForeignAccounts(
  dir: Directory,
  ctx: Context,
  canonicalIds: readonly string[],
): Promise<ForeignAccount[]> {
  return read(dir, async (tx) => {
    const known = new Set(await listKnownCanonicalIds(tx, canonicalIds))
    const unknown = canonicalIds.filter((id) => !known.has(id)).flatMap(toForeign)
    const tenantIds = [...new Set(unknown.map(({ tenantId }) => tenantId))]
    const ours = new Set(await listKnownTenantIds(tx, ctx.organization.pk, tenantIds))
    return unknown.filter(({ tenantId }) => ours.has(tenantId))
  })
}

function toForeign(canonicalUserId: string): ForeignAccount[] {
  const ids = splitCanonicalId(canonicalUserId)
  return ids ? [{ ...ids, canonicalUserId }] : []
}

/**
 * Records that a foreign account is removed from its platform.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function recordForeignRemoval(
  dir: Directory,
  ctx: Context,
  { tenantId, canonicalUserId }: ForeignAccount,
): Promise<void> {
  const subject = { operation: 'RemoveForeignAccount', target: canonicalUserId } as const
  return attempt(dir, ctx, subject, async (unit) => {
    assertPermitted(ctx, 'RemoveForeignAccount')
    const found = await findTenantOrRemains(unit.tx, ctx.organization.pk, tenantId)
    await unit.audit({ outcome: 'deleted', organization: found?.tenant.organizationId ?? null })
  })
}
