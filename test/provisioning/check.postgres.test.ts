import { FULL_LENGTH } from '../../testing/full-length.ts'
import { onServer } from '../support/postgres.ts'
import { postgresStores } from '../support/stores.ts'
import { checkSuite } from './check.suite.ts'
import { explainSuite } from './explain.suite.ts'
import { fixSuite } from './fix.suite.ts'

await onServer('checking a platform on PostgreSQL', (server) => {
  const { open } = postgresStores(server)
  checkSuite(open)
  fixSuite(open)
  if (FULL_LENGTH) explainSuite(open)
})
