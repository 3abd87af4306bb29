import { readIndex } from '../../src/store/sqlite/user-find.ts'
import { sqliteStores } from '../support/stores.ts'
import { accountListsSuite } from './account-lists.suite.ts'
import { accountRemovalsSuite } from './account-removals.suite.ts'
import { attemptsSuite } from './attempts.suite.ts'
import { auditSuite } from './audit.suite.ts'
import { auditBlocksSuite } from './audit-blocks.suite.ts'
import { auditKeySuite } from './audit-key.suite.ts'
import { auditListSuite } from './audit-list.suite.ts'
import { auditTailSuite } from './audit-tail.suite.ts'
import { conflictsSuite } from './conflicts.suite.ts'
import { followingSuite } from './following.suite.ts'
import { leasesSuite } from './leases.suite.ts'
import { listedUsersSuite } from './listed-users.suite.ts'
import { logWalksSuite } from './log-walks.suite.ts'
import { newUsersSuite } from './new-users.suite.ts'
import { queryPlansSuite } from './query-plans.suite.ts'
import { readsSuite } from './reads.suite.ts'
import { tablesSuite } from './tables.suite.ts'
import { unitsSuite } from './units.suite.ts'
import { userFindSuite } from './user-find.suite.ts'
import { userListsSuite } from './user-lists.suite.ts'
import { userSearchSuite } from './user-search.suite.ts'
import { walkPlansSuite } from './walk-plans.suite.ts'

const { open, openTampered } = sqliteStores()

unitsSuite(open)
userListsSuite(open)
listedUsersSuite(open)
userSearchSuite(open)
userFindSuite(open, { any: [async (...search) => (await readIndex(...search)).pks] })
const engine = {
  explain: 'explain query plan',
  searches: /user_search_(name|email) VIRTUAL TABLE INDEX/,
}
queryPlansSuite(open, engine)
walkPlansSuite(open, engine)
conflictsSuite(open)
newUsersSuite(open)
readsSuite(open)
tablesSuite(open)
auditSuite(openTampered)
auditBlocksSuite(openTampered)
auditKeySuite(openTampered)
auditListSuite(openTampered)
auditTailSuite(open)
logWalksSuite(open)
leasesSuite(open)
accountListsSuite(open)
accountRemovalsSuite(open)
attemptsSuite(open)
followingSuite(open)
