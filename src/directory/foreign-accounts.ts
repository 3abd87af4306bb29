import { diff } from '../model/audit.ts'
import type { Context } from '../model/context.ts'
import { selectKnownCanonicalIds } from '../store/accounts/queries.ts'
import { selectKnownTenantIds } from '../store/tables/tenant-lists.ts'
import type { Directory } from './directory.ts'
import { type AccountIds, findTenantIncludingRemoved, getProviderPk } from './reach.ts'
import { runRead, runUnit } from './unit.ts'

/** An account that a platform has in a tenant of the directory, and that is not in the directory. */
export interface ForeignAccount extends AccountIds {
  readonly canonicalUserId: string
}

/**
 * Selects the accounts of a platform that are in tenants of the directory, including deleted tenants, but not in the
 * directory itself. A new account is not reported: it is written to the directory before it is created on the platform.
 */
export function listForeignAccounts(
  dir: Directory,
  ctx: Context,
  { platform, canonicalIds }: { platform: string; canonicalIds: readonly string[] },
): Promise<ForeignAccount[]> {
  const form = dir.ownerForms.get(platform)
  return runRead(dir, ctx, 'CheckAccounts', async (scope) => {
    const { tx } = scope
    const known = new Set(await selectKnownCanonicalIds(tx, canonicalIds))
    const unknown = canonicalIds
      .filter((id) => !known.has(id))
      .flatMap((canonicalUserId) => {
        const ids = form?.fromCanonicalId(canonicalUserId)
        return ids ? [{ ...ids, canonicalUserId }] : []
      })
    const tenantIds = [...new Set(unknown.map(({ tenantId }) => tenantId))]
    const ours = new Set(await selectKnownTenantIds(tx, getProviderPk(scope), tenantIds))
    return unknown.filter(({ tenantId }) => ours.has(tenantId))
  })
}

/**
 * Writes the audit entry of a foreign account that will be suspended on its platform.
 * @returns false if the account has been added to the directory meanwhile and must not be suspended. This can happen
 *   after a restore from a backup, when a user is given the account that the directory had lost
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function recordForeignSuspension(
  dir: Directory,
  ctx: Context,
  { tenantId, canonicalUserId }: ForeignAccount,
): Promise<boolean> {
  const subject = { operation: 'SuspendForeignAccount', target: canonicalUserId } as const
  return runUnit(dir, ctx, subject, async (unit) => {
    if ((await selectKnownCanonicalIds(unit.tx, [canonicalUserId])).length > 0) return false
    const found = await findTenantIncludingRemoved(unit, tenantId)
    const organization = found?.tenant.organizationId ?? null
    await unit.audit({ outcome: 'updated', organization, changes: diff({ active: true }, { active: false }) })
    return true
  })
}
