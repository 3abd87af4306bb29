import { onServer } from '../support/postgres.ts'
import { postgresStores } from '../support/stores.ts'
import { delivererSuite } from './deliverer.suite.ts'

await onServer('deliveries on PostgreSQL', (server) => delivererSuite(postgresStores(server).open))
