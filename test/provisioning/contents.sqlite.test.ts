import { sqliteStores } from '../support/stores.ts'
import { contentsSuite } from './contents.suite.ts'

contentsSuite(sqliteStores().open)
