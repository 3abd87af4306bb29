import { sql } from 'kysely'
import type { Migration } from './migration.ts'

/**
 * Adds the audit key. `addKeyAtUpgrade` then makes the key of a directory that is set up, in the same transaction.
 *
 * The renamed column keeps an older Usher, which does not have the key, from writing blocks without an HMAC.
 */
export const auditKey: Migration = {
  version: 12,
  name: 'audit-key',
  up: (schema, { ref, text }) => [
    schema
      .createTable('audit_keys')
      .addColumn('pk', ref, (c) => c.primaryKey().check(sql`pk = 1`))
      .addColumn('id', text, (c) => c.notNull())
      .addColumn('sealed', text, (c) => c.notNull())
      .addColumn('created_at', text, (c) => c.notNull()),
    schema.alterTable('audit_blocks').renameColumn('hash', 'seal'),
  ],
}
