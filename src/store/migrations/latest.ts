import type { AppliedMigration } from '../port.ts'

/** The version of the newest migration. A test compares it with the migrations themselves. */
export const LATEST_VERSION = 35

/** Returns whether a store has all migrations, and none of a newer program. It does not load the migrations. */
export function isCurrent(applied: readonly AppliedMigration[]): boolean {
  return applied.length === LATEST_VERSION && applied.at(-1)?.version === LATEST_VERSION
}
