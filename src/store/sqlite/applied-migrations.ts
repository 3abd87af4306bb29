import type { AppliedMigration } from '../port.ts'
import type { Connection } from './connection.ts'

/** Creates the table `migrations` if it does not exist. */
export function createMigrationsTable(db: Connection): void {
  db.execOnce(
    'CREATE TABLE IF NOT EXISTS migrations (version integer PRIMARY KEY, name text NOT NULL, applied_at text NOT NULL)',
  )
}

/** Returns the applied migrations, in order; none if their table does not exist yet. */
export function listMigrations(db: Connection): AppliedMigration[] {
  if (db.readRows("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'").length === 0) return []
  return db
    .readRows('SELECT version, applied_at FROM migrations ORDER BY version')
    .map((row) => ({ version: row.version as number, appliedAt: row.applied_at as string }))
}
