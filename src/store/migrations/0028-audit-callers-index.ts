import { sql } from 'kysely'
import type { Migration } from './migration.ts'

/** Adds the callers of entries to the ids in the index of the audit log. */
export const auditCallersIndex: Migration = {
  version: 28,
  name: 'audit-callers-index',
  up: (_, __, db) => [
    db
      .insertInto('audit_ids')
      .columns(['id', 'entry_pk'])
      .expression(
        db
          .selectFrom('audit_entries')
          .select([sql<string>`'by ' || lower(caller)`.as('id'), 'audit_entries.pk'])
          .where('audit_entries.pk', 'in', db.selectFrom('audit_index').select('entry_pk')),
      ),
  ],
}
