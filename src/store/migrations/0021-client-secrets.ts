import { type SqlBool, sql } from 'kysely'
import type { Migration } from './migration.ts'

/**
 * Lets secrets of clients overlap, and records when clients called last. Keys of 0.1.0 are forgotten: their requests
 * were compared in another way, and a repeated create finds its user by the content.
 */
export const clientSecrets: Migration = {
  version: 21,
  name: 'client-secrets',
  up: (schema, { text }, db) => [
    schema.alterTable('clients').addColumn('previous_secrets', text),
    schema.alterTable('clients').addColumn('secret_at', text),
    schema.alterTable('clients').addColumn('last_used_at', text),
    db.updateTable('clients').set({ secret_at: sql`created_at` }).where('secret_hash', 'is not', null),
    schema
      .createIndex('clients_of_organization')
      .on('clients')
      .columns(['organization_pk', 'pk'])
      .where(sql<SqlBool>`deleted_at is null`),
    db.deleteFrom('idempotency_keys'),
  ],
}
