import { type SqlBool, sql } from 'kysely'
import type { Migration } from './migration.ts'

/**
 * Adds an index of the secrets that version 0.1.0 sealed, which are bound to their access key alone. A start seals them
 * again. After that the index is empty, so a start reads nothing.
 */
export const boundSecrets: Migration = {
  version: 8,
  name: 'bound-secrets',
  up: (schema) => [
    schema
      .createIndex('credentials_unbound')
      .on('credentials')
      .column('pk')
      .where(sql<SqlBool>`substr(sealed_secret, 1, 2) = '1.'`),
  ],
}
