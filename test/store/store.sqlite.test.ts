import { sqliteStores } from '../support/stores.ts'
import { auditSuite } from './audit.suite.ts'
import { auditListSuite } from './audit-list.suite.ts'
import { osisStoreSuite } from './osis.suite.ts'
import { readsSuite } from './reads.suite.ts'
import { tablesSuite } from './tables.suite.ts'
import { unitsSuite } from './units.suite.ts'

const { open, openTampered } = sqliteStores()

unitsSuite(open)
readsSuite(open)
tablesSuite(open)
auditSuite(openTampered)
auditListSuite(openTampered)
osisStoreSuite(open)
