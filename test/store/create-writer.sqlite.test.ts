import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { copyFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { newId } from '../../src/model/ids.ts'
import { insertAuditKey } from '../../src/store/audit/keys.ts'
import { openStore } from '../../src/store/open.ts'
import { ConstraintError, type NewUserRow, type Store, StoreError } from '../../src/store/port.ts'
import { createMigrationsTable } from '../../src/store/sqlite/applied-migrations.ts'
import { openConnection } from '../../src/store/sqlite/connection.ts'
import { CreateWriter } from '../../src/store/sqlite/create-writer.ts'
import { assertLogBelongs } from '../../src/store/sqlite/log-check.ts'
import { isOpenMark, readFileMark } from '../../src/store/sqlite/log-marks.ts'
import { insertGroup, selectGroups } from '../../src/store/tables/groups.ts'
import { newDataDir } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'
import { addProvider, countRows, NOW, newEntry } from '../support/rows.ts'
import { TEST_AUDIT_KEY, TEST_AUDIT_KEYS } from '../support/stores.ts'

const LIMIT_MS = 10_000
const CONTENT = ['users', 'memberships', 'audit_entries']

interface World {
  readonly store: Store
  readonly path: string
  readonly writer: CreateWriter
  row(email: string): NewUserRow
  insert(...rows: NewUserRow[]): ReturnType<CreateWriter['insert']>
}

/** Adds a group to a store. Returns what makes rows of new users in it. */
async function prepareRows(store: Store): Promise<World['row']> {
  const provider = await addProvider(store)
  const [group] = await store.write(async (tx) => {
    await insertGroup(tx, { id: newId(), provider: provider.pk, name: 'Viewer', now: NOW })
    return selectGroups(tx, provider.pk)
  })
  return (email) => {
    const id = newId()
    const user = { organizationPk: provider.pk, resellerPk: null, providerPk: provider.pk }
    return {
      user: { id, ...user, firstName: 'Ada', lastName: null, email, now: NOW },
      ...{ organizationId: provider.id, resellerId: null, emailKey: email, nameKey: email },
      groups: group ? [group] : [],
      entry: newEntry({ target: id }),
    }
  }
}

/** Makes a store with a group, and the thread that inserts users, which is ready. */
async function newWorld(t: TestContext): Promise<World> {
  const { path: folder, remove } = newDataDir()
  const path = join(folder, 'usher.db')
  const store = await openStore(`sqlite:${path}`, { auditKeys: TEST_AUDIT_KEYS })
  const row = await prepareRows(store)
  const connection = openConnection(path, { readOnly: true })
  const plans = connection.compileCreates()
  connection.close()
  const file = statSync(path, { bigint: true })
  const writer = new CreateWriter({ path, file, auditKey: TEST_AUDIT_KEY, plans }, assert.fail)
  t.after(async () => {
    await writer.close()
    await store.close()
    remove()
  })
  await waitUntil(async () => writer.isReady, LIMIT_MS)
  return { store, path, writer, row, insert: (...rows) => writer.insert(rows) }
}

test('a batch is inserted in one commit, each row with an outcome of its own, and the audit log is whole', async (t) => {
  const { store, row, insert } = await newWorld(t)
  const first = row('ada@example.com')
  const outcomes = await insert(first, row('bob@example.com'), row('ada@example.com'))
  assert.deepEqual(
    outcomes?.map((outcome) => typeof outcome),
    ['number', 'number', 'string'],
  )
  // Batches that are sent together are committed one after the other.
  const later = await Promise.all([insert(row('carl@example.com')), insert(row('dora@example.com'))])
  assert.ok(later.every((one) => typeof one?.[0] === 'number'))
  assert.deepEqual(await countRows(store, CONTENT), { users: 4, memberships: 4, audit_entries: 4 })
  const blocks = await store.read((tx) =>
    tx.query((db) => db.selectFrom('audit_blocks').select(['number', 'entries']).orderBy('number')),
  )
  assert.deepEqual(
    blocks.map(({ entries }) => entries),
    [2, 1, 1],
  )
})

test('a row without its group makes its batch fail, and nothing of the batch is written', async (t) => {
  const { store, row, insert } = await newWorld(t)
  const missing = { ...row('ada@example.com'), groups: [{ pk: 999, id: newId(), name: 'Missing' }] }
  await assert.rejects(insert(row('bob@example.com'), missing), ConstraintError)
  assert.deepEqual(await countRows(store, CONTENT), { users: 0, memberships: 0, audit_entries: 0 })
  assert.equal((await insert(row('bob@example.com')))?.length, 1)
})

test('the log is marked again after a checkpoint, before a commit can begin a new one', async (t) => {
  const { path, row, insert } = await newWorld(t)
  await insert(row('ada@example.com'))
  const before = readFileMark(path)
  const other = openConnection(path)
  other.pragma('wal_checkpoint(PASSIVE)')
  await insert(row('bob@example.com'))
  const after = readFileMark(path)
  assert.ok(isOpenMark(after.mark) && after.mark !== before.mark)
  assert.deepEqual(other.pragma('application_id'), { __proto__: null, application_id: after.mark })
  other.close()
  assertLogBelongs(path)
})

test('a long log is copied by another thread, and the next one is marked', async (t) => {
  const { path, row, insert } = await newWorld(t)
  await insert(row('ada@example.com'))
  const before = readFileMark(path)
  const other = openConnection(path, { readOnly: true })
  let pages = 0
  for (let now = before; now.mark === before.mark || !isOpenMark(now.mark); now = readFileMark(path)) {
    pages = Math.max(pages, Number(other.pragma('wal_checkpoint(NOOP)').log))
    await insert(...Array.from({ length: 24 }, () => row(`${randomUUID()}@example.com`)))
  }
  assert.ok(pages > 12_000 && pages < 48_000, `the log had ${pages} pages`)
  assert.ok(Number(other.pragma('wal_checkpoint(NOOP)').log) < 12_000)
  other.close()
  assertLogBelongs(path)
})

test('nothing is written next to another file that was copied over the store', async (t) => {
  const { path, store, row, insert } = await newWorld(t)
  await insert(row('ada@example.com'))
  const [copy, kept] = [`${path}-copy`, `${path}-kept`]
  copyFileSync(path, kept)
  const other = openConnection(copy)
  createMigrationsTable(other)
  other.close()
  copyFileSync(copy, path)
  await assert.rejects(insert(row('bob@example.com')), { reason: 'replaced' })
  copyFileSync(kept, path)
  assert.deepEqual(await countRows(store, CONTENT), { users: 1, memberships: 1, audit_entries: 1 })
})

test('nothing is written into a file that was moved away', async (t) => {
  const { path, store, row, insert } = await newWorld(t)
  renameSync(path, `${path}-away`)
  await assert.rejects(insert(row('ada@example.com')), { reason: 'missing' })
  renameSync(`${path}-away`, path)
  assert.deepEqual(await countRows(store, CONTENT), { users: 0, memberships: 0, audit_entries: 0 })
})

test('a row that SQLite does not take is no failure of the file', async (t) => {
  const { store, row, insert } = await newWorld(t)
  const { user, ...others } = row('ada@example.com')
  const wrong = { ...others, user: { ...user, now: null as never } }
  const failed = await insert(row('bob@example.com'), wrong).catch((error) => error)
  assert.match(failed.message, /NOT NULL/)
  assert.equal(failed instanceof StoreError, false)
  assert.deepEqual(await countRows(store, CONTENT), { users: 0, memberships: 0, audit_entries: 0 })
})

test('batches that wait together for the lock of another process are refused together', async (t) => {
  const { path, store, row, insert } = await newWorld(t)
  const other = openConnection(path)
  other.begin()
  const batches = ['ada', 'bob', 'carl'].map((name) => insert(row(`${name}@example.com`)))
  batches[0]?.catch(() => {
    other.rollback()
    other.close()
  })
  const ended = await Promise.allSettled(batches)
  assert.deepEqual(
    ended.map((one) => one.status === 'rejected' && one.reason.reason),
    ['busy', 'busy', 'busy'],
  )
  assert.deepEqual(await countRows(store, CONTENT), { users: 0, memberships: 0, audit_entries: 0 })
  assert.equal((await insert(row('ada@example.com')))?.length, 1)
})

test('a thread that cannot open the file takes no batches, says so once, and can be closed', async () => {
  const { path: folder, remove } = newDataDir()
  const connection = openConnection(join(folder, 'usher.db'))
  const plans = connection.compileCreates()
  connection.close()
  const path = join(folder, 'missing', 'usher.db')
  const start = { path, file: { ino: 0n, dev: 0n }, auditKey: TEST_AUDIT_KEY, plans }
  const reasons: StoreError[] = []
  const writer = new CreateWriter(start, (reason) => reasons.push(reason))
  await assert.rejects(writer.insert([]), StoreError)
  assert.equal(writer.isReady, false)
  await writer.close()
  assert.equal(reasons.length, 1)
  // A thread may fail while the store closes.
  const late = new CreateWriter(start, assert.fail)
  await late.close()
  remove()
})

test('creates go on after the thread has ended, and another one is started later', async () => {
  const { path: folder, remove } = newDataDir()
  const path = join(folder, 'usher.db')
  const reasons: StoreError[] = []
  const events = { committed: () => undefined, slowed: (reason: StoreError) => void reasons.push(reason) }
  const store = await openStore(`sqlite:${path}`, { auditKeys: TEST_AUDIT_KEYS, serving: true, events })
  const row = await prepareRows(store)
  const key = { id: TEST_AUDIT_KEY.id, sealed: TEST_AUDIT_KEYS.seal(TEST_AUDIT_KEY) }
  await store.write((tx) => insertAuditKey(tx, key, NOW))
  let threads = 0
  const count = (): void => void threads++
  process.on('worker', count)
  // The first create finds no audit key, the second one starts the thread.
  for (const name of ['ada', 'bob']) await store.insertUser(row(`${name}@example.com`))
  renameSync(path, `${path}-away`)
  await waitUntil(async () => reasons.length > 0, LIMIT_MS)
  renameSync(`${path}-away`, path)
  let created = 2
  await waitUntil(async () => {
    await store.insertUser(row(`${created++}@example.com`))
    return threads === 2
  }, LIMIT_MS)
  process.off('worker', count)
  assert.equal(reasons.length, 1)
  assert.equal((await countRows(store, ['users'])).users, created)
  await store.close()
  remove()
})
