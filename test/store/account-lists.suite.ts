import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { whereEqual } from '../../src/model/conditions.ts'
import { newId } from '../../src/model/ids.ts'
import {
  deleteRemovedAccount,
  deleteRemovedCredentials,
  markAccountRemoved,
  markAccountRestored,
  markAccountsOfTenantRemoved,
  updateAccountEnabled,
} from '../../src/store/accounts/changes.ts'
import {
  type CredentialFields,
  markCredentialDeleted,
  selectCredentialPage,
  updateCredentialActive,
} from '../../src/store/accounts/credentials.ts'
import { type AccountFields, selectAccountPage } from '../../src/store/accounts/queries.ts'
import { planPage } from '../../src/store/paging.ts'
import { rounds } from '../../testing/full-length.ts'
import { addProvider, NOW } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'
import { type Added, newWorld, put } from './accounts-world.ts'

const PAGE = { offset: 0, limit: 100 }

/** What totals are kept for. */
type Place = { readonly [Name in 'tenant' | 'orgId' | 'active']?: AccountFields[Name] | undefined }

/** Lists of accounts and credentials, and their totals. */
export function accountListsSuite(open: OpenStore): void {
  describe('lists of accounts and credentials', () => listTests(open))
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
        selectAccountPage(tx, { provider, where: whereEqual<AccountFields>(criteria) }, page),
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
      const where = whereEqual<CredentialFields>(shared)
      const keys = await store.read((tx) => selectCredentialPage(tx, { provider, where }, page))
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
        if (kind === 'active') await updateAccountEnabled(tx, pk, { enabled: active, now: NOW })
        if (kind === 'key') await updateCredentialActive(tx, pk, active)
        if (kind === 'delete') await markCredentialDeleted(tx, pk)
        if (kind === 'remove') await markAccountRemoved(tx, pk, { purge: n % 5 === 0, now: NOW })
        if (kind === 'restore') await markAccountRestored(tx, pk, NOW)
        if (kind === 'forget') await deleteRemovedAccount(tx, pk, NOW)
        if (kind === 'forget') await deleteRemovedCredentials(tx, pk)
      })
    }
    const count = async (table: 'accounts' | 'credentials', of: Place): Promise<number> => {
      const rows = await store.read((tx) => tx.query((db) => db.selectFrom(table).selectAll()))
      return rows.filter(
        (row) =>
          row.wanted === 1 &&
          row.tenant_pk === (of.tenant ?? row.tenant_pk) &&
          row.org_id === (of.orgId ?? row.org_id) &&
          row.active === Number(of.active ?? row.active),
      ).length
    }
    const assertRight = async (of: Place): Promise<void> => {
      const { total: accounts } = await store.read((tx) =>
        selectAccountPage(tx, { provider, where: whereEqual<AccountFields>(of) }, PAGE),
      )
      const { total: keys } = await store.read((tx) =>
        selectCredentialPage(tx, { provider, where: whereEqual<CredentialFields>(of) }, PAGE),
      )
      const expected = { accounts: await count('accounts', of), keys: await count('credentials', of) }
      assert.deepEqual({ accounts, keys }, expected, JSON.stringify(of))
    }
    const property = fc.asyncProperty(fc.array(fc.tuple(what, any), { maxLength: 12 }), async (steps) => {
      for (const [kind, n] of steps) await step(kind, n)
      for (const tenant of [undefined, ...tenants.map(({ pk }) => pk)])
        for (const orgId of [undefined, 'org0', 'org2', 'nowhere'])
          for (const active of [undefined, true, false]) await assertRight({ tenant, orgId, active })
    })
    await fc.assert(property, { numRuns: rounds(4, 12) })
    await store.write((tx) => markAccountsOfTenantRemoved(tx, tenants[0]?.pk ?? 0, NOW))
    await assertRight({})
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
        selectAccountPage(tx, { provider: stranger.pk, where: whereEqual<AccountFields>(criteria) }, PAGE),
      )
      assert.deepEqual(none, { items: [], total: 0 })
    }
  })
}
