import { onServer } from '../support/postgres.ts'
import { sqliteFiles } from '../support/sqlite-files.ts'
import { storeCopySuite } from './store-copy.suite.ts'

await onServer('store copy with PostgreSQL', (server) => {
  const files = sqliteFiles()
  const databases = (): Promise<string> => server.createDatabase()
  storeCopySuite('from SQLite to PostgreSQL', { from: files, to: databases })
  storeCopySuite('from PostgreSQL to SQLite', { from: databases, to: files })
})
