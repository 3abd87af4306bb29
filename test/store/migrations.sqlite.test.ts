import { columnTypes, newBuilder } from '../../src/store/sqlite/connection.ts'
import { queryDatabase } from '../../testing/query.ts'
import { sqliteFiles } from '../support/sqlite-files.ts'
import { migrationsSuite } from './migrations.suite.ts'

migrationsSuite({
  newUrl: sqliteFiles(),
  builder: newBuilder(),
  types: columnTypes,
  describe: (url) =>
    queryDatabase(url, 'SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name, tbl_name'),
})
