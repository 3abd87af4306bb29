import type { Organization } from '../../model/organizations.ts'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { selectOrganizationByPk } from './organizations.ts'

const upsert = statement((db, p: { provider: number; org: string; organization: number }) =>
  db
    .insertInto('org_customers')
    .values({ provider_pk: p.provider, org_id: p.org, organization_pk: p.organization })
    .onConflict((conflict) =>
      conflict.columns(['provider_pk', 'org_id']).doUpdateSet({ organization_pk: p.organization }),
    ),
)

/** Remembers that a Cloud Director org belongs to a customer, also after its mapping to a tenant has ended. */
export async function upsertOrgCustomer(
  tx: Tx,
  org: { provider: number; org: string; organization: number },
): Promise<void> {
  await tx.run(upsert, org)
}

const select = statement((db, p: { provider: number; org: string }) =>
  db
    .selectFrom('org_customers')
    .select('organization_pk')
    .where('provider_pk', '=', p.provider)
    .where('org_id', '=', p.org),
)

/** Returns the customer to whose tenant an org is, or was last, mapped. */
export async function selectCustomerOfOrg(
  tx: Tx,
  provider: number,
  org: string,
): Promise<Organization | undefined> {
  const row = await tx.get(select, { provider, org })
  return row && selectOrganizationByPk(tx, row.organization_pk)
}
