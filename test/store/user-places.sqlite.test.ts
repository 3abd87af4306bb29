import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type SqlBool, sql } from 'kysely'
import type { UserOrder } from '../../src/model/user-lists.ts'
import type { Store } from '../../src/store/port.ts'
import { query } from '../../src/store/raw-query.ts'
import { statement } from '../../src/store/statement.ts'
import { updateUser } from '../../src/store/tables/users.ts'
import { NOW } from '../support/rows.ts'
import { sqliteStores } from '../support/stores.ts'
import { add, newWorld } from './user-search.suite.ts'

const { open } = sqliteStores()
const EVE = { resellerPk: null, firstName: 'eve', lastName: null, email: null, active: true }

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
  assert.equal((await store.read((tx) => tx.userIndex.searchUsers(tx, search, { limit: 9 }))).length, 1)
  const page = { order: { by: 'name', ascending: true }, offset: 1, limit: 5 } as const
  const ofAll = { ...search, words: ['example'] }
  const found = await store.read((tx) => tx.userIndex.searchPage(tx, ofAll, page))
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
    assert.equal(
      (await store.read((tx) => tx.userIndex.searchUsers(tx, search, { limit: 99 }))).length,
      word === 'zoe' ? 1 : 17,
    )
  }
})

/** Returns the number of users in the largest block of an order. */
async function countLargest(store: Store, by: UserOrder['by']): Promise<number> {
  const rows = await store.read((tx) =>
    query<{ total: number }>(
      tx,
      sql`select count(*) as total from ${sql.table(`user_places_${by}`)} group by id >> 20 order by 1 desc limit 1`,
    ),
  )
  return rows[0]?.total ?? 0
}

test('blocks stay small when users come in any order, or have the same key', async () => {
  const world = await newWorld(open)
  const { store } = world
  const numbered = (prefix: string, length = 1_000): string[] =>
    Array.from({ length }, (_, i) => `${prefix}${String(i).padStart(5, '0')}`)
  await add(world, numbered('mm'), [])
  await add(world, numbered('k', 2_000).reverse(), [])
  await add(world, numbered('mm0100000'), [])
  await add(world, numbered('mm0050000').reverse(), [])
  await add(
    world,
    Array.from({ length: 1_000 }, () => 'same'),
    [],
  )
  // 8 of a batch of 250 are divided in its commit, so a block may have some more users than fill it.
  for (const by of ['name', 'email'] as const) assert.ok((await countLargest(store, by)) < 600)
  const page = { order: { by: 'email', ascending: false }, offset: 0, limit: 3_000 } as const
  const search = { providerPk: world.customer.providerPk, words: ['mm0'], groups: [] }
  const found = await store.read((tx) => tx.userIndex.searchPage(tx, search, page))
  const nameless = world.people.filter(
    ({ firstName, email }) => firstName.startsWith('mm0') && email === null,
  )
  const expected = nameless.map(({ pk }) => pk).reverse()
  assert.deepEqual(found?.pks.slice(0, expected.length), expected)
})

test('a block divides when changes alone fill it, and users who have used up its numbers stay in searches', async () => {
  const world = await newWorld(open)
  const { store, customer, people } = world
  await add(world, ['ada', 'bob'], [])
  await store.write((tx) => query(tx, sql`update user_blocks_name set next = 1048570, room = 6`))
  for (let i = 0; i < 6; i++) {
    const content = { resellerPk: null, firstName: `ada ${i}`, lastName: null, email: null }
    await store.write((tx) => updateUser(tx, people[0]?.pk ?? 0, { ...content, active: true, now: NOW }))
    if (!(await store.read((tx) => tx.userIndex.areListsBehind(tx)))) continue
    await store.write((tx) => tx.userIndex.enlistUsers(tx, 250))
  }
  assert.equal(await store.read((tx) => tx.userIndex.areListsBehind(tx)), false)
  await store.write((tx) => updateUser(tx, people[0]?.pk ?? 0, { ...EVE, now: NOW }))
  const search = { providerPk: customer.providerPk, words: ['eve'], groups: [] }
  assert.equal((await store.read((tx) => tx.userIndex.searchUsers(tx, search, { limit: 9 }))).length, 1)
})

test('far pages of words that many users have are left to the list, if a condition leaves some of them out', async () => {
  const world = await newWorld(open)
  const { store, customer } = world
  const numbered = (prefix: string) => Array.from({ length: 300 }, (_, i) => `${prefix}${i + 100}`)
  await add(world, numbered('many'), [])
  await add(world, ['rare'], [])
  const where = sql<SqlBool>`users.active = 1`
  const find = async (word: string, page: { offset: number; where?: typeof where }) => {
    const search = { providerPk: customer.providerPk, words: [word], groups: [] }
    const order = { by: 'name', ascending: true } as const
    return (await store.read((tx) => tx.userIndex.searchPage(tx, search, { order, limit: 1, ...page })))?.pks
      .length
  }
  assert.equal(await find('many', { offset: 251, where }), undefined)
  assert.equal(await find('many', { offset: 250, where }), 1)
  assert.equal(await find('many', { offset: 251 }), 1)
  assert.equal(await find('rare', { offset: 251, where }), 0)
})

test('blocks that began with users who were erased begin with others, or are gone', async () => {
  const world = await newWorld(open)
  const { store, customer } = world
  const names = Array.from({ length: 600 }, (_, i) => `n${String(i).padStart(3, '0')}`)
  await add(world, names, [])
  const readStarts = async (by: UserOrder['by']) =>
    (
      await store.read((tx) =>
        query<{ start: string }>(
          tx,
          sql`select start from ${sql.table(`user_blocks_${by}`)} where start <> '' order by label`,
        ),
      )
    ).map(({ start }) => start)
  const starts = (await readStarts('name')).concat(await readStarts('email'))
  const isStart = ({ id, pk }: { id: string; pk: number }): boolean =>
    starts.some((start) => start.endsWith(`\0${id}`) || start.endsWith(String(pk).padStart(16, '0')))
  const some = world.people.filter((person, i) => isStart(person) || (i > 100 && i < 200))
  assert.ok(some.length > 120)
  for (const { pk, id } of some)
    await store.write(async (tx) => {
      await query(tx, sql`update users set deleted_at = ${NOW} where pk = ${pk}`)
      await tx.userIndex.forgetUser(tx, { pk, id, organizationPk: customer.pk })
    })
  for (const by of ['name', 'email'] as const) {
    const left = await readStarts(by)
    assert.ok(left.length > 10)
    assert.deepEqual(left.toSorted(), left)
    assert.ok(some.every(({ id }) => !left.some((start) => start.endsWith(`\0${id}`))))
  }
  assert.deepEqual(await store.read((tx) => query(tx, sql`select * from user_ranks where total = 0`)), [])
  const order = { by: 'name', ascending: true } as const
  const search = { providerPk: customer.providerPk, words: ['example'], groups: [] }
  const gone = new Set(some.map(({ pk }) => pk))
  const kept = world.people.filter(({ pk, email }) => email !== null && !gone.has(pk)).map(({ pk }) => pk)
  const page = await store.read((tx) =>
    tx.userIndex.searchPage(tx, search, { order, offset: 0, limit: 1_000 }),
  )
  assert.deepEqual(page?.pks, kept)
})
