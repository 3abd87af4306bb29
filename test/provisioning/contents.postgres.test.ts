import { onServer } from '../support/postgres.ts'
import { postgresStores } from '../support/stores.ts'
import { contentsSuite } from './contents.suite.ts'

await onServer('stored figures on PostgreSQL', (server) => contentsSuite(postgresStores(server).open))
