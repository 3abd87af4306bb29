import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Tx } from '../../src/store/port.ts'
import { takeLock } from '../../src/store/tables/locks.ts'
import { selectUser, touchUser, updateUser } from '../../src/store/tables/users.ts'
import { addProvider, countRows, NOW, putUser } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'

const TIMES = 12

function times<T>(work: (i: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: TIMES }, (_, i) => work(i)))
}

/** Concurrent units that change the same rows: each sees what the earlier ones wrote, and none is lost. */
export function conflictsSuite(open: OpenStore): void {
  describe('concurrent units', () => {
    test('no unit overwrites what another one has written since its snapshot', async () => {
      const store = await open()
      const { pk: organization } = await addProvider(store)
      const pk = (await store.write((tx) => putUser(tx, organization, null, 'counter'))) ?? 0
      const countUp = async (tx: Tx): Promise<void> => {
        const count = Number((await selectUser(tx, 'counter'))?.firstName ?? 0)
        const names = { firstName: String(count + 1), lastName: null, email: null }
        await updateUser(tx, pk, { resellerPk: null, ...names, active: true, now: NOW })
      }
      await times(() => store.write(countUp))
      assert.equal((await store.read((tx) => selectUser(tx, 'counter')))?.firstName, String(TIMES))
    })

    test('units that change two rows in opposite order both succeed', async () => {
      const store = await open()
      const { pk: organization } = await addProvider(store)
      const add = async (id: string): Promise<number> =>
        (await store.write((tx) => putUser(tx, organization, null, id))) ?? 0
      const [one, other] = [await add('one'), await add('other')]
      const times = [1, 2, 3, 4].map((second) => `2026-11-23T08:00:0${second}.000Z`)
      const touch = (i: number): Promise<void> =>
        store.write(async (tx) => {
          const [first, second] = i % 2 === 0 ? [one, other] : [other, one]
          await touchUser(tx, first, times[i] ?? NOW)
          await touchUser(tx, second, times[i] ?? NOW)
        })
      await Promise.all(times.map((_, i) => touch(i)))
      const rows = await store.read((tx) => tx.query((db) => db.selectFrom('users').select('updated_at')))
      const written = rows.map((row) => row.updated_at)
      assert.ok(times.includes(written[0] ?? ''), `no unit wrote ${written[0]}`)
      assert.deepEqual(written, [written[0], written[0]], 'the last unit wrote one row only')
    })

    test('units that take the same lock run one after the other', async () => {
      const store = await open()
      const { pk: organization } = await addProvider(store)
      const made = await times((i) =>
        store.write(async (tx) => {
          await takeLock(tx, 'only-one', NOW)
          const users = await tx.query((db) => db.selectFrom('users').select('pk'))
          if (users.length === 0) await putUser(tx, organization, null, `user ${i}`)
          return users.length === 0
        }),
      )
      assert.equal(made.filter(Boolean).length, 1)
      assert.deepEqual(await countRows(store, ['users']), { users: 1 })
    })
  })
}
