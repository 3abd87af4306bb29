import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { insertAuditEntry } from '../../src/store/audit/entry-rows.ts'
import { ConstraintError, type Store, StoreError, type Tx } from '../../src/store/port.ts'
import { insertClient } from '../../src/store/tables/clients.ts'
import { insertPortal } from '../../src/store/tables/organizations.ts'
import { selectUserByEmail } from '../../src/store/tables/users.ts'
import {
  addProvider,
  CONTENT_TABLES,
  countRows,
  insertUser,
  NOW,
  newEntry,
  putEntries,
  putUser,
} from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'

const emailOf = (i: number): string => `user${i}@example.com`
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

async function countUsers(store: Store): Promise<number> {
  return (await countRows(store, ['users'])).users ?? 0
}

/** Units of work are atomic, isolated and durable, and share commits. */
export function unitsSuite(open: OpenStore): void {
  describe('units of work', () => {
    test('many concurrent units are all kept, and on a store for one process they share commits', async () => {
      const commits: number[] = []
      const store = await open({ committed: (units) => commits.push(units), slowed: () => undefined })
      const provider = await addProvider(store)
      commits.length = 0
      const keys = await Promise.all(
        range(500).map((i) => store.write((tx) => putUser(tx, provider.pk, emailOf(i)))),
      )
      assert.equal(new Set(keys).size, 500)
      assert.equal(await countUsers(store), 500)
      assert.equal(
        commits.reduce((sum, units) => sum + units, 0),
        500,
      )
      if (store.maxIdleMs === 0) assert.ok(commits.length <= 50, `500 units took ${commits.length} commits`)
    })

    test('a single unit has its own commit', async () => {
      const commits: number[] = []
      const store = await open({ committed: (units) => commits.push(units), slowed: () => undefined })
      await addProvider(store)
      await addProvider(store)
      assert.deepEqual(commits, [1, 1])
    })

    test('a unit returns what its work returns', async () => {
      const store = await open()
      assert.deepEqual(await Promise.all(range(20).map((i) => store.write(async () => i))), range(20))
    })

    failureTests(open)
    constraintTests(open)
    closingTests(open)

    test('a migrated store has nothing to migrate', async () => {
      const store = await open()
      const provider = await addProvider(store)
      assert.deepEqual(await store.migrate(), [])
      assert.deepEqual(await store.migrate(), [])
      await store.write((tx) => putUser(tx, provider.pk, 'a@example.com'))
      assert.equal(await countUsers(store), 1)
    })

    test('the heartbeat succeeds and leaves the content as it was', async () => {
      const store = await open()
      const before = await countRows(store, ['migrations', ...CONTENT_TABLES])
      await store.heartbeat()
      assert.deepEqual(await countRows(store, ['migrations', ...CONTENT_TABLES]), before)
    })
  })
}

function failureTests(open: OpenStore): void {
  for (const written of [false, true]) {
    const when = written ? 'after it has written' : 'before it has written'
    test(`a unit that fails ${when} is undone alone`, async () => {
      const store = await open()
      const provider = await addProvider(store)
      const failure = new Error('refused')
      const results = await Promise.allSettled(
        range(30).map((i) =>
          store.write(async (tx) => {
            if (i % 10 !== 5) return putUser(tx, provider.pk, emailOf(i))
            if (written) await putUser(tx, provider.pk, emailOf(i))
            throw failure
          }),
        ),
      )
      results.forEach((result, i) => {
        if (i % 10 === 5) assert.equal(result.status === 'rejected' && result.reason, failure)
        else assert.equal(result.status, 'fulfilled')
      })
      assert.equal(await countUsers(store), 27)
      for (const i of [5, 15, 25]) {
        const found = await store.read((tx) => selectUserByEmail(tx, provider.pk, emailOf(i)))
        assert.equal(found, undefined)
      }
    })
  }

  test('audit entries of a failed unit are undone with it, and the log has no faults', async () => {
    const store = await open()
    const outcomes = await Promise.allSettled(
      range(20).map((i) =>
        store.write(async (tx) => {
          await insertAuditEntry(tx, newEntry({ target: `${i}` }))
          await insertAuditEntry(tx, newEntry({ target: `${i}` }))
          if (i % 2 === 1) throw new Error('refused')
        }),
      ),
    )
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 10)
    await putEntries(store, newEntry())
    await store.sealAudit()
    const { entries, unsealed, faults } = await store.verifyAudit()
    assert.deepEqual([entries, unsealed, faults], [21, 0, []])
  })

  test('a unit that can wait is written in time, also after an earlier one shared a commit', async () => {
    const store = await open()
    const provider = await addProvider(store)
    const put = (i: number) => (tx: Tx) => putUser(tx, provider.pk, emailOf(i))
    await Promise.all([store.write(put(0)), store.write(put(1), { canWait: true })])
    // Later than the earlier one would have waited.
    await pause(100)
    await Promise.race([store.write(put(2), { canWait: true }), pause(5_000)])
    assert.equal(await countUsers(store), 3)
  })

  test('closing the store writes the units that can wait', async () => {
    const store = await open()
    const provider = await addProvider(store)
    const written = store.write((tx) => putUser(tx, provider.pk, emailOf(0)), { canWait: true })
    await store.close()
    assert.ok(await written)
  })

  test('if all units fail, nothing is written and the store keeps working', async () => {
    const store = await open()
    const provider = await addProvider(store)
    const failing = range(10).map((i) =>
      store.write(async (tx) => {
        await putUser(tx, provider.pk, emailOf(i))
        throw new Error('refused')
      }),
    )
    const outcomes = await Promise.allSettled(failing)
    assert.ok(outcomes.every(({ status }) => status === 'rejected'))
    assert.equal(await countUsers(store), 0)
    await store.write((tx) => putUser(tx, provider.pk, emailOf(0)))
    assert.equal(await countUsers(store), 1)
  })

  test('a unit that throws a value that is no error rejects with it', async () => {
    const store = await open()
    const outcome = await store
      .write(async () => {
        throw 'words'
      })
      .catch((reason) => reason)
    assert.equal(outcome, 'words')
  })
}

