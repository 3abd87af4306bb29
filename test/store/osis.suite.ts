import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { newId } from '../../src/model/ids.ts'
import { insertAccount } from '../../src/store/accounts/accounts.ts'
import {
  deleteRemovedAccount,
  deleteRemovedCredentials,
  hasAccounts,
  markAccountRemoved,
  markAccountRestored,
  markAccountsOfTenantRemoved,
  updateAccountActive,
} from '../../src/store/accounts/changes.ts'
import {
  insertCredential,
  markCredentialDeleted,
  selectCredentialPage,
  updateCredentialActive,
} from '../../src/store/accounts/credentials.ts'
import { claimAccount, markAccountApplied } from '../../src/store/accounts/leases.ts'
import { type AccountCriteria, selectAccountPage } from '../../src/store/accounts/queries.ts'
import type { TotalsKey } from '../../src/store/accounts/totals.ts'
import { planPage } from '../../src/store/paging.ts'
import { ConstraintError, type Store } from '../../src/store/port.ts'
import { insertTenant, replaceOrgs } from '../../src/store/tables/tenants.ts'
import { markUserDeleted, selectUser } from '../../src/store/tables/users.ts'
import { rounds } from '../../testing/full-length.ts'
import { addOrganization, addProvider, NOW, putUser } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'

const LATER = '2026-11-22T09:00:00.000Z'

interface World {
  readonly store: Store
  readonly provider: number
  readonly tenants: readonly { readonly pk: number; readonly organization: number }[]
}

async function newWorld(open: OpenStore): Promise<World> {
  const store = await open()
  const provider = await addProvider(store)
  const tenants = []
  for (const name of ['one', 'other']) {
    const customer = await addOrganization(store, provider, 'customer')
    const row = { id: newId(), organization: customer, platform: 'p', name, orgIds: [name], now: NOW }
    const tenant = await store.write((tx) => insertTenant(tx, row))
    tenants.push({ pk: tenant.pk, organization: customer.pk })
  }
  return { store, provider: provider.pk, tenants }
}

interface Added {
  readonly pk: number
  readonly user: number
  readonly userId: string
}

/** Adds an account of a new user, with one credential. */
async function put(
  { store, tenants }: World,
  at: { tenant?: number; orgId?: string; orgUserId: string; username?: string; active?: boolean },
): Promise<Added> {
  const tenant = tenants[at.tenant ?? 0] ?? assert.fail()
  return store.write(async (tx) => {
    const userId = newId()
    const user = (await putUser(tx, tenant.organization, null, userId)) ?? assert.fail()
    const pk = await insertAccount(tx, {
      tenant: tenant.pk,
      user,
      madeUser: true,
      platform: 'p',
      canonicalUserId: newId(),
      orgId: at.orgId ?? 'org',
      orgUserId: at.orgUserId,
      username: at.username ?? at.orgUserId,
      email: null,
      role: 'TENANT_USER',
      active: at.active ?? true,
      now: NOW,
    })
    await insertCredential(tx, { account: pk, accessKey: `AK${pk}`, sealedSecret: 's', now: NOW })
    return { pk, user, userId }
  })
}

const PAGE = { offset: 0, limit: 100 }

/** The store functions of OSIS except creates: lists, removals, orgs of tenants. */
export function osisStoreSuite(open: OpenStore): void {
  describe('lists of accounts and credentials', () => listTests(open))
  describe('removed accounts', () => removalTests(open))
  describe('orgs of a tenant', () => orgTests(open))
}

