import { sqliteStores } from '../support/stores.ts'
import { reconcilerSuite } from './reconciler.suite.ts'

reconcilerSuite(sqliteStores().open)
