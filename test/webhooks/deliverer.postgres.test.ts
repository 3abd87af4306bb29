import { onServer } from '../support/postgres.ts'
import { postgresStores } from '../support/stores.ts'
import { webhookChangesSuite } from './changes.suite.ts'
import { delivererSuite } from './deliverer.suite.ts'

await onServer('deliveries on PostgreSQL', (server) => {
  const { open } = postgresStores(server)
  delivererSuite(open)
  webhookChangesSuite(open)
})
