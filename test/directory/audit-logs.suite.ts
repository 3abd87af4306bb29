import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createAccount, deleteAccount } from '../../src/directory/accounts.ts'
import { type AuditLogRequest, listAuditLogs } from '../../src/directory/audit-logs.ts'
import { walkAuditLogs } from '../../src/directory/audit-walks.ts'
import { deleteCustomer } from '../../src/directory/deletion.ts'
import { eraseUser } from '../../src/directory/erasure.ts'
import { createPersonAccount } from '../../src/directory/person-accounts.ts'
import { relateOrganization, unrelateOrganization } from '../../src/directory/relations.ts'
import { deleteUser, updateUser } from '../../src/directory/user-changes.ts'
import { createUser } from '../../src/directory/users.ts'
import type { LogStatus } from '../../src/model/audit.ts'
import { newId } from '../../src/model/ids.ts'
import { claimAccount, markAccountApplied, markAccountFailed } from '../../src/store/accounts/leases.ts'
import { followAuditLog, isAuditLogFollowed } from '../../src/store/audit/index-rows.ts'
import { selectAuditLogs } from '../../src/store/audit/logs.ts'
import {
  addAccount,
  addClient,
  addOrganization,
  newAccountRequest,
  newTestDirectory,
  newUser,
  refusedAs,
  type TestDirectory,
} from '../support/directories.ts'
import type { OpenStore } from '../support/stores.ts'
import { watchReads } from '../support/watched-store.ts'

const page = { offset: 0, limit: 2_000 }

/** Adds entries to the index, at most `limit` of them. */
async function index({ dir }: TestDirectory, limit = 1_000): Promise<void> {
  await dir.store.sealAudit()
  await dir.store.write((tx) => followAuditLog(tx, limit))
}

async function list(on: TestDirectory, request: Partial<AuditLogRequest> = {}) {
  return listAuditLogs(on.dir, on.operator, { page, ...request })
}

/** Returns the statuses of the entries about a user, newest first, and checks that filters by status agree. */
async function statusesOf(on: TestDirectory, target: string): Promise<LogStatus[]> {
  const { items } = await list(on)
  for (const status of ['Processing', 'Succeeded', 'Failed'] as const) {
    const found = await list(on, { status })
    assert.deepEqual(
      found.items,
      items.filter((one) => one.status === status),
    )
    assert.equal(found.total, found.items.length)
  }
  return items.filter((entry) => entry.target === target).map(({ status }) => status)
}

/** The audit log as the portal lists it. */
export function auditLogsSuite(open: OpenStore): void {
  describe('the audit log of the portal', () => {
    indexTests(open)
    statusTests(open)
    erasureTests(open)
    test('entries about an organization out of reach cost the look-ups of an absent one', async () => {
      const on = await newTestDirectory(open)
      const foreign = await addOrganization(on, 'customer')
      const reseller = await addClient(on, on.resellerId)
      const { store, take } = watchReads(on.dir.store)
      const lookUps = async (organizationId: string): Promise<readonly string[]> => {
        take()
        const walk = walkAuditLogs({ ...on.dir, store }, reseller, { organizationId, limit: 10 })
        await assert.rejects(walk, refusedAs('organization_not_found'))
        return take()
      }
      assert.deepEqual(await lookUps(foreign.id), await lookUps(newId()))
    })
  })
}

