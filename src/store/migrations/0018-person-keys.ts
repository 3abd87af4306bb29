import type { Migration } from './migration.ts'

/** Adds the keys that seal the personal values of the audit log, and the reseller of an audit entry. */
export const personKeys: Migration = {
  version: 18,
  name: 'person-keys',
  up: (schema, { pk, text }) => [
    schema
      .createTable('person_keys')
      .addColumn('pk', ...pk)
      .addColumn('id', text, (c) => c.notNull().unique())
      .addColumn('sealed', text, (c) => c.notNull())
      .addColumn('created_at', text, (c) => c.notNull())
      .addColumn('erased_at', text),
    schema.alterTable('audit_entries').addColumn('reseller', text),
  ],
}
