import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { EVERYTHING } from '../../src/model/conditions.ts'
import { newId } from '../../src/model/ids.ts'
import {
  deleteRemovedAccount,
  hasAccounts,
  markAccountRemoved,
  markAccountRestored,
  markAccountsOfUserRemoved,
} from '../../src/store/accounts/changes.ts'
import { selectCredentialPage } from '../../src/store/accounts/credentials.ts'
import { claimAccount, markAccountApplied } from '../../src/store/accounts/leases.ts'
import { selectAccountPage } from '../../src/store/accounts/queries.ts'
import { ConstraintError } from '../../src/store/port.ts'
import { insertTenant, replaceOrgs } from '../../src/store/tables/tenants.ts'
import { markUserDeleted, selectUser } from '../../src/store/tables/users.ts'
import { addOrganization, addProvider, NOW } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'
import { newWorld, put, type World } from './accounts-world.ts'

const LATER = '2026-11-22T09:00:00.000Z'
const PAGE = { offset: 0, limit: 100 }

/** Removals of accounts, and the orgs of tenants. */
export function accountRemovalsSuite(open: OpenStore): void {
  describe('removed accounts', () => removalTests(open))
  describe('orgs of a tenant', () => orgTests(open))
}

function removalTests(open: OpenStore): void {
  const remove = ({ store }: World, pk: number, purge = false): Promise<void> =>
    store.write((tx) => markAccountRemoved(tx, pk, { purge, now: LATER }))
  const total = async ({ store, provider }: World): Promise<[number, number]> => [
    (await store.read((tx) => selectAccountPage(tx, { provider, where: EVERYTHING }, PAGE))).total,
    (await store.read((tx) => selectCredentialPage(tx, { provider, where: EVERYTHING }, PAGE))).total,
  ]

  test('a removed account and its credentials are not listed; after a restore both are', async () => {
    const world = await newWorld(open)
    const { pk } = await put(world, { orgUserId: 'ada' })
    assert.deepEqual(await total(world), [1, 1])
    await remove(world, pk)
    assert.deepEqual(await total(world), [0, 0])
    assert.equal(await world.store.write((tx) => markAccountRestored(tx, pk, LATER)), true)
    assert.deepEqual(await total(world), [1, 1])
    assert.equal(await world.store.write((tx) => markAccountRestored(tx, pk, LATER)), false)
  })

  test('an account that is being purged is not restored', async () => {
    const world = await newWorld(open)
    const { pk } = await put(world, { orgUserId: 'ada' })
    await remove(world, pk, true)
    assert.equal(await world.store.write((tx) => markAccountRestored(tx, pk, LATER)), false)
    assert.deepEqual(await total(world), [0, 0])
  })

  test('an account is not restored if its Cloud Director user has a newer one', async () => {
    const world = await newWorld(open)
    const { pk } = await put(world, { orgUserId: 'ada' })
    await remove(world, pk)
    await put(world, { orgUserId: 'ada' })
    await assert.rejects(
      world.store.write((tx) => markAccountRestored(tx, pk, LATER)),
      ConstraintError,
    )
    assert.deepEqual(await total(world), [1, 1])
  })

  test('the account of a deleted user is restored suspended and without keys', async () => {
    const world = await newWorld(open)
    const { pk, user } = await put(world, { orgUserId: 'ada' })
    await world.store.write((tx) => markUserDeleted(tx, user, NOW))
    await world.store.write((tx) => markAccountsOfUserRemoved(tx, user, LATER))
    await world.store.write((tx) => markAccountRestored(tx, pk, LATER))
    const { items } = await world.store.read((tx) =>
      selectAccountPage(tx, { provider: world.provider, where: EVERYTHING }, PAGE),
    )
    assert.deepEqual(
      items.map((account) => account.active),
      [false],
    )
    assert.deepEqual(await total(world), [1, 0])
  })

  test('a tenant has accounts until the last removal is applied', async () => {
    const world = await newWorld(open)
    const tenant = world.tenants[0]?.pk ?? 0
    const has = (): Promise<boolean> => world.store.read((tx) => hasAccounts(tx, tenant))
    assert.equal(await has(), false)
    const { pk } = await put(world, { orgUserId: 'ada' })
    assert.equal(await has(), true)
    await remove(world, pk)
    assert.equal(await has(), true)
    await world.store.write(async (tx) => {
      await claimAccount(tx, pk, { now: LATER, until: LATER, by: 'me' })
      await markAccountApplied(tx, { pk, by: 'me' }, 2)
    })
    assert.equal(await has(), false)
  })

  test('a removed account loses its secrets and the user created for it, unless the user was changed since', async () => {
    const world = await newWorld(open)
    const [one, other] = [await put(world, { orgUserId: 'a' }), await put(world, { orgUserId: 'b' })]
    await world.store.write((tx) =>
      tx.query((db) => db.updateTable('users').set({ updated_at: LATER }).where('pk', '=', other.user)),
    )
    for (const { pk } of [one, other]) {
      await remove(world, pk)
      await world.store.write((tx) => deleteRemovedAccount(tx, pk, LATER))
    }
    const deletedAt = async (id: string) => (await world.store.read((tx) => selectUser(tx, id)))?.deletedAt
    assert.deepEqual([await deletedAt(one.userId), await deletedAt(other.userId)], [LATER, null])
    const secrets = await world.store.read((tx) => tx.query((db) => db.selectFrom('credentials').selectAll()))
    assert.deepEqual(secrets, [])
  })
}

function orgTests(open: OpenStore): void {
  test('a list of orgs is replaced in order, and the old list is returned', async () => {
    const store = await open()
    const provider = await addProvider(store)
    const add = async (name: string, orgIds: string[]) => {
      const organization = await addOrganization(store, provider, 'customer')
      const row = { id: newId(), organization, platform: 'p', name, orgIds, now: NOW }
      return store.write((tx) => insertTenant(tx, row))
    }
    const [one, other] = [await add('one', ['a', 'b']), await add('other', ['c'])]
    const replace = (orgIds: string[]): Promise<string[]> => store.write((tx) => replaceOrgs(tx, one, orgIds))
    assert.deepEqual(await replace(['b', 'd', 'a']), ['a', 'b'])
    await assert.rejects(replace(['c']), ConstraintError)
    assert.deepEqual(await replace([]), ['b', 'd', 'a'])
    assert.deepEqual(await store.write((tx) => replaceOrgs(tx, other, ['a'])), ['c'])
    assert.deepEqual(await replace(['c']), [])
  })
}
