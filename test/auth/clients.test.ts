import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newClientFinder } from '../../src/auth/clients.ts'
import { deleteClient } from '../../src/directory/clients.ts'
import type { Directory } from '../../src/directory/directory.ts'
import { newId } from '../../src/model/ids.ts'
import { StoreError } from '../../src/store/port.ts'
import { withClock } from '../support/clock.ts'
import { clientIdOf, newTestDirectory, refusedAs } from '../support/directories.ts'
import { sqliteStores } from '../support/stores.ts'

const { open } = sqliteStores()

/** The directory with a count of its reads, each of which `fail` may refuse. */
function countReads(dir: Directory, fail: () => unknown = () => undefined) {
  let reads = 0
  const store = Object.create(dir.store) as Directory['store']
  store.read = async (work) => {
    reads++
    const reason = fail()
    if (reason) throw reason
    return dir.store.read(work)
  }
  return { dir: { ...dir, store }, count: () => reads }
}

test('many that look for one client at the same time share one query', async () => {
  const on = await newTestDirectory(open)
  const { dir, count } = countReads(on.dir)
  const find = newClientFinder(dir)
  const id = clientIdOf(on.osis)
  const found = await Promise.all(Array.from({ length: 200 }, () => find(id)))
  for (const client of found) assert.equal(client?.id, id)
  assert.equal(count(), 1)
})

test('a client that was found is not looked for again, until 2 s have passed', async () => {
  const on = await newTestDirectory(open)
  const { dir, count } = countReads(on.dir)
  const find = newClientFinder(dir)
  await withClock(async (pass) => {
    for (const ms of [0, 1_000, 1_000]) {
      pass(ms)
      await find(clientIdOf(on.osis))
    }
    assert.equal(count(), 1)
    pass(1)
    await find(clientIdOf(on.osis))
    assert.equal(count(), 2)
  })
})

test('a revoked client is refused within 5 s', async () => {
  const on = await newTestDirectory(open)
  const find = newClientFinder(on.dir)
  const id = clientIdOf(on.osis)
  await withClock(async (pass) => {
    assert.ok(await find(id))
    await deleteClient(on.dir, on.operator, id)
    pass(5_000)
    assert.equal(await find(id), undefined)
  })
})

test('a client that does not exist is looked for each time, so that a new one is found at once', async () => {
  const on = await newTestDirectory(open)
  const { dir, count } = countReads(on.dir)
  const find = newClientFinder(dir)
  const id = newId()
  assert.deepEqual([await find(id), await find(id)], [undefined, undefined])
  assert.equal(count(), 2)
})

test('a failure of the store is reported, and not cached', async () => {
  const on = await newTestDirectory(open)
  let failures = 1
  const { dir } = countReads(on.dir, () => (failures-- > 0 ? new StoreError('busy', 'busy') : undefined))
  const find = newClientFinder(dir)
  const id = clientIdOf(on.osis)
  await assert.rejects(find(id), refusedAs('store_unavailable'))
  assert.equal((await find(id))?.id, id)
})
