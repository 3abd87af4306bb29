import { sql } from 'kysely'
import type { AccountPolicy, Tenant } from '../../model/tenants.ts'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'

/** What an account needs to know about its tenant. */
export type TenantPlace = Pick<Tenant, 'pk' | 'id' | 'platform' | 'accounts'>

const selectOfOrganization = statement((db, p: { organization: number }) =>
  db
    .selectFrom('tenants')
    .select(['pk', 'id', 'platform', 'accounts'])
    .where('organization_pk', '=', p.organization)
    .where('deleted_at', 'is', null)
    .orderBy('pk')
    .limit(sql.lit(1)),
)

/** Returns the oldest tenant of an organization; undefined if it has none. */
export function selectTenantPlace(tx: Tx, organization: number): Promise<TenantPlace | undefined> {
  return tx.get(selectOfOrganization, { organization })
}

const setPolicy = statement((db, p: { pk: number; accounts: AccountPolicy }) =>
  db.updateTable('tenants').set({ accounts: p.accounts }).where('pk', '=', p.pk),
)

/** Sets who gets an account in a tenant. */
export async function updateTenantPolicy(tx: Tx, pk: number, accounts: AccountPolicy): Promise<void> {
  await tx.run(setPolicy, { pk, accounts })
}
