import { onServer } from '../support/postgres.ts'
import { postgresStores } from '../support/stores.ts'
import { checkSuite } from './check.suite.ts'

await onServer('checking a platform on PostgreSQL', (server) => {
  checkSuite(postgresStores(server).open)
})
