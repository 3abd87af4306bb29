import { type SqlBool, sql } from 'kysely'
import type { Migration } from './migration.ts'

/** What several processes over one database need to get along. */
export const severalProcesses: Migration = {
  version: 2,
  name: 'several-processes',
  up: (schema, { text }) => [
    schema
      .createTable('turns')
      .addColumn('name', text, (c) => c.primaryKey())
      .addColumn('taken_at', text, (c) => c.notNull()),

    // Which process holds the lease, so that none has to wait for a lease of its own that it could not give back.
    schema.alterTable('accounts').addColumn('leased_by', text),

    // Where commits are not blocks, the sealer looks for what has no block yet.
    schema
      .createIndex('audit_entries_unsealed')
      .on('audit_entries')
      .column('pk')
      .where(sql<SqlBool>`block is null`),
  ],
}
