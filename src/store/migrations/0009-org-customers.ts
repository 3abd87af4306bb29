import { sql } from 'kysely'
import type { Migration } from './migration.ts'

/**
 * Remembers the customer that an org belongs to, so that an org whose tenant was deleted finds its customer again.
 * For a mapped org, the customer is that of its tenant. For an org of a deleted tenant, it is known only if the tenant
 * had accounts; the newest account decides.
 */
export const orgCustomers: Migration = {
  version: 9,
  name: 'org-customers',
  up: (schema, { ref, text, clustered }, db) => [
    clustered(
      schema
        .createTable('org_customers')
        .addColumn('provider_pk', ref, (c) => c.notNull().references('organizations.pk'))
        .addColumn('org_id', text, (c) => c.notNull())
        .addColumn('organization_pk', ref, (c) => c.notNull().references('organizations.pk'))
        .addPrimaryKeyConstraint('org_customers_key', ['provider_pk', 'org_id']),
    ),
    db
      .insertInto('org_customers')
      .columns(['provider_pk', 'org_id', 'organization_pk'])
      .expression((eb) =>
        eb
          .selectFrom('tenant_orgs')
          .innerJoin('tenants', 'tenants.pk', 'tenant_orgs.tenant_pk')
          .select(['tenant_orgs.provider_pk', 'tenant_orgs.org_id'])
          .select(sql<number>`max(tenants.organization_pk)`.as('organization_pk'))
          .groupBy(['tenant_orgs.provider_pk', 'tenant_orgs.org_id']),
      ),
    db
      .insertInto('org_customers')
      .columns(['provider_pk', 'org_id', 'organization_pk'])
      .expression((eb) =>
        eb
          .selectFrom('accounts')
          .innerJoin('tenants', 'tenants.pk', 'accounts.tenant_pk')
          .select(['accounts.provider_pk', 'accounts.org_id', 'tenants.organization_pk'])
          .where('tenants.deleted_at', 'is not', null)
          .where(
            'accounts.pk',
            'in',
            eb
              .selectFrom('accounts')
              .select(sql<number>`max(pk)`.as('pk'))
              .groupBy(['provider_pk', 'org_id']),
          ),
      )
      .onConflict((conflict) => conflict.columns(['provider_pk', 'org_id']).doNothing()),
  ],
}
