import { type SqlBool, sql } from 'kysely'
import type { Migration } from './migration.ts'

/** Adds imports, and what each of them changed, so that it can be undone. */
export const imports: Migration = {
  version: 19,
  name: 'imports',
  up: (schema, { pk, ref, number, text, clustered }) => [
    schema
      .createTable('imports')
      .addColumn('pk', ...pk)
      .addColumn('id', text, (c) => c.notNull().unique())
      .addColumn('provider_pk', ref, (c) => c.notNull())
      .addColumn('organization_pk', ref, (c) => c.notNull())
      .addColumn('organization_id', text, (c) => c.notNull())
      .addColumn('reseller_id', text)
      .addColumn('source', text, (c) => c.notNull())
      .addColumn('file', text)
      .addColumn('content_hash', text)
      .addColumn('caller', text, (c) => c.notNull())
      .addColumn('correlation_id', text, (c) => c.notNull())
      .addColumn('created', ref, (c) => c.notNull())
      .addColumn('restored', ref, (c) => c.notNull())
      .addColumn('changed', ref, (c) => c.notNull())
      .addColumn('unchanged', ref, (c) => c.notNull())
      .addColumn('invalid', ref, (c) => c.notNull())
      .addColumn('conflict', ref, (c) => c.notNull())
      .addColumn('began_at', text, (c) => c.notNull())
      .addColumn('ended_at', text)
      .addColumn('undo_began_at', text)
      .addColumn('undo_ended_at', text),
    schema
      .createIndex('imports_of_file')
      .on('imports')
      .columns(['content_hash', 'organization_pk'])
      .where(sql<SqlBool>`content_hash is not null`),
    clustered(
      schema
        .createTable('import_users')
        .addColumn('import_pk', ref, (c) => c.notNull().references('imports.pk'))
        .addColumn('user_pk', ref, (c) => c.notNull())
        .addColumn('line', number, (c) => c.notNull())
        .addColumn('outcome', text, (c) => c.notNull())
        .addColumn('version', number, (c) => c.notNull())
        .addColumn('before', text)
        .addColumn('undone', number, (c) => c.notNull())
        .addPrimaryKeyConstraint('import_users_pk', ['import_pk', 'user_pk']),
    ),
    // An erasure finds what imports keep of a person.
    schema
      .createIndex('import_users_before')
      .on('import_users')
      .column('user_pk')
      .where(sql<SqlBool>`before is not null`),
  ],
}
