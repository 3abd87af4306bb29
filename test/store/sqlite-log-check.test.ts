import assert from 'node:assert/strict'
import { copyFileSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { openStore } from '../../src/store/open.ts'
import type { Store } from '../../src/store/port.ts'
import { type Connection, openConnection } from '../../src/store/sqlite/connection.ts'
import { assertLogBelongs } from '../../src/store/sqlite/log-check.ts'
import { isLogMarked, markLog, readFileMark } from '../../src/store/sqlite/log-marks.ts'
import { newDataDir } from '../../testing/usher.ts'

const REFUSED = { name: 'StoreError', reason: 'replaced' }

/** A folder with a store that is open, and copies of it. */
interface World {
  readonly store: Store
  readonly path: string
  /** Returns the path of a copy of the file and of its log, as a crash leaves them. */
  crash(): string
  /** Copies the store through SQLite's backup. */
  backUp(): Promise<string>
  /** Copies the store by `VACUUM INTO`. */
  vacuum(): string
}

async function newWorld(t: TestContext): Promise<World> {
  const { path: folder, remove } = newDataDir()
  const path = join(folder, 'usher.db')
  const store = await openStore(`sqlite:${path}`)
  t.after(async () => {
    await store.close()
    remove()
  })
  let made = 0
  const newName = (): string => join(folder, `copy-${made++}.db`)
  return {
    store,
    path,
    crash() {
      const copy = newName()
      copyPair(path, copy)
      return copy
    },
    async backUp() {
      const copy = newName()
      const source = new DatabaseSync(path)
      await backup(source, copy)
      source.close()
      return copy
    },
    vacuum() {
      const copy = newName()
      const source = new DatabaseSync(path)
      source.exec(`VACUUM INTO '${copy}'`)
      source.close()
      return copy
    },
  }
}

function copyPair(from: string, to: string): void {
  copyFileSync(from, to)
  if (existsSync(`${from}-wal`)) copyFileSync(`${from}-wal`, `${to}-wal`)
}

/** Writes the whole log into the file, as SQLite does when the log is full. The next commit begins a new log. */
function checkpoint({ path }: World): void {
  const other = new DatabaseSync(path)
  other.exec('PRAGMA wal_checkpoint(PASSIVE)')
  other.close()
}

/** Asserts that a copy is refused as the file of a log, and that nothing was written. */
function assertRefused(copy: string, log: string): void {
  const mixed = `${log}-mixed`
  copyFileSync(copy, mixed)
  copyFileSync(log, `${mixed}-wal`)
  assert.throws(() => assertLogBelongs(mixed), REFUSED, copy)
  rmSync(mixed)
  rmSync(`${mixed}-wal`)
}

test('a log whose pages a power failure has taken is accepted, since SQLite does not replay it', async (t) => {
  const world = await newWorld(t)
  await world.store.heartbeat()
  checkpoint(world)
  // A new log begins: the file of before it, with the log after it.
  const before = world.crash()
  await world.store.heartbeat()
  const log = readFileSync(`${world.path}-wal`)
  // Of the first frame, the header of the frame is there, and its page is not.
  log.fill(0, 32 + 24, 32 + 24 + 4096)
  writeFileSync(`${before}-wal`, log)
  assertLogBelongs(before)
})

test('what a crash leaves is accepted, whatever was written and checkpointed before', async (t) => {
  const world = await newWorld(t)
  for (let i = 0; i < 12; i++) {
    await world.store.heartbeat()
    assertLogBelongs(world.crash())
    if (i % 3 === 2) checkpoint(world)
    assertLogBelongs(world.crash())
  }
})

test('every older copy is refused next to the log of the store', async (t) => {
  const world = await newWorld(t)
  const copies: string[] = []
  for (let i = 0; i < 8; i++) {
    await world.store.heartbeat()
    copies.push(await world.backUp(), world.vacuum())
    if (i % 2 === 1) checkpoint(world)
    await world.store.heartbeat()
    const log = `${world.crash()}-wal`
    for (const copy of copies) assertRefused(copy, log)
  }
})

test('copies of a store that was stopped are refused next to a later log', async (t) => {
  const { path: folder, remove } = newDataDir()
  t.after(remove)
  const path = join(folder, 'usher.db')
  for (let i = 0; i < 4; i++) {
    const store = await openStore(`sqlite:${path}`)
    await store.heartbeat()
    const crashed = join(folder, `crashed-${i}.db`)
    copyPair(path, crashed)
    await store.close()
    assertLogBelongs(path)
    copyFileSync(path, join(folder, `stopped-${i}.db`))
    for (let j = 0; j < i; j++) assertRefused(join(folder, `stopped-${j}.db`), `${crashed}-wal`)
  }
})

test('the log of another directory is refused', async (t) => {
  const [one, other] = [await newWorld(t), await newWorld(t)]
  for (const world of [one, other]) await world.store.heartbeat()
  assertRefused(one.crash(), `${other.crash()}-wal`)
})

test('a log that was just begun, and has no commit yet, is accepted next to any file', async (t) => {
  const world = await newWorld(t)
  await world.store.heartbeat()
  const copy = world.crash()
  const log = readFileSync(`${copy}-wal`)
  // SQLite writes the header with new salts before the first frame.
  for (let i = 16; i < 24; i++) log[i] = (log[i] ?? 0) ^ 0xff
  writeFileSync(`${copy}-wal`, log)
  assertLogBelongs(copy)
})

test('a file whose log was removed is refused, and one that was closed is not', async (t) => {
  const world = await newWorld(t)
  await world.store.heartbeat()
  const copy = world.crash()
  rmSync(`${copy}-wal`)
  assert.throws(() => assertLogBelongs(copy), { ...REFUSED, message: /its log .* is missing/ })
  writeFileSync(`${copy}-wal`, '')
  assert.throws(() => assertLogBelongs(copy), REFUSED)
  assertLogBelongs(await world.backUp())
})

test('a log whose file is missing or empty is refused: SQLite would delete it', async (t) => {
  const world = await newWorld(t)
  await world.store.heartbeat()
  const copy = world.crash()
  writeFileSync(copy, '')
  assert.throws(() => assertLogBelongs(copy), REFUSED)
  rmSync(copy)
  assert.throws(() => assertLogBelongs(copy), REFUSED)
})

test('a file and a log that were written by 0.1.0 are accepted, and marked by the next commit', async (t) => {
  const world = await newWorld(t)
  const old = join(world.path, '../old.db')
  const db = new DatabaseSync(old)
  db.exec('PRAGMA journal_mode = WAL')
  db.exec('CREATE TABLE one (a)')
  const crashed = join(world.path, '../crashed.db')
  copyPair(old, crashed)
  db.close()
  assertLogBelongs(crashed)
  const store = await openStore(`sqlite:${crashed}`)
  await store.heartbeat()
  copyPair(crashed, old)
  await store.close()
  assertLogBelongs(old)
  rmSync(`${old}-wal`)
  assert.throws(() => assertLogBelongs(old), REFUSED)
})

/** The newest committed content of each page in a log, by page number. */
function readPages(log: Buffer): [number, Buffer][] {
  const pageSize = log.readUInt32BE(8)
  const pages = new Map<number, Buffer>()
  for (let at = 32; at + 24 + pageSize <= log.length; at += 24 + pageSize) {
    if (!log.subarray(at + 8, at + 16).equals(log.subarray(16, 24))) break
    pages.set(log.readUInt32BE(at), log.subarray(at + 24, at + 24 + pageSize))
  }
  return [...pages].sort(([a], [b]) => a - b)
}

test('a crash in the middle of a checkpoint is accepted, after whichever page', async (t) => {
  const world = await newWorld(t)
  for (let i = 0; i < 3; i++) await world.store.heartbeat()
  const crashed = world.crash()
  const [file, log] = [readFileSync(crashed), readFileSync(`${crashed}-wal`)]
  const pages = readPages(log)
  assert.ok(pages.length > 3)
  for (let written = 0; written <= pages.length; written++) {
    const partial = Buffer.alloc(Math.max(file.length, 4096 * Math.max(...pages.map(([number]) => number))))
    file.copy(partial)
    for (const [number, page] of pages.slice(0, written)) page.copy(partial, (number - 1) * 4096)
    writeFileSync(crashed, partial)
    assertLogBelongs(crashed)
  }
})

/** Runs work after every statement by which `markLog` marks the log. */
function observe(connection: Connection, work: () => void): Parameters<typeof markLog>[0] {
  return {
    execOnce(text) {
      connection.execOnce(text)
      work()
    },
    pragma(text) {
      const row = connection.pragma(text)
      work()
      return row
    },
    rollback: () => connection.rollback(),
  }
}

test('the mark can be read in the middle of a checkpoint that makes the file longer', async (t) => {
  const { path } = await newWorld(t)
  const copy = `${path}-short`
  copyFileSync(path, copy)
  // Page 1 is written first, and has the new number of pages.
  truncateSync(copy, 4096)
  assert.deepEqual(readFileMark(copy), readFileMark(path))
})

test('a crash at any moment of the marking is accepted', async (t) => {
  const world = await newWorld(t)
  await world.store.heartbeat()
  checkpoint(world)
  const connection = openConnection(world.path)
  let moments = 0
  markLog(
    observe(connection, () => {
      moments++
      assertLogBelongs(world.crash())
    }),
    world.path,
  )
  connection.close()
  assert.ok(moments > 10)
})

test('two processes that mark at once leave what is accepted at any moment', async (t) => {
  const world = await newWorld(t)
  await world.store.heartbeat()
  const [one, other] = [openConnection(world.path), openConnection(world.path)]
  let inTransaction = false
  let depth = 0
  const interleaved = observe(one, () => {
    assertLogBelongs(world.crash())
    if (inTransaction || depth > 0) return
    depth++
    markLog(
      observe(other, () => assertLogBelongs(world.crash())),
      world.path,
    )
    depth--
  })
  markLog(
    {
      ...interleaved,
      execOnce(text) {
        inTransaction = text !== 'COMMIT' && (inTransaction || text.startsWith('BEGIN'))
        interleaved.execOnce(text)
      },
    },
    world.path,
  )
  one.execOnce('BEGIN IMMEDIATE')
  assert.ok(isLogMarked(one, world.path))
  one.rollback()
  one.close()
  other.close()
})

test('a reader that keeps the log in use does not stop writes, and the log is marked after it', async (t) => {
  const world = await newWorld(t)
  await world.store.heartbeat()
  const reader = new DatabaseSync(world.path)
  reader.exec('BEGIN')
  reader.prepare('SELECT count(*) FROM heartbeats').get()
  await world.store.heartbeat()
  checkpoint(world)
  for (let i = 0; i < 3; i++) {
    await world.store.heartbeat()
    assertLogBelongs(world.crash())
  }
  reader.exec('ROLLBACK')
  reader.close()
  checkpoint(world)
  const copy = await world.backUp()
  await world.store.heartbeat()
  assertLogBelongs(world.crash())
  assertRefused(copy, `${world.crash()}-wal`)
})
