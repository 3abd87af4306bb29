import { sqliteStores } from '../support/stores.ts'
import { webhookChangesSuite } from './changes.suite.ts'
import { delivererSuite } from './deliverer.suite.ts'

const { open } = sqliteStores()
delivererSuite(open)
webhookChangesSuite(open)
