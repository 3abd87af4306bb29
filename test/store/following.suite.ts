import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { selectAccountByPk } from '../../src/store/accounts/accounts.ts'
import {
  markAccountRemoved,
  markAccountRestored,
  markAccountsOfUserRemoved,
  updateAccountEnabled,
} from '../../src/store/accounts/changes.ts'
import { type FollowCursor, followOrganization, followUser } from '../../src/store/accounts/following.ts'
import { settleApplied } from '../../src/store/accounts/leases.ts'
import type { Tx } from '../../src/store/port.ts'
import { markTenantDeleted } from '../../src/store/tables/tenants.ts'
import { markUserDeleted } from '../../src/store/tables/users.ts'
import { NOW } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'
import { type Added, newWorld, put, type World } from './accounts-world.ts'

const LATER = '2026-11-22T09:00:00.000Z'

/** Accounts follow the status of their person and of their customer. */
export function followingSuite(open: OpenStore): void {
  describe('accounts follow', () => {
    test('their person: a suspended person has no working account, and a resumed one has what was', () =>
      personFollows(open))
    test('their customer, in batches, and what was disabled before stays disabled', () =>
      customerFollows(open))
    test('when they are inserted, enabled or restored while the customer is suspended', () =>
      changesFollow(open))
    test('when they are applied for the first time, whatever was missed while they were created', () =>
      newAccountsFollow(open))
  })
}

async function setUserActive(tx: Tx, pk: number, active: number): Promise<void> {
  await tx.query((db) => db.updateTable('users').set({ active }).where('pk', '=', pk))
}

function setSuspended({ store, tenants }: World, suspended_at: string | null): Promise<unknown> {
  const pk = tenants[0]?.organization ?? assert.fail()
  return store.write((tx) =>
    tx.query((db) => db.updateTable('organizations').set({ suspended_at }).where('pk', '=', pk)),
  )
}

/** Returns whether each account works, and its desired version. */
function read({ store }: World, accounts: readonly Added[]): Promise<(readonly [boolean, number])[]> {
  return store.read(async (tx) => {
    const found = []
    for (const { pk } of accounts) {
      const account = (await selectAccountByPk(tx, pk)) ?? assert.fail()
      found.push([account.active, account.desiredVersion] as const)
    }
    return found
  })
}

/** Follows the first customer to the end. Returns the number of changes, and of units. */
async function follow({ store, tenants }: World, limit: number): Promise<[number, number]> {
  const organization = tenants[0]?.organization ?? assert.fail()
  let [changed, units] = [0, 0]
  let from: FollowCursor | undefined
  do {
    const page = { from, limit, now: LATER }
    const some = await store.write((tx) => followOrganization(tx, organization, page))
    changed += some.changed
    units++
    from = some.next ?? undefined
  } while (from)
  return [changed, units]
}

async function personFollows(open: OpenStore): Promise<void> {
  const world = await newWorld(open)
  const [ada, other] = [await put(world, { orgUserId: 'ada' }), await put(world, { orgUserId: 'other' })]
  const set = (active: number): Promise<number> =>
    world.store.write(async (tx) => {
      await setUserActive(tx, ada.user, active)
      return followUser(tx, ada.user, LATER)
    })
  assert.equal(await set(0), 1)
  assert.deepEqual(await read(world, [ada, other]), [
    [false, 2],
    [true, 1],
  ])
  assert.equal(await set(0), 0)
  assert.equal(await set(1), 1)
  assert.deepEqual(await read(world, [ada]), [[true, 3]])
}

async function customerFollows(open: OpenStore): Promise<void> {
  const world = await newWorld(open)
  const accounts = []
  for (const orgUserId of ['a', 'b', 'c', 'd', 'e'])
    accounts.push(await put(world, { orgUserId, active: orgUserId !== 'c' }))
  const elsewhere = await put(world, { tenant: 1, orgUserId: 'a' })
  const before = await read(world, accounts)
  await setSuspended(world, NOW)
  assert.deepEqual(await follow(world, 2), [4, 3])
  assert.deepEqual(
    (await read(world, accounts)).map(([active]) => active),
    [false, false, false, false, false],
  )
  assert.deepEqual(await read(world, [elsewhere]), [[true, 1]])
  assert.deepEqual(await follow(world, 100), [0, 1])
  await setSuspended(world, null)
  assert.deepEqual(await follow(world, 5), [4, 2])
  assert.deepEqual(
    (await read(world, accounts)).map(([active]) => active),
    before.map(([active]) => active),
  )
}

async function changesFollow(open: OpenStore): Promise<void> {
  const world = await newWorld(open)
  const { store } = world
  await setSuspended(world, NOW)
  const added = await put(world, { orgUserId: 'a' })
  assert.deepEqual(await read(world, [added]), [[false, 1]])
  await store.write((tx) => updateAccountEnabled(tx, added.pk, { enabled: true, now: LATER }))
  await store.write((tx) => markAccountRemoved(tx, added.pk, { purge: false, now: LATER }))
  await store.write((tx) => markAccountRestored(tx, added.pk, LATER))
  assert.deepEqual(await read(world, [added]), [[false, 4]])
  await setSuspended(world, null)
  await follow(world, 10)
  assert.deepEqual(await read(world, [added]), [[true, 5]])
  // The data of a deleted person stays, but no key works again when the person is restored.
  await store.write((tx) => markUserDeleted(tx, added.user, LATER))
  await store.write((tx) => markAccountsOfUserRemoved(tx, added.user, LATER))
  await store.write((tx) => markAccountRestored(tx, added.pk, LATER))
  await store.write(async (tx) => {
    await tx.query((db) => db.updateTable('users').set({ deleted_at: null }).where('pk', '=', added.user))
    assert.equal(await followUser(tx, added.user, LATER), 0)
  })
}

async function newAccountsFollow(open: OpenStore): Promise<void> {
  const world = await newWorld(open)
  const [late, lost] = [
    await put(world, { orgUserId: 'late' }),
    await put(world, { tenant: 1, orgUserId: 'lost' }),
  ]
  await setSuspended(world, NOW)
  await world.store.write((tx) => markTenantDeleted(tx, world.tenants[1]?.pk ?? 0, NOW))
  for (const { pk } of [late, lost])
    await world.store.write((tx) => settleApplied(tx, { pk, isFirst: true, now: LATER }))
  assert.deepEqual(await read(world, [late]), [[false, 2]])
  const rows = await world.store.read((tx) =>
    tx.query((db) => db.selectFrom('accounts').select('wanted').where('pk', '=', lost.pk)),
  )
  assert.deepEqual(
    rows.map((row) => row.wanted),
    [0],
  )
  await world.store.write((tx) => settleApplied(tx, { pk: late.pk, isFirst: true, now: LATER }))
  assert.deepEqual(await read(world, [late]), [[false, 2]])
}
