import { type SqlBool, sql } from 'kysely'
import type { Migration } from './migration.ts'

/** Adds what several processes need to share one database. */
export const severalProcesses: Migration = {
  version: 2,
  name: 'several-processes',
  up: (schema, { text }) => [
    schema
      .createTable('turns')
      .addColumn('name', text, (c) => c.primaryKey())
      .addColumn('taken_at', text, (c) => c.notNull()),

    // The process that holds the lease, so that it need not wait for its own lease to expire.
    schema.alterTable('accounts').addColumn('leased_by', text),

    // PostgreSQL seals audit entries after their commit. This index finds the entries that have no block yet.
    schema
      .createIndex('audit_entries_unsealed')
      .on('audit_entries')
      .column('pk')
      .where(sql<SqlBool>`block is null`),
  ],
}
