import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { query } from '../../src/store/raw-query.ts'
import { statement } from '../../src/store/statement.ts'
import { sqliteStores } from '../support/stores.ts'
import { add, newWorld } from './user-search.suite.ts'

const { open } = sqliteStores()

/** A statement that inserts nothing, so that the last row id stays that of the statement before. */
const markOrganizationName = statement((db, p: { pk: number }) =>
  db.updateTable('organizations').set({ name: 'x' }).where('pk', '=', p.pk),
)

test('users with the highest places enter the index, and the store writes on', async () => {
  const world = await newWorld(open)
  const { store, customer } = world
  for (const by of ['name', 'email'])
    await store.write((tx) => query(tx, sql`update ${sql.table(`user_blocks_${by}`)} set label = ${2 ** 41}`))
  await add(world, ['ada'], [], 1)
  await add(world, ['bob'], [], 1)
  assert.equal(await store.write((tx) => tx.run(markOrganizationName, { pk: customer.pk })), 1)
  const search = { providerPk: customer.providerPk, words: ['bob'], groups: [] }
  assert.equal((await store.read((tx) => tx.searchUsers(search, 9))).length, 1)
  const page = { order: { by: 'name', ascending: true }, offset: 1, limit: 5 } as const
  const ofAll = { ...search, words: ['example'] }
  const found = await store.read((tx) => tx.searchPage(ofAll, page))
  assert.deepEqual(found?.pks, [world.people[1]?.pk])
})

test('more blocks are divided in one commit than SQLite joins selects', async () => {
  const world = await newWorld(open)
  const { store, customer } = world
  const starts = Array.from({ length: 600 }, (_, i) => `n${String(i).padStart(3, '0')}`)
  await store.write((tx) =>
    query(
      tx,
      sql`insert into user_blocks_name (start, label, next, room)
        select value, ((key + 1) << 20) + 1, 0, 256 from json_each(${JSON.stringify(starts)})`,
    ),
  )
  const names = starts.flatMap((start) => [...'abcdefghijklmnopq'].map((letter) => start + letter))
  await add(world, names, [], 2_000)
  await store.write((tx) => query(tx, sql`update user_blocks_name set room = 0`))
  await add(world, ['zoe'], [], 1)
  for (const word of ['n000', 'n599', 'zoe']) {
    const search = { providerPk: customer.providerPk, words: [word], groups: [] }
    assert.equal((await store.read((tx) => tx.searchUsers(search, 99))).length, word === 'zoe' ? 1 : 17)
  }
})
