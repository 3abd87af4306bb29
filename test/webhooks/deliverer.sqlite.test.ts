import { sqliteStores } from '../support/stores.ts'
import { delivererSuite } from './deliverer.suite.ts'

delivererSuite(sqliteStores().open)