function indexTests(open: OpenStore): void {
  test('the index, the tail of the log, and both together have the same entries', async () => {
    const on = await newTestDirectory(open)
    const { id: resellerId } = await addOrganization(on, 'reseller')
    const { id: customerId } = await addOrganization(on, 'customer', [resellerId])
    await createUser(on.dir, on.operator, { organizationId: customerId, resellerId, user: newUser() })
    await createUser(on.dir, on.operator, {
      organizationId: on.customerId,
      user: newUser({ email: 'b@example.com' }),
    })
    await assert.rejects(createUser(on.dir, on.osis, { organizationId: on.customerId, user: newUser() }))
    await addAccount(on)
    const requests: Partial<AuditLogRequest>[] = [
      ...[{}, { page: { offset: 2, limit: 3 } }, { operations: ['createUser', 'CreateAccount'] }],
      ...[{ operations: [] }, { status: 'Failed' }, { customerName: 'a CUST' }, { resellerName: 'reseller' }],
      ...([{ resellerId }, { resellerId, status: 'Succeeded' }, { status: 'Processing' }] as const),
      ...[{ customerName: 'a', resellerName: 'a', operations: ['CreateUser'] }],
      ...[{ to: on.clock.now.toISOString() }, { from: on.clock.now.toISOString() }, { to: '2026-11-01' }],
    ] as Partial<AuditLogRequest>[]
    const listAll = () => Promise.all(requests.map((request) => list(on, request)))
    const tail = await listAll()
    assert.ok(tail.filter(({ total }) => total > 0).length > 10)
    await index(on, 3)
    assert.equal(await on.dir.store.read(isAuditLogFollowed), false)
    assert.deepEqual(await listAll(), tail)
    await index(on)
    assert.equal(await on.dir.store.read(isAuditLogFollowed), true)
    assert.deepEqual(await listAll(), tail)
  })

  test('a reseller keeps the entries of a customer that it has lost, without the name', async () => {
    const on = await newTestDirectory(open)
    const { id: resellerId } = await addOrganization(on, 'reseller')
    const { id: customerId } = await addOrganization(on, 'customer', [resellerId])
    await createUser(on.dir, on.operator, { organizationId: customerId, resellerId, user: newUser() })
    await unrelateOrganization(on.dir, on.operator, { customerId, resellerId })
    const ofUser = { operations: ['CreateUser'], resellerId }
    const { items } = await list(on, ofUser)
    assert.deepEqual(
      items.map((entry) => [entry.customer, entry.customerName]),
      [[customerId, null]],
    )
    assert.equal((await list(on, { ...ofUser, customerName: 'a customer' })).total, 0)
    assert.equal((await list(on, { operations: ['CreateUser'], customerName: 'a customer' })).total, 1)
  })

  test('what Cloud Director does with a user is in the context of their reseller', async () => {
    const on = await newTestDirectory(open)
    const { id: other } = await addOrganization(on, 'reseller')
    await relateOrganization(on.dir, on.operator, { customerId: on.customerId, resellerId: other })
    const { id } = await createUser(on.dir, on.operator, {
      ...{ organizationId: on.customerId, resellerId: other, user: newUser() },
    })
    const { tenantId, account } = newAccountRequest(on, 'ada')
    await createAccount(on.dir, on.osis, { tenantId, account: { ...account, email: 'ada@example.com' } })
    const listOf = async (resellerId?: string) =>
      (await list(on, { resellerId })).items
        .filter(({ target }) => target === id)
        .map(({ operation }) => operation)
    for (let i = 0; i < 2; i++) {
      assert.deepEqual(await listOf(), ['LinkAccount', 'CreateUser'])
      assert.deepEqual(await listOf(other), ['LinkAccount', 'CreateUser'])
      assert.deepEqual(await listOf(on.resellerId), [])
      await index(on)
    }
  })

  test('several processes that add to the index at once add each entry once', async () => {
    const on = await newTestDirectory(open)
    for (let i = 0; i < 10; i++) await addOrganization(on, 'customer')
    await on.dir.store.sealAudit()
    const follow = () =>
      on.dir.store
        .write((tx) => followAuditLog(tx, 4))
        .catch((error: Error) => assert.equal(error.name, 'ConstraintError'))
    while (!(await on.dir.store.read(isAuditLogFollowed))) await Promise.all([follow(), follow(), follow()])
    const indexed = await on.dir.store.read((tx) =>
      tx.query((db) => db.selectFrom('audit_index').selectAll()),
    )
    const all = await on.dir.store.read((tx) => tx.query((db) => db.selectFrom('audit_entries').select('pk')))
    assert.equal(indexed.length, all.length)
  })

  test('an entry about an organization that was removed belongs to the provider', async () => {
    const on = await newTestDirectory(open)
    const { id } = await addOrganization(on, 'customer')
    await on.dir.store.write((tx) => tx.query((db) => db.deleteFrom('organizations').where('id', '=', id)))
    for (let i = 0; i < 2; i++) {
      const [entry] = (await list(on)).items
      assert.deepEqual([entry?.organization, entry?.customerName], [id, null])
      await index(on)
    }
  })

  test('more entries than are counted: the total of a search is a lower bound, and every page can be read', async () => {
    const on = await newTestDirectory(open)
    await index(on)
    const [row] = await on.dir.store.read((tx) =>
      tx.query((db) => db.selectFrom('audit_index').selectAll().limit(1)),
    )
    assert.ok(row)
    const rows = Array.from({ length: 10_050 }, (_, i) => ({ ...row, entry_pk: 1_000_000 + i }))
    for (let i = 0; i < rows.length; i += 1_000)
      await on.dir.store.write((tx) =>
        tx.query((db) => db.insertInto('audit_index').values(rows.slice(i, i + 1_000))),
      )
    const filter = { providerPk: row.provider_pk, from: row.at, to: row.at, status: 'Succeeded' } as const
    const read = (offset: number) =>
      on.dir.store.read((tx) => selectAuditLogs(tx, filter, { offset, limit: 10 }))
    assert.deepEqual(await read(0), { items: [], total: 10_000, more: true })
    assert.deepEqual(await read(10_020), { items: [], total: 10_031, more: true })
  })
}

