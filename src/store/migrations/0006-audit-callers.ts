import type { Migration } from './migration.ts'

/**
 * Renames the column `client`, because a caller may also be a person or the operator. The stored values do not change,
 * so the hashes of old entries stay valid.
 */
export const auditCallers: Migration = {
  version: 6,
  name: 'audit-callers',
  up: (schema) => [schema.alterTable('audit_entries').renameColumn('client', 'caller')],
}
