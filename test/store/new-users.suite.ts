import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { foldEmail } from '../../src/model/email.ts'
import { newId } from '../../src/model/ids.ts'
import type { Organization } from '../../src/model/organizations.ts'
import { type Group, nameKeyOf } from '../../src/model/users.ts'
import { selectAuditEntries } from '../../src/store/audit/entries.ts'
import {
  ConstraintError,
  type InsertOutcome,
  type NewUserRow,
  type Store,
  type UserRecord,
} from '../../src/store/port.ts'
import { markOrganizationDeleted } from '../../src/store/tables/companies.ts'
import { insertGroup, selectGroups, selectMemberships } from '../../src/store/tables/groups.ts'
import { deleteOrganizationByPk, insertRelation } from '../../src/store/tables/organizations.ts'
import { deleteRelation, updateContext } from '../../src/store/tables/relations.ts'
import { markUserDeleted, selectUser, selectUserByEmail } from '../../src/store/tables/users.ts'
import { addOrganization, addProvider, countRows, NOW, newEntry } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'

interface World {
  readonly store: Store
  readonly provider: Organization
  readonly groups: readonly Group[]
  /** A row that is inserted into the provider's organization, unless `change` says otherwise. */
  row(change?: Partial<UserRecord>): NewUserRow
  /** Inserts a user alone. */
  add(change?: Partial<UserRecord>): Promise<'inserted' | 'refused'>
}

async function newWorld(open: OpenStore): Promise<World> {
  const store = await open()
  const provider = await addProvider(store)
  const groups = await store.write(async (tx) => {
    for (const name of ['Administrator', 'Viewer'])
      await insertGroup(tx, { id: newId(), provider: provider.pk, name, now: NOW })
    return selectGroups(tx, provider.pk)
  })
  const row: World['row'] = (change = {}) => {
    const user = {
      id: newId(),
      organizationPk: provider.pk,
      resellerPk: null,
      providerPk: provider.pk,
      firstName: 'Ada',
      lastName: null,
      email: null,
      now: NOW,
      ...change,
    }
    const emailKey = user.email === null ? null : foldEmail(user.email)
    return {
      user,
      organizationId: provider.id,
      resellerId: null,
      emailKey,
      nameKey: nameKeyOf({ ...user, emailKey }),
      groups,
      entry: newEntry({ target: user.id }),
    }
  }
  const add: World['add'] = (change) => addRow(store, row(change))
  return { store, provider, groups, row, add }
}

async function addRow(store: Store, row: NewUserRow): Promise<'inserted' | 'refused'> {
  return say(await store.insertUser(row))
}

/** Inserts rows of many kinds, some of which are refused, `size` of them with one call. Returns what became of them. */
async function insertMixed({ store, provider, groups, row }: World, size: number) {
  const customer = await addOrganization(store, provider, 'customer')
  const reseller = await addOrganization(store, provider, 'reseller')
  await addRow(store, row({ email: 'gone@x.example' }))
  const gone = await store.read((tx) => selectUserByEmail(tx, provider.pk, 'gone@x.example'))
  await store.write((tx) => markUserDeleted(tx, gone?.pk ?? 0, NOW))
  const rows = Array.from({ length: 120 }, (_, i): NewUserRow => {
    const email = [null, 'gone@x.example', `É${i % 40}@X.example`, `${i % 50}@x.example`][i % 4] ?? null
    const made = row({
      ...{ id: `id-${i % 90}`, email, firstName: i % 3 ? `\u{1f600}"\\${i}` : null },
      ...(i % 5 === 0 && { organizationPk: customer.pk }),
      ...(i % 13 === 0 && { resellerPk: reseller.pk }),
    })
    const id = i === 40 ? customer.id : made.user.id
    return {
      ...made,
      user: { ...made.user, id },
      ...(i % 5 === 0 && { organizationId: i % 10 === 0 ? customer.id : 'another' }),
      ...(i % 13 === 0 && { resellerId: reseller.id }),
      ...{ groups: groups.slice(i % 3), idGiven: i % 2 === 0, besideDeleted: i % 29 === 1 },
      entry: i % 31 === 0 ? null : newEntry({ target: id, changedFields: i % 3 ? ['email'] : [] }),
    }
  })
  const outcomes = await store.write(async (tx) => {
    const all: InsertOutcome[] = []
    for (let from = 0; from < rows.length; from += size)
      all.push(...(await tx.insertUsers(rows.slice(from, from + size))))
    return all
  })
  const users = await store.read(async (tx) => {
    const found = []
    for (const [i, { user }] of rows.entries()) {
      const pk = outcomes[i]
      if (typeof pk !== 'number') continue
      const {
        pk: _,
        organizationPk,
        ...content
      } = (await selectUser(tx, user.id)) ?? { pk: 0, organizationPk: 0 }
      const isCustomers = organizationPk === customer.pk
      const [entry] = await selectAuditEntries(tx, { target: user.id, limit: 1 })
      const own = (await selectMemberships(tx, pk)).map(({ name }) => name)
      found.push({ ...content, providerPk: 0, isCustomers, own, fields: entry?.changedFields })
    }
    return found.map((one) => (one.isCustomers ? { ...one, id: '' } : one))
  })
  return { outcomes: outcomes.map(say), users }
}

