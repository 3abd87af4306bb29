import { sqliteStores } from '../support/stores.ts'
import { keptAttemptsSuite } from './attempts.suite.ts'
import { reconcilerSuite } from './reconciler.suite.ts'
import { reconcilerFailuresSuite } from './reconciler-failures.suite.ts'
import { reconcilerRemovalsSuite } from './reconciler-removals.suite.ts'

const { open } = sqliteStores()
reconcilerSuite(open)
reconcilerFailuresSuite(open)
reconcilerRemovalsSuite(open)
keptAttemptsSuite(open)
