import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { newId } from '../../src/model/ids.ts'
import type { Organization } from '../../src/model/organizations.ts'
import type { Tx } from '../../src/store/port.ts'
import { selectUser, selectUserByEmail } from '../../src/store/tables/users.ts'
import { rounds } from '../../testing/full-length.ts'
import { anyCharacter } from '../support/characters.ts'
import { addProvider, insertUser, putUser } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

async function countIn(tx: Tx, organization: Organization): Promise<number> {
  const users = await tx.query((db) =>
    db
      .selectFrom('users')
      .select('pk')
      .where('organization_pk', '=', organization.pk)
      .where('deleted_at', 'is', null),
  )
  return users.length
}

/** A promise that a test resolves to let work continue. */
function newGate(): { passed: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { passed: promise, open: resolve }
}

/** Tests what a read sees. */
export function readsSuite(open: OpenStore): void {
  describe('reads', () => {
    test('a read sees every write that resolved before the read began', async () => {
      const store = await open()
      const provider = await addProvider(store)
      await Promise.all(
        range(200).map(async (i) => {
          await store.write((tx) => putUser(tx, provider.pk, `${i}@example.com`))
          const found = await store.read((tx) => selectUserByEmail(tx, provider.pk, `${i}@example.com`))
          assert.ok(found, `the user ${i} was confirmed and is not seen`)
        }),
      )
    })

    test('a read never sees half of a unit, and never an uncommitted one', async () => {
      const store = await open()
      const provider = await addProvider(store)
      const seen: number[] = []
      let confirmed = 0
      const writing = range(60).map((i) =>
        store
          .write(async (tx) => {
            for (const part of ['a', 'b', 'c']) {
              await putUser(tx, provider.pk, `${i}${part}@example.com`)
              await Promise.resolve()
            }
            if (i % 7 === 3) throw new Error('refused')
          })
          .then(
            () => confirmed++,
            () => undefined,
          ),
      )
      const reading = range(60).map(async () => {
        const before = confirmed
        const count = await store.read((tx) => countIn(tx, provider))
        seen.push(count)
        assert.ok(count >= before * 3)
      })
      await Promise.all([...writing, ...reading])
      for (const count of seen) assert.equal(count % 3, 0)
      assert.equal(await store.read((tx) => countIn(tx, provider)), confirmed * 3)
    })

    test('a read keeps its snapshot while others write', async () => {
      const store = await open()
      const provider = await addProvider(store)
      const begun = newGate()
      const written = newGate()
      const reading = store.read(async (tx) => {
        const before = await countIn(tx, provider)
        begun.open()
        await written.passed
        return [before, await countIn(tx, provider)]
      })
      await begun.passed
      await store.write((tx) => putUser(tx, provider.pk, 'a@example.com'))
      written.open()
      assert.deepEqual(await reading, [0, 0])
      assert.equal(await store.read((tx) => countIn(tx, provider)), 1)
    })

    test('a read requested before a write may miss it; a read requested after it does not', async () => {
      const store = await open()
      const provider = await addProvider(store)
      const begun = newGate()
      const hold = newGate()
      const slow = store.read(async (tx) => {
        await countIn(tx, provider)
        begun.open()
        await hold.passed
      })
      await begun.passed
      await store.write((tx) => putUser(tx, provider.pk, 'a@example.com'))
      const after = store.read((tx) => countIn(tx, provider))
      hold.open()
      await slow
      assert.equal(await after, 1)
    })

    test('a failing read rejects, and the next one works', async () => {
      const store = await open()
      const provider = await addProvider(store)
      const failing = store.read(async () => {
        throw new Error('refused')
      })
      await assert.rejects(failing, /refused/)
      assert.equal(await store.read((tx) => countIn(tx, provider)), 0)
    })

    test('a read cannot write', async () => {
      const store = await open()
      const provider = await addProvider(store)
      await assert.rejects(store.read((tx) => putUser(tx, provider.pk, 'a@example.com')))
      assert.equal(await store.read((tx) => countIn(tx, provider)), 0)
    })

    exactnessTests(open)
  })
}

function exactnessTests(open: OpenStore): void {
  test('every storable text is read back exactly as it was written', async () => {
    const store = await open()
    const provider = await addProvider(store)
    const text = fc.string({ unit: anyCharacter, maxLength: 60 }).filter((one) => !one.includes('\0'))
    await fc.assert(
      fc.asyncProperty(text, text, async (first, last) => {
        const id = newId()
        const user = { id, organizationPk: provider.pk, email: `${id}@example.com` }
        await store.write((tx) => insertUser(tx, { ...user, firstName: first, lastName: last }))
        const found = await store.read((tx) => selectUser(tx, id))
        assert.equal(found?.firstName, first)
        assert.equal(found?.lastName, last)
      }),
      { numRuns: rounds(30, 100) },
    )
  })
}
