import { onServer } from '../support/postgres.ts'
import { postgresStores } from '../support/stores.ts'
import { keptAttemptsSuite } from './attempts.suite.ts'
import { reconcilerSuite } from './reconciler.suite.ts'
import { reconcilerFailuresSuite } from './reconciler-failures.suite.ts'
import { reconcilerRemovalsSuite } from './reconciler-removals.suite.ts'

await onServer('the reconciler on PostgreSQL', (server) => {
  const { open } = postgresStores(server)
  reconcilerSuite(open)
  reconcilerFailuresSuite(open)
  reconcilerRemovalsSuite(open)
  keptAttemptsSuite(open)
})