/** Replaces the primary keys of inserted rows. */
function say(outcome: InsertOutcome | undefined): 'inserted' | 'refused' {
  return typeof outcome === 'number' ? 'inserted' : 'refused'
}

const CONTENT = ['users', 'memberships', 'audit_entries']
const NOTHING = { users: 0, memberships: 0, audit_entries: 0 }

/** Tests that a user is inserted with its memberships and its audit entry, or not at all. */
export function newUsersSuite(open: OpenStore): void {
  describe('inserting users', () => {
    oneUserSuite(open)
    severalUsersSuite(open)
    unitSuite(open)
  })
}

function oneUserSuite(open: OpenStore): void {
  test('a user is inserted with its groups and its audit entry', async () => {
    const { store, provider, groups, add } = await newWorld(open)
    const id = newId()
    const names = { firstName: 'Zoë', lastName: 'O\'Neil \\ "{},' }
    assert.equal(await add({ id, ...names, email: 'Zoë@example.com' }), 'inserted')
    await store.read(async (tx) => {
      const user = await selectUserByEmail(tx, provider.pk, 'zoË@EXAMPLE.com')
      const { pk = 0, ...content } = user ?? {}
      assert.deepEqual(content, {
        id,
        providerPk: provider.pk,
        active: true,
        version: 1,
        organizationPk: provider.pk,
        resellerPk: null,
        ...names,
        email: 'Zoë@example.com',
        createdAt: NOW,
        updatedAt: NOW,
        deletedAt: null,
      })
      assert.deepEqual(await selectMemberships(tx, pk), groups)
      const [entry] = await selectAuditEntries(tx, { limit: 1 })
      const { number, ...said } = entry ?? { number: 0 }
      assert.deepEqual(said, newEntry({ ...said, target: id }))
      assert.ok(number > 0)
    })
  })

  test('of concurrent users with one e-mail, or one id, exactly one is inserted, and nothing of the others', async () => {
    const { store, add } = await newWorld(open)
    const emails = await Promise.all(Array.from({ length: 40 }, () => add({ email: 'Same@example.com' })))
    const ids = await Promise.all(Array.from({ length: 40 }, (_, i) => add({ id: 'same', email: `${i}@x` })))
    assert.deepEqual(
      [emails, ids].map((all) => all.filter((outcome) => outcome === 'inserted').length),
      [1, 1],
    )
    assert.deepEqual(await countRows(store, CONTENT), { users: 2, memberships: 4, audit_entries: 2 })
  })

  test('a user with the e-mail of a deleted one is refused, so that the deleted one can be restored', async () => {
    const { store, provider, add } = await newWorld(open)
    await add({ email: 'gone@example.com' })
    const user = await store.read((tx) => selectUserByEmail(tx, provider.pk, 'gone@example.com'))
    await store.write((tx) => markUserDeleted(tx, user?.pk ?? 0, NOW))
    assert.deepEqual(
      await Promise.all([add({ email: 'GONE@example.com' }), add({ email: 'new@example.com' })]),
      ['refused', 'inserted'],
    )
  })

  test('beside a deleted user with the e-mail, an id of the caller is taken unless something has it', async () => {
    const { store, provider, row, add } = await newWorld(open)
    const email = 'gone@example.com'
    await add({ email })
    const gone = await store.read((tx) => selectUserByEmail(tx, provider.pk, email))
    await store.write((tx) => markUserDeleted(tx, gone?.pk ?? 0, NOW))
    const addBeside = (id: string): Promise<string[]> =>
      store.write(async (tx) =>
        (await tx.insertUsers([{ ...row({ id, email }), idGiven: true, besideDeleted: true }])).map(say),
      )
    assert.deepEqual(await addBeside(provider.id), ['refused'])
    assert.deepEqual(await addBeside(newId()), ['inserted'])
  })

  test('a user is in the context of a reseller only while there is a relation', async () => {
    const { store, provider, row } = await newWorld(open)
    const reseller = await addOrganization(store, provider, 'reseller')
    const relation = { customer: provider.pk, reseller: reseller.pk }
    const made = { ...row({ id: 'ada', resellerPk: reseller.pk }), resellerId: reseller.id }
    const insertInUnit = () =>
      store.write(async (tx) => {
        assert.equal(await selectUser(tx, 'nobody'), undefined)
        return (await tx.insertUsers([made])).map(say)
      })
    // Without a relation, the user would be in the context of a reseller that does not reach them.
    assert.deepEqual([await addRow(store, made), await insertInUnit()], ['refused', ['refused']])
    await store.write((tx) => insertRelation(tx, provider.pk, { pk: reseller.pk, now: NOW }))
    assert.equal(await addRow(store, made), 'inserted')
    const other = row({ id: 'grace', resellerPk: reseller.pk, email: 'grace@example.com' })
    assert.equal(await addRow(store, { ...other, resellerId: reseller.id }), 'inserted')
    // On PostgreSQL a create may run at the same moment, so a foreign key refuses to end its relation.
    if (store.maxIdleMs > 0)
      await assert.rejects(
        store.write((tx) => deleteRelation(tx, relation)),
        ConstraintError,
      )
    await store.write(async (tx) => {
      assert.equal(await updateContext(tx, relation, { to: null, now: NOW, limit: 1 }), 2)
      await deleteRelation(tx, relation)
    })
    assert.equal((await store.read((tx) => selectUser(tx, 'ada')))?.resellerPk, null)
  })

  test('a deleted organization gets no users', async () => {
    const { store, provider, row } = await newWorld(open)
    const customer = await addOrganization(store, provider, 'customer')
    const made = (): NewUserRow => ({ ...row({ organizationPk: customer.pk }), organizationId: customer.id })
    assert.equal(await addRow(store, made()), 'inserted')
    await store.write((tx) => markOrganizationDeleted(tx, customer.pk, NOW))
    assert.equal(await addRow(store, made()), 'refused')
    const inUnit = store.write(async (tx) => {
      assert.equal(await selectUser(tx, 'nobody'), undefined)
      return (await tx.insertUsers([made()])).map(say)
    })
    assert.deepEqual(await inUnit, ['refused'])
  })

  test('a user of a related reseller keeps the reseller', async () => {
    const { store, provider, row } = await newWorld(open)
    const reseller = await addOrganization(store, provider, 'reseller')
    await store.write((tx) => insertRelation(tx, provider.pk, { pk: reseller.pk, now: NOW }))
    const made = { ...row({ id: 'ada', resellerPk: reseller.pk }), resellerId: reseller.id }
    assert.equal(await addRow(store, made), 'inserted')
    assert.equal((await store.read((tx) => selectUser(tx, 'ada')))?.resellerPk, reseller.pk)
  })
}

