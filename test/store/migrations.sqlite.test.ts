import assert from 'node:assert/strict'
import { test } from 'node:test'
import { migrations } from '../../src/store/migrations/index.ts'
import { LATEST_VERSION } from '../../src/store/migrations/latest.ts'
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

test('the latest version is that of the newest migration, and none is left out', () => {
  assert.deepEqual(
    migrations.map(({ version }) => version),
    Array.from({ length: LATEST_VERSION }, (_, i) => i + 1),
  )
})