function statusTests(open: OpenStore): void {
  test('an entry about an account is Processing until it is applied, and Failed while it is parked', async () => {
    const on = await newTestDirectory(open)
    const { pk, userId } = await addAccount(on)
    const by = 'test'
    const at = on.clock.now.toISOString()
    const { store } = on.dir
    const claim = () => store.write((tx) => claimAccount(tx, pk, { now: at, until: at, by }))
    const fail = (parkedAt: string | null) =>
      store.write((tx) =>
        markAccountFailed(
          tx,
          { pk, by },
          { cause: 'other', error: 'refused', dueAt: at, ownFailures: 9, parkedAt },
        ),
      )
    for (const prepare of [async () => undefined, () => index(on)]) {
      await prepare()
      assert.deepEqual(await statusesOf(on, userId), ['Processing'])
      await claim()
      await fail(at)
      assert.deepEqual(await statusesOf(on, userId), ['Failed'])
      await claim()
      await fail(null)
    }
    await claim()
    await store.write((tx) => markAccountApplied(tx, { pk, by }, 1))
    assert.deepEqual(await statusesOf(on, userId), ['Succeeded'])
    on.clock.now = new Date(on.clock.now.getTime() + 1_000)
    await deleteAccount(on.dir, on.osis, { tenantId: on.tenantId, userId, purge: false })
    assert.deepEqual(await statusesOf(on, userId), ['Processing', 'Succeeded'])
    await index(on)
    assert.deepEqual(await statusesOf(on, userId), ['Processing', 'Succeeded'])
    await claim()
    await store.write((tx) => markAccountApplied(tx, { pk, by }, 2))
    assert.deepEqual(await statusesOf(on, userId), ['Succeeded', 'Succeeded'])
  })

  test('an entry from before the account of a user keeps its own status', async () => {
    const on = await newTestDirectory(open)
    const { customerId: organizationId } = on
    const { id } = await createUser(on.dir, on.operator, { organizationId, user: newUser() })
    on.clock.now = new Date(on.clock.now.getTime() + 1_000)
    await createPersonAccount(on.dir, on.operator, { userId: id })
    for (const prepare of [async () => undefined, () => index(on)]) {
      await prepare()
      assert.deepEqual(await statusesOf(on, id), ['Processing', 'Succeeded'])
    }
  })
}

function erasureTests(open: OpenStore): void {
  test('an erasure lists the accounts with their states, and clears their names', async () => {
    const on = await newTestDirectory(open)
    const { userId } = await addAccount(on, 'erica')
    await deleteUser(on.dir, on.operator, { user: userId })
    const { accounts } = await eraseUser(on.dir, on.operator, { user: userId })
    assert.partialDeepStrictEqual(accounts, [{ platform: 'embedded', state: 'removing', reason: null }])
    const [account] = await on.dir.store.read((tx) => tx.query((db) => db.selectFrom('accounts').selectAll()))
    assert.deepEqual([account?.username, account?.email], [userId, null])
  })

  test('an erasure leaves nothing of former names in the totals of the lists', async () => {
    const on = await newTestDirectory(open)
    const { customerId: organizationId } = on
    const { store } = on.dir
    const user = newUser({ firstName: 'Zora', lastName: null, email: 'zora@example.com' })
    const { id } = await createUser(on.dir, on.operator, { organizationId, user })
    await store.write((tx) => tx.userIndex.enlistUsers(tx, 10))
    for (const firstName of ['Zoe', 'Zadie'])
      await updateUser(on.dir, on.operator, { user: id, changes: { firstName } })
    await eraseUser(on.dir, on.operator, { user: id, force: true })
    const ranks = await store.read((tx) => tx.query((db) => db.selectFrom('user_ranks').selectAll()))
    assert.deepEqual(
      ranks.filter(({ prefix }) => prefix.startsWith('z')),
      [],
    )
  })

  test('a user of a deleted customer can be erased', async () => {
    const on = await newTestDirectory(open)
    const customer = await addOrganization(on, 'customer')
    const { id } = await createUser(on.dir, on.operator, { organizationId: customer.id, user: newUser() })
    await deleteCustomer(on.dir, on.operator, { customerId: customer.id, purgeData: false })
    await eraseUser(on.dir, on.operator, { user: id, force: true })
    const [user] = await on.dir.store.read((tx) =>
      tx.query((db) => db.selectFrom('users').selectAll().where('id', '=', id)),
    )
    assert.deepEqual(
      [user?.email, user?.first_name, user?.deleted_at],
      [null, null, on.clock.now.toISOString()],
    )
  })

  test('with force, a live user is deleted first; without, they stay', async () => {
    const on = await newTestDirectory(open)
    const { id } = await createUser(on.dir, on.operator, { organizationId: on.customerId, user: newUser() })
    await updateUser(on.dir, on.operator, { user: id, changes: { firstName: 'Grace' } })
    await assert.rejects(eraseUser(on.dir, on.operator, { user: id }), refusedAs('user_not_deleted'))
    await eraseUser(on.dir, on.operator, { user: id, force: true })
    const text = JSON.stringify(
      await on.dir.store.read(async (tx) => [
        await tx.query((db) => db.selectFrom('users').selectAll().where('id', '=', id)),
        await tx.query((db) => db.selectFrom('audit_entries').selectAll()),
      ]),
    )
    assert.doesNotMatch(text, /Ada|Grace|Lovelace|ada@example/)
  })
}
