import { sqliteStores } from '../support/stores.ts'
import { explainSuite } from './explain.suite.ts'

explainSuite(sqliteStores().open)
