import { globSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')

/** What `npm test` starts. The other files of `test/contract/` and `test/cli/` run in groups; see `together.ts`. */
const PATTERNS: readonly string[] = [
  'test/*.test.ts',
  'test/!(contract|cli)/**/*.test.ts',
  'test/{contract,cli}/*.*.test.ts',
  'test/cli/*/*.test.ts',
]

/** The files that take longest, in this order. */
export const LONGEST: readonly string[] = [
  'test/program/program.postgres.test.ts',
  'test/contract/contract.postgres-1.test.ts',
  'test/contract/contract.postgres-2.test.ts',
  'test/program/kills-of-accounts.postgres.test.ts',
  'test/program/power-loss.sqlite.test.ts',
  'test/console/console.sqlite.test.ts',
  'test/console/console.postgres.test.ts',
  'test/program/durability.test.ts',
  'test/contract/contract.sqlite-1.test.ts',
  'test/contract/contract.sqlite-2.test.ts',
  'test/program/kills-of-jobs.postgres.test.ts',
  'test/directory/directory.postgres.test.ts',
  'test/program/key-rotation.postgres.test.ts',
  'test/program/database-restart.postgres.test.ts',
  'test/directory/directory.sqlite.test.ts',
  'test/cli/cli.postgres.test.ts',
  'test/cli/cli.sqlite.test.ts',
  'test/store/store.postgres.test.ts',
  'test/store/migrations.postgres.test.ts',
  'test/program/job-kills.test.ts',
  'test/program/deletions.test.ts',
  'test/program/suspension.test.ts',
  'test/program/two-processes.postgres.test.ts',
  'test/program/key-rotation.sqlite.test.ts',
  'test/program/getting-started.sqlite.test.ts',
  'test/bench.test.ts',
  'test/api/partner/every-operation.test.ts',
  'test/openapi-lint.test.ts',
  'test/program/package.test.ts',
  'test/provisioning/reconciler.postgres.test.ts',
]

/** Returns the files that `npm test` starts, the longest first: at the end of a run, only short ones are left. */
export function listTestFiles(): string[] {
  const placeOf = (file: string): number => (LONGEST.includes(file) ? LONGEST.indexOf(file) : LONGEST.length)
  const files = PATTERNS.flatMap((pattern) => globSync(pattern, { cwd: ROOT })).sort()
  return files.sort((one, other) => placeOf(one) - placeOf(other))
}