function constraintTests(open: OpenStore): void {
  test('a unit that a unique index refuses does not affect other units', async () => {
    const store = await open()
    const provider = await addProvider(store)
    const client = { organization: provider.pk, name: 'n', permission: 'viewer', secretHash: null } as const
    const external = { externalIssuer: 'https://issuer', externalId: 'same', now: NOW }
    const outcomes = await Promise.allSettled(
      range(10).map((i) =>
        store.write(async (tx) => {
          await putUser(tx, provider.pk, emailOf(i))
          if (i === 3 || i === 6) await insertClient(tx, { id: `c${i}`, ...client, ...external })
        }),
      ),
    )
    const rejected = outcomes.filter((one) => one.status === 'rejected')
    assert.equal(rejected.length, 1)
    assert.ok(rejected[0]?.reason instanceof ConstraintError)
    assert.equal(await countUsers(store), 9)
  })

  test('a unit can go on after a refused insert that ignores conflicts, and is kept', async () => {
    const store = await open()
    const provider = await addProvider(store)
    const portal = { domain: 'taken.example', organization: provider.pk, now: NOW }
    await store.write((tx) => insertPortal(tx, portal))
    const response = await store.write(async (tx) => {
      const inserted = await insertPortal(tx, portal)
      return [inserted, await insertPortal(tx, { ...portal, domain: 'free.example' })]
    })
    assert.deepEqual(response, [false, true])
  })

  test('a unit sees its own writes and those of earlier units', async () => {
    const store = await open()
    const provider = await addProvider(store)
    const outcomes = await Promise.all(
      range(20).map(() =>
        store.write(async (tx) => {
          const before = await selectUserByEmail(tx, provider.pk, 'one@example.com')
          const key = await putUser(tx, provider.pk, 'one@example.com')
          const after = await selectUserByEmail(tx, provider.pk, 'one@example.com')
          return { before: before?.pk, key, after: after?.pk }
        }),
      ),
    )
    const [winner] = outcomes.filter(({ key }) => key !== undefined)
    assert.equal(outcomes.filter(({ key }) => key !== undefined).length, 1)
    for (const { after } of outcomes) assert.equal(after, winner?.key)
    assert.equal(outcomes.filter(({ before }) => before === undefined).length, 1)
  })

  test('the same id or e-mail is refused without an error, and the other row stays', async () => {
    const store = await open()
    const provider = await addProvider(store)
    const user = { organizationPk: provider.pk, firstName: null, lastName: null }
    await store.write((tx) => insertUser(tx, { id: 'a', email: 'a@x', ...user }))
    assert.equal(await store.write((tx) => insertUser(tx, { id: 'a', email: 'b@x', ...user })), undefined)
    assert.equal(await store.write((tx) => insertUser(tx, { id: 'b', email: 'A@X', ...user })), undefined)
    assert.equal(await countUsers(store), 1)
  })
}

function closingTests(open: OpenStore): void {
  test('closing waits for queued units, and refuses new ones', async () => {
    const store = await open()
    const provider = await addProvider(store)
    const waiting = range(600).map((i) => store.write((tx) => putUser(tx, provider.pk, emailOf(i))))
    const reading = store.read(async () => 'read')
    const closing = store.close()
    const isClosed = (error: Error): boolean => error instanceof StoreError && error.reason === 'closed'
    await assert.rejects(
      store.write(async () => 1),
      isClosed,
    )
    await assert.rejects(
      store.read(async () => 1),
      isClosed,
    )
    await assert.rejects(store.heartbeat(), isClosed)
    await closing
    assert.equal(new Set(await Promise.all(waiting)).size, 600)
    assert.equal(await reading, 'read')
    await store.close()
  })
}