function listTests(open: OpenStore): void {
  test('a page is the same from either end of the list', () => {
    const anySize = fc.integer({ min: 0, max: 30 })
    const property = fc.property(anySize, anySize, anySize, (total, offset, limit) => {
      const items = Array.from({ length: total }, (_, i) => i)
      const walk = planPage({ offset, limit }, total)
      const walked = walk?.direction === 'desc' ? [...items].reverse() : items
      const found = walk ? walked.slice(walk.offset, walk.offset + walk.limit) : []
      if (walk?.direction === 'desc') found.reverse()
      assert.deepEqual(found, items.slice(offset, offset + limit))
      assert.ok(!walk || walk.offset <= total / 2)
    })
    fc.assert(property)
  })

  test('criteria find exactly the accounts and credentials that match all of them, in order', async () => {
    const world = await newWorld(open)
    const { store, provider, tenants } = world
    const rows: {
      pk: number
      tenant: number
      user: number
      orgId: string
      orgUserId: string
      username: string
      active: boolean
    }[] = []
    for (let i = 0; i < 24; i++) {
      const at = {
        orgId: `org${i % 3}`,
        orgUserId: `u${i % 8}-${i >> 4}`,
        username: `n${i % 4}`,
        active: i % 5 > 0,
      }
      const { pk, user } = await put(world, { ...at, tenant: i % 2 })
      rows.push({ pk, user, tenant: tenants[i % 2]?.pk ?? 0, ...at })
    }
    const some = <T>(of: (row: (typeof rows)[number]) => T): fc.Arbitrary<T> =>
      fc.constantFrom(...rows.map(of))
    const anyCriteria = fc.record(
      {
        tenant: some((row) => row.tenant),
        user: some((row) => row.user),
        orgId: some((row) => row.orgId),
        orgUserId: some((row) => row.orgUserId),
        username: some((row) => row.username),
        active: fc.boolean(),
      },
      { requiredKeys: [] },
    )
    const anyPage = fc.record({
      offset: fc.integer({ min: 0, max: 26 }),
      limit: fc.integer({ min: 0, max: 26 }),
    })
    const property = fc.asyncProperty(anyCriteria, anyPage, async (criteria, page) => {
      const meets = (row: (typeof rows)[number]): boolean =>
        Object.entries(criteria).every(([name, value]) => row[name as keyof typeof row] === value)
      const expected = rows.filter(meets).map((row) => row.pk)
      const found = await store.read((tx) =>
        selectAccountPage(tx, { provider, ...criteria } as AccountCriteria, page),
      )
      assert.deepEqual(
        { pks: found.items.map((account) => account.pk), total: found.total },
        { pks: expected.slice(page.offset, page.offset + page.limit), total: expected.length },
      )
      const { user: _, username: __, active: ___, ...shared } = criteria
      const owners = rows
        .filter((row) =>
          Object.entries(shared).every(([name, value]) => row[name as keyof typeof row] === value),
        )
        .map((row) => row.pk)
      const keys = await store.read((tx) => selectCredentialPage(tx, { provider, ...shared }, page))
      assert.deepEqual(
        keys.items.map((key) => key.account.pk),
        owners.slice(page.offset, page.offset + page.limit),
      )
      assert.equal(keys.total, owners.length)
    })
    await fc.assert(property, { numRuns: rounds(50, 150) })
  })

  test('totals equal the number of rows after every change', async () => {
    const world = await newWorld(open)
    const { store, provider, tenants } = world
    const added: Added[] = []
    const any = fc.integer({ min: 0, max: 999 })
    const what = fc.constantFrom(
      'add',
      'add',
      'add',
      'active',
      'key',
      'delete',
      'remove',
      'restore',
      'forget',
    )
    const step = async (kind: string, n: number): Promise<void> => {
      if (kind === 'add') {
        const place = { tenant: n % 2, orgId: `org${n % 3}`, active: n % 4 > 0 }
        added.push(await put(world, { ...place, orgUserId: newId() }))
        return
      }
      const { pk = 0 } = added[n % added.length] ?? {}
      const active = n % 2 === 0
      await store.write(async (tx) => {
        if (kind === 'active') await updateAccountActive(tx, pk, { active, now: NOW })
        if (kind === 'key') await updateCredentialActive(tx, pk, active)
        if (kind === 'delete') await markCredentialDeleted(tx, pk)
        if (kind === 'remove') await markAccountRemoved(tx, pk, { purge: n % 5 === 0, now: NOW })
        if (kind === 'restore') await markAccountRestored(tx, pk, NOW)
        if (kind === 'forget') await deleteRemovedAccount(tx, pk, NOW)
        if (kind === 'forget') await deleteRemovedCredentials(tx, pk)
      })
    }
    const count = async (table: 'accounts' | 'credentials', of: TotalsKey): Promise<number> => {
      const rows = await store.read((tx) => tx.query((db) => db.selectFrom(table).selectAll()))
      return rows.filter(
        (row) =>
          row.wanted === 1 &&
          row.tenant_pk === (of.tenant ?? row.tenant_pk) &&
          row.org_id === (of.orgId ?? row.org_id) &&
          row.active === Number(of.active ?? row.active),
      ).length
    }
    const assertRight = async (of: TotalsKey): Promise<void> => {
      const { total: accounts } = await store.read((tx) => selectAccountPage(tx, of, PAGE))
      const { total: keys } = await store.read((tx) => selectCredentialPage(tx, of, PAGE))
      const expected = { accounts: await count('accounts', of), keys: await count('credentials', of) }
      assert.deepEqual({ accounts, keys }, expected, JSON.stringify(of))
    }
    const property = fc.asyncProperty(fc.array(fc.tuple(what, any), { maxLength: 12 }), async (steps) => {
      for (const [kind, n] of steps) await step(kind, n)
      for (const tenant of [undefined, ...tenants.map(({ pk }) => pk)])
        for (const orgId of [undefined, 'org0', 'org2', 'nowhere'])
          for (const active of [undefined, true, false])
            await assertRight({
              provider,
              ...(tenant !== undefined && { tenant }),
              ...(orgId !== undefined && { orgId }),
              ...(active !== undefined && { active }),
            })
    })
    await fc.assert(property, { numRuns: rounds(4, 12) })
    await store.write((tx) => markAccountsOfTenantRemoved(tx, tenants[0]?.pk ?? 0, NOW))
    await assertRight({ provider })
  })

  test('another provider’s accounts are not counted', async () => {
    const world = await newWorld(open)
    await put(world, { orgUserId: 'ada' })
    const stranger = await addProvider(world.store)
    for (const criteria of [
      {},
      { orgId: 'org' },
      { orgUserId: 'ada' },
      { username: 'ada' },
      { active: true },
    ]) {
      const none = await world.store.read((tx) =>
        selectAccountPage(tx, { provider: stranger.pk, ...criteria }, PAGE),
      )
      assert.deepEqual(none, { items: [], total: 0 })
    }
  })
}

function removalTests(open: OpenStore): void {
  const remove = ({ store }: World, pk: number, purge = false): Promise<void> =>
    store.write((tx) => markAccountRemoved(tx, pk, { purge, now: LATER }))
  const total = async ({ store, provider }: World): Promise<[number, number]> => [
    (await store.read((tx) => selectAccountPage(tx, { provider }, PAGE))).total,
    (await store.read((tx) => selectCredentialPage(tx, { provider }, PAGE))).total,
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

  test('the account of a deleted user is restored suspended', async () => {
    const world = await newWorld(open)
    const { pk, user } = await put(world, { orgUserId: 'ada' })
    await world.store.write((tx) => markUserDeleted(tx, user, NOW))
    await remove(world, pk)
    await world.store.write((tx) => markAccountRestored(tx, pk, LATER))
    const { items } = await world.store.read((tx) =>
      selectAccountPage(tx, { provider: world.provider }, PAGE),
    )
    assert.deepEqual(
      items.map((account) => account.active),
      [false],
    )
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
