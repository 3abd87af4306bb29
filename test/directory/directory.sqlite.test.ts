import { rounds } from '../../testing/full-length.ts'
import { sqliteStores } from '../support/stores.ts'
import { accessSuite } from './access.suite.ts'
import { accountsSuite } from './accounts.suite.ts'
import { administrationSuite } from './administration.suite.ts'
import { auditChangesSuite } from './audit-changes.suite.ts'
import { auditLogsSuite } from './audit-logs.suite.ts'
import { bindingSuite } from './binding.suite.ts'
import { clientsSuite } from './clients.suite.ts'
import { companiesSuite } from './companies.suite.ts'
import { explainSuite } from './explain.suite.ts'
import { findReachSuite, findSuite } from './find.suite.ts'
import { idempotencySuite } from './idempotency.suite.ts'
import { importsSuite } from './imports.suite.ts'
import { importsPlanSuite } from './imports-plan.suite.ts'
import { jobsSuite } from './jobs.suite.ts'
import { osisSuite } from './osis.suite.ts'
import { peopleAccountsSuite } from './people-accounts.suite.ts'
import { platformsSuite } from './platforms.suite.ts'
import { reachSuite } from './reach.suite.ts'
import { refreshTokensSuite } from './refresh-tokens.suite.ts'
import { refusalsSuite } from './refusals.suite.ts'
import { rotationSuite } from './rotation.suite.ts'
import { sessionsSuite } from './sessions.suite.ts'
import { timelineSuite } from './timeline.suite.ts'
import { unappliedSuite } from './unapplied.suite.ts'
import { usersSuite } from './users.suite.ts'

const { open } = sqliteStores()

usersSuite(open)
timelineSuite(open)
unappliedSuite(open)
accessSuite(open)
platformsSuite(open)
reachSuite(open)
findSuite(open)
findReachSuite(open)
explainSuite(open)
idempotencySuite(open)
jobsSuite(open)
importsSuite(open)
importsPlanSuite(open, rounds(25, 500))
clientsSuite(open)
accountsSuite(open)
peopleAccountsSuite(open)
auditChangesSuite(open)
auditLogsSuite(open)
administrationSuite(open)
companiesSuite(open)
refusalsSuite(open)
osisSuite(open)
refreshTokensSuite(open)
sessionsSuite(open)
rotationSuite(open)
bindingSuite(open)
