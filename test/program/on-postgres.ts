import { FULL_LENGTH } from '../../testing/full-length.ts'
import { onPostgres } from '../support/engine.ts'
import { listNeutralTests } from '../support/together.ts'

/** The tests whose results can depend on the engine. */
const FILES = ['day-at-a-provider.test.ts', 'durability.test.ts', 'stop.test.ts']

/** The tests that start no program with a store. */
const WITHOUT_STORE: readonly string[] = ['old-node.test.ts', 'package.test.ts']

/** Files that mostly kill servers, which takes long at full length: each group runs beside the others. */
const KILLS = {
  accounts: ['suspension.test.ts', 'webhooks.test.ts'],
  jobs: ['deletions.test.ts', 'job-kills.test.ts', 'jobs.test.ts'],
} as const

/** Runs the files of one group of kills on PostgreSQL, at full length only. */
export async function killsOnPostgres(group: keyof typeof KILLS): Promise<void> {
  if (FULL_LENGTH) await onPostgres(import.meta.dirname, KILLS[group])
}

/** Runs the other files of this folder on PostgreSQL: all at full length, otherwise those that can depend on it. */
export async function programOnPostgres(): Promise<void> {
  const left: readonly string[] = [...Object.values(KILLS).flat(), ...WITHOUT_STORE]
  const others = listNeutralTests(import.meta.dirname).filter((file) => !left.includes(file))
  await onPostgres(import.meta.dirname, FULL_LENGTH ? others : FILES)
}
