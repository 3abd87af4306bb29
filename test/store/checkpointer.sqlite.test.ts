import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createMigrationsTable } from '../../src/store/sqlite/applied-migrations.ts'
import { Checkpointer } from '../../src/store/sqlite/checkpointer.ts'
import { openConnection } from '../../src/store/sqlite/connection.ts'
import { newDataDir } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'

const LIMIT_MS = 10_000

test('the log is copied while a transaction writes, and what is written later is copied next time', async () => {
  const { path: folder, remove } = newDataDir()
  const path = join(folder, 'usher.db')
  const db = openConnection(path)
  createMigrationsTable(db)
  const checkpointer = new Checkpointer(path)
  const copy = async (): Promise<unknown> => {
    checkpointer.begin()
    assert.ok(checkpointer.isRunning)
    await waitUntil(async () => !checkpointer.isRunning, LIMIT_MS)
    return db.pragma('wal_checkpoint(NOOP)')
  }
  db.execOnce("BEGIN IMMEDIATE; INSERT INTO migrations VALUES (1, 'one', '')")
  checkpointer.begin()
  await waitUntil(async () => !checkpointer.isRunning, LIMIT_MS)
  db.execOnce('COMMIT')
  const { log, checkpointed } = db.pragma('wal_checkpoint(NOOP)')
  assert.ok(Number(checkpointed) > 0 && Number(checkpointed) < Number(log))
  assert.deepEqual(await copy(), { __proto__: null, busy: 0, log, checkpointed: log })
  await checkpointer.close()
  db.close()
  remove()
})

test('closing waits for a copy that runs', async () => {
  const { path: folder, remove } = newDataDir()
  const path = join(folder, 'usher.db')
  const db = openConnection(path)
  createMigrationsTable(db)
  const checkpointer = new Checkpointer(path)
  checkpointer.begin()
  await checkpointer.close()
  assert.equal(checkpointer.isRunning, false)
  const { log, checkpointed } = db.pragma('wal_checkpoint(NOOP)')
  assert.deepEqual(checkpointed, log)
  db.close()
  remove()
})

test('without its file it copies nothing, and commits go on', async () => {
  const { path: folder, remove } = newDataDir()
  const checkpointer = new Checkpointer(join(folder, 'missing', 'usher.db'))
  checkpointer.begin()
  await waitUntil(async () => !checkpointer.isRunning, LIMIT_MS)
  checkpointer.begin()
  assert.equal(checkpointer.isRunning, false)
  await checkpointer.close()
  remove()
})

test('while the log is copied, no commit begins a new one, also when all of it is copied', async () => {
  const { path: folder, remove } = newDataDir()
  const path = join(folder, 'usher.db')
  const db = openConnection(path)
  createMigrationsTable(db)
  const readSalts = (): string => readFileSync(`${path}-wal`).toString('hex', 16, 24)
  const checkpointer = new Checkpointer(path)
  let commits = 0
  const commit = (): void => db.execOnce(`INSERT INTO migrations VALUES (${++commits}, 'some', '')`)
  // Both messages of the thread may be read at once.
  for (; !checkpointer.keepsLog; await setImmediate()) {
    if (checkpointer.isRunning) continue
    commit()
    checkpointer.begin()
  }
  const before = readSalts()
  // This thread reads no message meanwhile.
  for (let all = false; !all; ) {
    const { log, checkpointed } = db.pragma('wal_checkpoint(NOOP)')
    all = log === checkpointed
  }
  commit()
  assert.equal(readSalts(), before)
  await checkpointer.close()
  db.close()
  remove()
})
