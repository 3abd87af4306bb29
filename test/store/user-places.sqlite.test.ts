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
