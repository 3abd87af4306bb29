import { sqliteStores } from '../support/stores.ts'
import { checkSuite } from './check.suite.ts'
import { fixSuite } from './fix.suite.ts'

const { open } = sqliteStores()
checkSuite(open)
fixSuite(open)
