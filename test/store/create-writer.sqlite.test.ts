import assert from 'node:assert/strict'
import { statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { newId } from '../../src/model/ids.ts'
import { openStore } from '../../src/store/open.ts'
import { ConstraintError, type NewUserRow, type Store, StoreError } from '../../src/store/port.ts'
import { openConnection } from '../../src/store/sqlite/connection.ts'
import { CreateWriter } from '../../src/store/sqlite/create-writer.ts'
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
  /** Inserts rows on the condition that the file is as it is now. */
  insert(...rows: NewUserRow[]): ReturnType<CreateWriter['insert']>
}

/** Makes a store with a group, and the thread that inserts users, which is ready. */
async function newWorld(t: TestContext): Promise<World> {
  const { path: folder, remove } = newDataDir()
  const path = join(folder, 'usher.db')
  const store = await openStore(`sqlite:${path}`, { auditKeys: TEST_AUDIT_KEYS })
  const provider = await addProvider(store)
  const [group] = await store.write(async (tx) => {
    await insertGroup(tx, { id: newId(), provider: provider.pk, name: 'Viewer', now: NOW })
    return selectGroups(tx, provider.pk)
  })
  const connection = openConnection(path, true)
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
  const row = (email: string): NewUserRow => {
    const id = newId()
    const user = { organizationPk: provider.pk, resellerPk: null, providerPk: provider.pk }
    return {
      user: { id, ...user, firstName: 'Ada', lastName: null, email, now: NOW },
      ...{ organizationId: provider.id, resellerId: null, emailKey: email, nameKey: email },
      groups: group ? [group] : [],
      entry: newEntry({ target: id }),
    }
  }
  const insert: World['insert'] = (...rows) =>
    writer.insert({ rows, markedAt: statSync(path, { bigint: true }).mtimeNs })
  return { store, path, writer, row, insert }
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

test('nothing is written into a file that was changed since its log was marked', async (t) => {
  const { store, path, writer, row, insert } = await newWorld(t)
  const { mtimeNs: markedAt } = statSync(path, { bigint: true })
  utimesSync(path, new Date(), new Date(Date.now() + 60_000))
  assert.equal(await writer.insert({ rows: [row('ada@example.com')], markedAt }), null)
  assert.deepEqual(await countRows(store, CONTENT), { users: 0, memberships: 0, audit_entries: 0 })
  assert.equal((await insert(row('ada@example.com')))?.length, 1)
})

test('batches that wait together for the lock of another process are refused together', async (t) => {
  const { path, store, row, insert } = await newWorld(t)
  const other = openConnection(path, false)
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
  const connection = openConnection(join(folder, 'usher.db'), false)
  const plans = connection.compileCreates()
  connection.close()
  const path = join(folder, 'missing', 'usher.db')
  const start = { path, file: { ino: 0n, dev: 0n }, auditKey: TEST_AUDIT_KEY, plans }
  const reasons: StoreError[] = []
  const writer = new CreateWriter(start, (reason) => reasons.push(reason))
  await assert.rejects(writer.insert({ rows: [], markedAt: 0n }), StoreError)
  assert.equal(writer.isReady, false)
  await writer.close()
  assert.equal(reasons.length, 1)
  // A thread may fail while the store closes.
  const late = new CreateWriter(start, assert.fail)
  await late.close()
  remove()
})
