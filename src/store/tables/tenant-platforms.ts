import { sql } from 'kysely'
import { updateAccountsPlatform } from '../accounts/changes.ts'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'

/** Counts the tenants of each platform that were not deleted. The map's key is the name of the platform. */
export async function countTenantsByPlatform(tx: Tx): Promise<ReadonlyMap<string, number>> {
  const rows = await tx.query((db) =>
    db
      .selectFrom('tenants')
      .select((eb) => ['platform', eb.fn.countAll<number>().as('total')])
      .where('deleted_at', 'is', null)
      .groupBy('platform'),
  )
  return new Map(rows.map(({ platform, total }) => [platform, Number(total)]))
}

const selectOneTenant = statement((db, p: { platform: string }) =>
  db
    .selectFrom('tenants')
    .select('pk')
    .where('platform', '=', p.platform)
    .where('deleted_at', 'is', null)
    .limit(sql.lit(1)),
)

/** Returns whether a platform has a tenant that was not deleted. */
export async function hasTenants(tx: Tx, platform: string): Promise<boolean> {
  return (await tx.get(selectOneTenant, { platform })) !== undefined
}

const ofPlatform = statement((db, p: { provider: number; platform: string }) =>
  db
    .selectFrom('tenants')
    .select('id')
    .where('provider_pk', '=', p.provider)
    .where('platform', '=', p.platform)
    .where('deleted_at', 'is', null)
    .orderBy('pk'),
)

/** Returns the ids of a provider's tenants on a platform, oldest first, without deleted tenants. */
export async function selectTenantsOfPlatform(tx: Tx, provider: number, platform: string): Promise<string[]> {
  return (await tx.all(ofPlatform, { provider, platform })).map((row) => row.id)
}

const setPlatform = statement((db, p: { pk: number; platform: string }) =>
  db.updateTable('tenants').set({ platform: p.platform }).where('pk', '=', p.pk),
)
const setPlatformOfOrgs = statement((db, p: { pk: number; platform: string }) =>
  db.updateTable('tenant_orgs').set({ platform: p.platform }).where('tenant_pk', '=', p.pk),
)

/**
 * Puts a tenant, its orgs and its accounts on another platform. Nothing of them is applied there yet.
 * @throws {ConstraintError} when the customer or an org has a tenant on that platform
 */
export async function updateTenantPlatform(
  tx: Tx,
  pk: number,
  { platform, now }: { platform: string; now: string },
): Promise<void> {
  await tx.run(setPlatform, { pk, platform })
  await tx.run(setPlatformOfOrgs, { pk, platform })
  await updateAccountsPlatform(tx, pk, { platform, now })
}
