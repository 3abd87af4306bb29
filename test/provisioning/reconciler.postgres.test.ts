import { onServer } from '../support/postgres.ts'
import { postgresStores } from '../support/stores.ts'
import { reconcilerSuite } from './reconciler.suite.ts'

await onServer('the reconciler on PostgreSQL', (server) => {
  reconcilerSuite(postgresStores(server).open)
})
