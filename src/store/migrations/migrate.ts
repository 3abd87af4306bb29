import type { Compilable, Kysely } from 'kysely'
import { type AppliedMigration, StoreError } from '../port.ts'
import { migrations } from './index.ts'
import type { ColumnTypes, MigratedTables } from './migration.ts'

/**
 * Returns the statements that migrate a store to the newest version, and the versions that they add.
 * @param applied the versions that the store has
 * @throws {StoreError} `newer` when the store has a migration that this program does not know
 */
export function pendingMigrations(
  db: Kysely<MigratedTables>,
  types: ColumnTypes,
  applied: readonly number[],
): { steps: Compilable[]; versions: number[] } {
  const known = Math.max(...migrations.map(({ version }) => version))
  const newest = Math.max(0, ...applied)
  if (newest > known) {
    throw new StoreError(
      'newer',
      `the store has schema version ${newest}, and this Usher knows only ${known}: use a newer Usher`,
    )
  }
  const missing = migrations.filter((migration) => !applied.includes(migration.version))
  const appliedAt = new Date().toISOString()
  const steps = missing.flatMap(({ version, name, up }) => [
    ...up(db.schema, types, db),
    db.insertInto('migrations').values({ version, name, applied_at: appliedAt }),
  ])
  return { steps, versions: missing.map((migration) => migration.version) }
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
