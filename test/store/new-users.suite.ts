import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/model/ids.ts'
import type { Organization } from '../../src/model/organizations.ts'
import type { Group } from '../../src/model/users.ts'
import { selectAuditEntries } from '../../src/store/audit/entries.ts'
import { ConstraintError, type Store, type Tx, type UserRecord } from '../../src/store/port.ts'
import { insertGroup, selectGroups, selectMemberships } from '../../src/store/tables/groups.ts'
import { addUser, markUserDeleted, selectUser, selectUserByEmail } from '../../src/store/tables/users.ts'
import { addProvider, countRows, NOW, newEntry } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'

interface World {
  readonly store: Store
  readonly provider: Organization
  readonly groups: readonly Group[]
  /** Adds a user in a unit of its own. */
  add(change?: Partial<UserRecord>): Promise<boolean>
  addIn(tx: Tx, change?: Partial<UserRecord>): Promise<boolean>
}

async function newWorld(open: OpenStore): Promise<World> {
  const store = await open()
  const provider = await addProvider(store)
  const groups = await store.write(async (tx) => {
    for (const name of ['Administrator', 'Viewer'])
      await insertGroup(tx, { id: newId(), provider: provider.pk, name })
    return selectGroups(tx, provider.pk)
  })
  const addIn: World['addIn'] = (tx, change = {}) => {
    const user = {
      id: newId(),
      organizationPk: provider.pk,
      resellerPk: null,
      firstName: 'Ada',
      lastName: null,
    }
    const record = { ...user, email: null, now: NOW, ...change }
    return addUser(tx, record, groups, newEntry({ target: record.id }))
  }
  return { store, provider, groups, addIn, add: (change) => store.write((tx) => addIn(tx, change)) }
}

const CONTENT = ['users', 'memberships', 'audit_entries']

/** Whole users: each with its memberships and its audit entry, or not at all. */
export function newUsersSuite(open: OpenStore): void {
  describe('whole users', () => {
    test('a user is added with its groups and its audit entry', async () => {
      const { store, provider, groups, add } = await newWorld(open)
      const id = newId()
      assert.equal(
        await add({ id, firstName: 'Zoë', lastName: 'O\'Neil \\ "{},', email: 'Zoë@example.com' }),
        true,
      )
      await store.read(async (tx) => {
        const user = await selectUserByEmail(tx, provider.pk, 'zoË@EXAMPLE.com')
        assert.deepEqual(
          [
            user?.id,
            user?.firstName,
            user?.lastName,
            user?.email,
            user?.createdAt,
            user?.updatedAt,
            user?.deletedAt,
          ],
          [id, 'Zoë', 'O\'Neil \\ "{},', 'Zoë@example.com', NOW, NOW, null],
        )
        assert.deepEqual(await selectMemberships(tx, user?.pk ?? 0), groups)
        const [entry] = await selectAuditEntries(tx, { limit: 1 })
        const { number, ...said } = entry ?? { number: 0 }
        assert.deepEqual(said, newEntry({ ...said, target: id }))
        assert.ok(number > 0)
      })
    })

    test('many at once are all kept, each with what is its own', async () => {
      const { store, add } = await newWorld(open)
      const before = await countRows(store, CONTENT)
      const ids = Array.from({ length: 500 }, () => newId())
      const added = await Promise.all(
        ids.map((id, i) => add({ id, email: `${i % 7}.${i}@example.com`, lastName: id })),
      )
      assert.ok(added.every(Boolean))
      assert.deepEqual(await countRows(store, CONTENT), {
        users: 500,
        memberships: 1000,
        audit_entries: (before.audit_entries ?? 0) + 500,
      })
      const found = await store.read((tx) => Promise.all(ids.map((id) => selectUser(tx, id))))
      found.forEach((user, i) => {
        assert.deepEqual([user?.lastName, user?.email], [ids[i], `${i % 7}.${i}@example.com`])
      })
    })

    test('of those with one e-mail, or one id, at the same moment exactly one is added, and nothing of the others', async () => {
      const { store, add } = await newWorld(open)
      const emails = await Promise.all(Array.from({ length: 40 }, () => add({ email: 'Same@example.com' })))
      const ids = await Promise.all(
        Array.from({ length: 40 }, (_, i) => add({ id: 'same', email: `${i}@x` })),
      )
      assert.deepEqual(
        [emails, ids].map((all) => all.filter(Boolean).length),
        [1, 1],
      )
      assert.deepEqual(await countRows(store, CONTENT), { users: 2, memberships: 4, audit_entries: 2 })
    })

    test('a deleted user who could come back under the e-mail is left to those who know how', async () => {
      const { store, provider, add } = await newWorld(open)
      await add({ email: 'gone@example.com' })
      const user = await store.read((tx) => selectUserByEmail(tx, provider.pk, 'gone@example.com'))
      await store.write((tx) => markUserDeleted(tx, user?.pk ?? 0, NOW))
      assert.deepEqual(
        await Promise.all([add({ email: 'GONE@example.com' }), add({ email: 'new@example.com' })]),
        [false, true],
      )
    })

    test('one in an organization that does not exist is refused alone among its neighbours', async () => {
      const { store, add } = await newWorld(open)
      const results = await Promise.allSettled(
        Array.from({ length: 20 }, (_, i) => add(i === 7 ? { organizationPk: 999_999 } : {})),
      )
      const refused = results.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
      assert.equal(refused.length, 1)
      assert.ok(refused[0] instanceof ConstraintError)
      assert.deepEqual(await countRows(store, CONTENT), { users: 19, memberships: 38, audit_entries: 19 })
    })

    test('in a unit that has begun it is undone with the unit', async () => {
      const { store, addIn } = await newWorld(open)
      const failing = store.write(async (tx) => {
        assert.equal(await selectUser(tx, 'nobody'), undefined)
        assert.equal(await addIn(tx), true)
        throw new Error('refused')
      })
      await assert.rejects(failing, /refused/)
      assert.deepEqual(await countRows(store, CONTENT), { users: 0, memberships: 0, audit_entries: 0 })
    })

    test('a unit whose first user was not added goes on, and may add another', async () => {
      const { store, add, addIn } = await newWorld(open)
      await add({ id: 'taken' })
      const added = await store.write(async (tx) => [
        await addIn(tx, { id: 'taken' }),
        await addIn(tx, { id: 'free' }),
      ])
      assert.deepEqual(added, [false, true])
    })
  })
}
