import { type SqlBool, sql } from 'kysely'
import type { Migration } from './migration.ts'

/**
 * Adds the index of the audit log, which follows the log in idle moments: creates do not pay for it. Accounts get the
 * time of the change that was applied last, from which the portal works out whether a change is applied.
 */
export const auditIndex: Migration = {
  version: 23,
  name: 'audit-index',
  up: (schema, { ref, text, clustered }, db) => [
    schema
      .createTable('audit_index')
      .addColumn('provider_pk', ref, (c) => c.notNull())
      .addColumn('at', text, (c) => c.notNull())
      .addColumn('entry_pk', ref, (c) => c.notNull())
      .addColumn('operation', text, (c) => c.notNull())
      .addColumn('status', text, (c) => c.notNull())
      .addColumn('customer', text)
      .addColumn('reseller', text)
      .addColumn('user_pk', ref)
      .addPrimaryKeyConstraint('audit_index_pk', ['provider_pk', 'at', 'entry_pk'])
      .$call(clustered),
    // The indexes hold all columns, so that no row is looked up to count.
    schema
      .createIndex('audit_index_operation')
      .on('audit_index')
      .columns(['provider_pk', 'operation', 'at', 'entry_pk', 'status', 'customer', 'reseller', 'user_pk']),
    schema
      .createIndex('audit_index_customer')
      .on('audit_index')
      .columns(['customer', 'at', 'entry_pk', 'operation', 'status', 'reseller', 'user_pk', 'provider_pk'])
      .where(sql<SqlBool>`customer is not null`),
    schema
      .createIndex('audit_index_reseller')
      .on('audit_index')
      .columns(['reseller', 'at', 'entry_pk', 'operation', 'status', 'customer', 'user_pk', 'provider_pk'])
      .where(sql<SqlBool>`reseller is not null`),
    schema
      .createIndex('audit_index_user')
      .on('audit_index')
      .columns(['user_pk', 'at', 'entry_pk', 'operation', 'status', 'customer', 'reseller', 'provider_pk'])
      .where(sql<SqlBool>`user_pk is not null`),
    schema
      .createIndex('audit_index_failed')
      .on('audit_index')
      .columns(['provider_pk', 'at', 'entry_pk', 'operation', 'customer', 'reseller', 'user_pk'])
      .where(sql<SqlBool>`status = 'Failed'`),
    schema
      .createTable('audit_ids')
      .addColumn('id', text, (c) => c.notNull())
      .addColumn('entry_pk', ref, (c) => c.notNull())
      .addPrimaryKeyConstraint('audit_ids_pk', ['id', 'entry_pk'])
      .$call(clustered),
    schema
      .createTable('audit_totals')
      .addColumn('provider_pk', ref, (c) => c.notNull())
      .addColumn('hour', text, (c) => c.notNull())
      .addColumn('operation', text, (c) => c.notNull())
      .addColumn('total', ref, (c) => c.notNull())
      .addPrimaryKeyConstraint('audit_totals_pk', ['provider_pk', 'hour', 'operation'])
      .$call(clustered),
    schema
      .createTable('audit_progress')
      .addColumn('pk', ref, (c) => c.primaryKey().check(sql`pk = 1`))
      .addColumn('block', ref, (c) => c.notNull())
      .addColumn('entry_pk', ref, (c) => c.notNull()),
    schema.alterTable('accounts').addColumn('applied_at', text),
    // A state that was never applied has no time; the last one that was applied is not known for the others.
    db
      .updateTable('accounts')
      .set({
        applied_at: sql`case when applied_version < desired_version then created_at else desired_at end`,
      })
      .where('applied_version', '>', 0),
  ],
}
