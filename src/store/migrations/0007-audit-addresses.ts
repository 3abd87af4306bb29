import type { Migration } from './migration.ts'

/** Audit entries record the source address of the request. It is null in older entries, whose hashes stay valid. */
export const auditAddresses: Migration = {
  version: 7,
  name: 'audit-addresses',
  up: (schema, { text }) => [schema.alterTable('audit_entries').addColumn('address', text)],
}
