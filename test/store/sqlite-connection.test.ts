import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { sql } from 'kysely'
import { type Connection, openConnection } from '../../src/store/sqlite/connection.ts'
import { newDataDir } from '../../testing/usher.ts'

async function read(connection: Connection, pragma: string): Promise<unknown> {
  const [row] = await connection.query((db) => ({
    compile: () => sql<Record<string, unknown>>`PRAGMA ${sql.raw(pragma)}`.compile(db),
  }))
  return Object.values(row ?? {})[0]
}

test('a connection has its settings; SQLite silently ignores a misspelt one', async (t) => {
  const { path, remove } = newDataDir()
  const writer = openConnection(join(path, 'usher.db'))
  const reader = openConnection(join(path, 'usher.db'), { readOnly: true })
  t.after(() => {
    reader.close()
    writer.close()
    remove()
  })
  assert.equal(await read(writer, 'journal_mode'), 'wal')
  assert.equal(await read(writer, 'synchronous'), 1)
  assert.equal(await read(writer, 'wal_autocheckpoint'), 16_000)
  for (const connection of [writer, reader]) {
    assert.equal(await read(connection, 'foreign_keys'), 1)
    assert.equal(await read(connection, 'temp_store'), 2)
    assert.equal(await read(connection, 'cache_size'), -32_768)
  }
})
