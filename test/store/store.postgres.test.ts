import { readArea, readIndex } from '../../src/store/postgres/user-find.ts'
import { onServer } from '../support/postgres.ts'
import { postgresStores } from '../support/stores.ts'
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
import { userFindPlansSuite, userFindSuite } from './user-find.suite.ts'
import { userListsSuite } from './user-lists.suite.ts'
import { memberCopiesSuite, memberPlansSuite, userPlacesSuite } from './user-places.suite.ts'
import { userSearchSuite } from './user-search.suite.ts'
import { walkPlansSuite } from './walk-plans.suite.ts'

await onServer('the store on PostgreSQL', (server) => {
  const { open, openTampered } = postgresStores(server)
  unitsSuite(open)
  userListsSuite(open)
  listedUsersSuite(open)
  userSearchSuite(open)
  userFindSuite(open, {
    any: [async (...search) => (await readIndex(...search)).pks],
    narrow: [readArea],
  })
  userPlacesSuite(open)
  memberCopiesSuite(open)
  // Plans depend on what autovacuum has counted in a database that was used before.
  const openUnused = () => postgresStores(server).open
  const engine = {
    explain: 'explain',
    prepare: 'set local enable_seqscan = off',
    searches: /users_parts/,
  }
  queryPlansSuite(openUnused(), engine)
  userFindPlansSuite(openUnused(), engine)
  memberPlansSuite(openUnused(), engine)
  walkPlansSuite(openUnused(), engine)
  conflictsSuite(open)
  newUsersSuite(open)
  readsSuite(open)
  tablesSuite(open)
  leasesSuite(open)
  accountListsSuite(open)
  accountRemovalsSuite(open)
  attemptsSuite(open)
  followingSuite(open)
  auditSuite(openTampered)
  auditBlocksSuite(openTampered)
  auditKeySuite(openTampered)
  auditListSuite(openTampered)
  auditTailSuite(open)
  logWalksSuite(open)
})
