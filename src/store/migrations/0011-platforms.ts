import { type SqlBool, sql } from 'kysely'
import type { Migration } from './migration.ts'

/**
 * Records the platforms of the directory. For an older store they are those of its tenants. If these are on both
 * platforms, the Ceph RGW is the main one, because it may hold data: its name comes first.
 */
export const platforms: Migration = {
  version: 11,
  name: 'platforms',
  up: (schema, { pk, number, text }, db) => [
    schema
      .createTable('platforms')
      .addColumn('pk', ...pk)
      .addColumn('name', text, (c) => c.notNull().unique())
      .addColumn('kind', text, (c) => c.notNull())
      .addColumn('cluster', text)
      .addColumn('main', number, (c) => c.notNull())
      .addColumn('created_at', text, (c) => c.notNull()),
    schema
      .createIndex('platforms_main')
      .unique()
      .on('platforms')
      .column('main')
      .where(sql<SqlBool>`main = 1`),
    db
      .insertInto('platforms')
      .columns(['name', 'kind', 'main', 'created_at'])
      .expression(
        db
          .selectFrom('tenants')
          .select([
            'platform',
            sql`platform`.as('kind'),
            sql`0`.as('main'),
            sql`min(created_at)`.as('created_at'),
          ])
          .groupBy('platform')
          .orderBy('platform'),
      ),
    db
      .updateTable('platforms')
      .set({ main: sql`1` })
      .where(sql<SqlBool>`name = (select min(platform) from tenants where deleted_at is null)`),
    // Finds the tenant of an org on any platform.
    schema.createIndex('tenant_orgs_by_org').on('tenant_orgs').columns(['provider_pk', 'org_id']),
  ],
}
