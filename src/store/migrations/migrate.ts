import type { Kysely, RawBuilder } from 'kysely'
import { type AppliedMigration, StoreError } from '../port.ts'
import { migrations } from './index.ts'
import type { ColumnTypes, MigratedStore, MigratedTables, Migration } from './migration.ts'

/**
 * Returns the migrations that a store does not have, in order.
 * @param applied the versions that the store has
 * @throws {StoreError} `newer` when the store has a migration that this program does not know
 */
export function pendingMigrations(applied: readonly number[]): Migration[] {
  const known = Math.max(...migrations.map(({ version }) => version))
  const newest = Math.max(0, ...applied)
  if (newest > known) {
    throw new StoreError(
      'newer',
      `the store has schema version ${newest}, and this Usher knows only ${known}: use a newer Usher`,
    )
  }
  return migrations.filter((migration) => !applied.includes(migration.version))
}

/**
 * Applies migrations in an open transaction.
 * @param store.query runs one statement in the transaction, and returns its rows
 * @returns the versions of the migrations
 */
export async function applyMigrations(
  pending: readonly Migration[],
  store: { db: Kysely<MigratedTables>; types: ColumnTypes; query: MigratedStore['run'] },
): Promise<number[]> {
  const { db, types, query: run } = store
  const { schema } = db
  const migrated = {
    db,
    schema,
    run,
    raw: (text: RawBuilder<unknown>) => ({ compile: () => text.compile(db) }),
  }
  const appliedAt = new Date().toISOString()
  for (const { version, name, up, rewrite } of pending) {
    for (const step of up(schema, types, db)) await run(step)
    await rewrite?.(migrated, types)
    await run(db.insertInto('migrations').values({ version, name, applied_at: appliedAt }))
  }
  return pending.map(({ version }) => version)
}

/** A migration, and when it was applied (ISO 8601); null if it was not. */
export interface MigrationState {
  readonly version: number
  readonly name: string
  readonly appliedAt: string | null
}

/** Returns the state of all migrations that this program knows, then of those that a newer program has applied. */
export function toMigrationStates(applied: readonly AppliedMigration[]): MigrationState[] {
  const known = migrations.map(({ version, name }) => ({
    version,
    name,
    appliedAt: applied.find((one) => one.version === version)?.appliedAt ?? null,
  }))
  const newer = applied.filter(({ version }) => !migrations.some((one) => one.version === version))
  return [...known, ...newer.map((one) => ({ ...one, name: 'from a newer Usher' }))]
}
