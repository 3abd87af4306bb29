import { sqliteStores } from '../support/stores.ts'
import { checkSuite } from './check.suite.ts'

checkSuite(sqliteStores().open)
