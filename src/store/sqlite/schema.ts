import type { Compilable } from 'kysely'
import { addKeyAtUpgrade } from '../audit/keys.ts'
import { applyMigrations, pendingMigrations } from '../migrations/migrate.ts'
import type { Migration } from '../migrations/migration.ts'
import type { AuditKeySealer } from '../port.ts'
import { createMigrationsTable, listMigrations } from './applied-migrations.ts'
import { type Connection, columnTypes, newBuilder } from './connection.ts'

/**
 * Returns the migrations that a store does not have yet, in order.
 * @throws {StoreError} `newer` when the store has a migration that this program does not know
 */
export function listPending(db: Connection): Migration[] {
  return pendingMigrations(listMigrations(db).map(({ version }) => version))
}

/**
 * Applies the missing migrations, in the transaction that is open.
 * @param auditKeys encrypts the audit key of a directory that has none yet
 * @returns their versions
 * @throws {StoreError} if there is no master key for the audit key
 */
export async function applyPending(db: Connection, auditKeys: AuditKeySealer): Promise<number[]> {
  createMigrationsTable(db)
  const query = async (one: Compilable): Promise<unknown[]> => db.runCompiled(one.compile())
  const versions = await applyMigrations(listPending(db), { db: newBuilder(), types: columnTypes, query })
  await addKeyAtUpgrade(versions, { db: db.builder, query }, auditKeys)
  return versions
}
