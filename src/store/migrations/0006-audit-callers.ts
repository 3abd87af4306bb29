import type { Migration } from './migration.ts'

/** A caller of an audit entry need not be a client. The texts stay: entries hash as before. */
export const auditCallers: Migration = {
  version: 6,
  name: 'audit-callers',
  up: (schema) => [schema.alterTable('audit_entries').renameColumn('client', 'caller')],
}