function severalUsersSuite(open: OpenStore): void {
  test('many at once are all kept, each with its own content', async () => {
    const { store, add } = await newWorld(open)
    const before = await countRows(store, CONTENT)
    const ids = Array.from({ length: 500 }, () => newId())
    const outcomes = await Promise.all(
      ids.map((id, i) => add({ id, email: `${i % 7}.${i}@example.com`, lastName: id })),
    )
    assert.ok(outcomes.every((outcome) => outcome === 'inserted'))
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

  test('a unit inserts several rows, each with an outcome of its own', async () => {
    const { store, add, row } = await newWorld(open)
    await add({ id: 'taken' })
    const changes = [
      { id: 'one', email: 'one@example.com' },
      { id: 'taken' },
      { id: 'two' },
      { id: 'three', email: 'ONE@example.com' },
      { id: 'two', email: 'two@example.com' },
    ]
    const outcomes = (await store.write((tx) => tx.insertUsers(changes.map(row)))).map(say)
    assert.deepEqual(outcomes, ['inserted', 'refused', 'inserted', 'refused', 'refused'])
    assert.deepEqual(await countRows(store, CONTENT), { users: 3, memberships: 6, audit_entries: 3 })
    assert.deepEqual(await store.write((tx) => tx.insertUsers([])), [])
  })

  test('many rows of one call have the outcomes and the content of as many calls', async () => {
    const [alone, together] = [await newWorld(open), await newWorld(open)]
    const [one, other] = [await insertMixed(alone, 1), await insertMixed(together, 1000)]
    assert.deepEqual(other, one)
    assert.ok(one.outcomes.filter((outcome) => outcome === 'refused').length > 20)
    assert.equal((await together.store.verifyAudit()).faultCount, 0)
  })

  test('a row that a foreign key refuses fails alone among its neighbours', async () => {
    const { store, row } = await newWorld(open)
    const missing = { ...row(), groups: [{ pk: 999_999, id: 'missing', name: 'Missing' }] }
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => addRow(store, i === 7 ? missing : row())),
    )
    const failed = results.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    assert.equal(failed.length, 1)
    assert.ok(failed[0] instanceof ConstraintError)
    assert.deepEqual(await countRows(store, CONTENT), { users: 19, memberships: 38, audit_entries: 19 })
  })

  test('a row whose organization or reseller was removed is refused, even if another organization has the key now', async () => {
    const { store, provider, row } = await newWorld(open)
    const removed = await addOrganization(store, provider, 'customer')
    await store.write((tx) => deleteOrganizationByPk(tx, removed.pk))
    // SQLite gives the new organization the same key.
    const { pk } = await addOrganization(store, provider, 'customer')
    assert.equal(pk === removed.pk, store.maxIdleMs === 0)
    const stale = [removed.pk, 999_999].flatMap((key) => [
      { ...row({ organizationPk: key }), organizationId: removed.id },
      { ...row({ resellerPk: key }), resellerId: removed.id },
    ])
    const outcomes = await Promise.all([...stale, row()].map((one) => addRow(store, one)))
    assert.deepEqual(outcomes, [...stale.map(() => 'refused'), 'inserted'])
    const laterInUnit = await store.write(async (tx) => {
      assert.equal(await selectUser(tx, 'nobody'), undefined)
      return (await tx.insertUsers([...stale, row()])).map(say)
    })
    assert.deepEqual(laterInUnit, outcomes)
    assert.deepEqual(await countRows(store, CONTENT), { users: 2, memberships: 4, audit_entries: 2 })
  })
}

function unitSuite(open: OpenStore): void {
  test('users are undone with their unit', async () => {
    const { store, row } = await newWorld(open)
    const failing = store.write(async (tx) => {
      assert.deepEqual((await tx.insertUsers([row()])).map(say), ['inserted'])
      assert.deepEqual((await tx.insertUsers([row(), row()])).map(say), ['inserted', 'inserted'])
      throw new Error('refused')
    })
    await assert.rejects(failing, /refused/)
    assert.deepEqual(await countRows(store, CONTENT), NOTHING)
  })

  test('a unit goes on after a user who was refused', async () => {
    const { store, add, row } = await newWorld(open)
    await add({ id: 'taken' })
    const outcomes = await store.write(async (tx) => [
      (await tx.insertUsers([row({ id: 'taken' })])).map(say),
      (await tx.insertUsers([row({ id: 'free' })])).map(say),
    ])
    assert.deepEqual(outcomes, [['refused'], ['inserted']])
    assert.notEqual(await store.read((tx) => selectUser(tx, 'free')), undefined)
  })
}
