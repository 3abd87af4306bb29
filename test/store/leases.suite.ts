import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../src/model/ids.ts'
import { insertAccount } from '../../src/store/accounts/accounts.ts'
import { markAccountsOfUserRemoved } from '../../src/store/accounts/changes.ts'
import { insertCredential } from '../../src/store/accounts/credentials.ts'
import {
  claimAccount,
  markAccountApplied,
  markAccountFailed,
  releaseAccount,
  selectDueAccounts,
  selectFailureCounts,
} from '../../src/store/accounts/leases.ts'
import { selectAccountToReconcile } from '../../src/store/accounts/to-reconcile.ts'
import { ConstraintError, type Store } from '../../src/store/port.ts'
import { insertTenant } from '../../src/store/tables/tenants.ts'
import { addOrganization, addProvider, NOW, putUser } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'

const LATER = '2026-11-22T09:00:00.000Z'
const LATEST = '2026-11-22T10:00:00.000Z'
const END = '2026-11-22T12:00:00.000Z'

/** Leases of accounts, and which accounts and credentials the store refuses. */
export function leasesSuite(open: OpenStore): void {
  describe('leases of accounts', () => leaseTests(open))
  describe('unique accounts and credentials', () => uniquenessTests(open))
}

function leaseTests(open: OpenStore): void {
  test('of 20 concurrent claims exactly one succeeds', async () => {
    const store = await open()
    const { account } = await addAccount(store)
    const won = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        store.write((tx) => claimAccount(tx, account, { now: NOW, until: LATER, by: `process ${i}` })),
      ),
    )
    assert.equal(won.filter(Boolean).length, 1)
  })

  test('an expired lease can be taken over, a valid one cannot', async () => {
    const store = await open()
    const { account } = await addAccount(store)
    let processes = 0
    const claim = (now: string, until: string): Promise<boolean> =>
      store.write((tx) => claimAccount(tx, account, { now, until, by: `process ${processes++}` }))
    assert.equal(await claim(NOW, LATER), true)
    assert.equal(await claim('2026-11-22T08:59:59.999Z', LATER), false)
    assert.equal(await claim('2026-11-22T09:00:00.001Z', '2026-11-22T10:00:00.000Z'), true)
    assert.equal(await claim('2026-11-22T09:30:00.000Z', '2026-11-22T11:00:00.000Z'), false)
  })

  test('a process can take over its own lease that it did not release', async () => {
    const store = await open()
    const { account } = await addAccount(store)
    const claim = (by: string): Promise<boolean> =>
      store.write((tx) => claimAccount(tx, account, { now: NOW, until: LATER, by }))
    assert.deepEqual([await claim('one'), await claim('other'), await claim('one')], [true, false, true])
    const due = (by: string): Promise<number[]> =>
      store.read((tx) => selectDueAccounts(tx, { now: NOW, by, limit: 10 }))
    assert.deepEqual([await due('one'), await due('other')], [[account], []])
  })

  test('stale leases are dropped where no other process can hold one', async () => {
    const store = await open()
    const { account } = await addAccount(store)
    const lease = { now: NOW, until: LATER, by: 'earlier process' }
    await store.write((tx) => claimAccount(tx, account, lease))
    const isAlone = await store.dropStaleLeases()
    const isFree = await store.write((tx) => claimAccount(tx, account, { ...lease, by: 'this process' }))
    assert.deepEqual([isAlone, isFree], store.maxIdleMs === 0 ? [true, true] : [false, false])
  })

  test('an applied account cannot be claimed', async () => {
    const store = await open()
    const { account } = await addAccount(store)
    const lease = { now: NOW, until: LATER, by: 'one' }
    assert.equal(await store.write((tx) => claimAccount(tx, account, lease)), true)
    await store.write((tx) => markAccountApplied(tx, { pk: account, by: 'one' }, 1))
    assert.equal(await store.write((tx) => claimAccount(tx, account, { ...lease, now: LATEST })), false)
  })

  test('a process whose lease was taken over stores no result', async () => {
    const store = await open()
    const { account } = await addAccount(store)
    await store.write((tx) => claimAccount(tx, account, { now: NOW, until: LATER, by: 'late' }))
    await store.write((tx) => claimAccount(tx, account, { now: LATEST, until: END, by: 'other' }))
    const late = { pk: account, by: 'late' }
    await store.write((tx) => markAccountApplied(tx, late, 1))
    await store.write((tx) =>
      markAccountFailed(tx, late, {
        cause: 'other',
        error: 'late',
        dueAt: NOW,
        ownFailures: 1,
        parkedAt: NOW,
      }),
    )
    await store.write((tx) => releaseAccount(tx, late))
    assert.equal(
      await store.write((tx) => claimAccount(tx, account, { now: LATEST, until: END, by: 'late' })),
      false,
    )
    const found = await store.read((tx) => selectAccountToReconcile(tx, account))
    assert.deepEqual(
      [found?.account.appliedVersion, { ...(await store.read((tx) => selectFailureCounts(tx, account))) }],
      [0, { attempts: 2, ownFailures: 0, parkedAt: null, version: 1, changedAt: NOW }],
    )
  })
}

function uniquenessTests(open: OpenStore): void {
  test('a Cloud Director user has one account in a tenant, and a user one on a platform', async () => {
    const store = await open()
    const { user, organization, put } = await addAccount(store)
    const second = (await store.write((tx) => putUser(tx, organization, 'b@x'))) ?? 0
    await assert.rejects(put(second, 'ada'), ConstraintError)
    await assert.rejects(put(user, 'other'), ConstraintError)
    await store.write((tx) => markAccountsOfUserRemoved(tx, user, NOW))
    await put(second, 'ada')
  })

  test('an access key belongs to one account', async () => {
    const store = await open()
    const { account } = await addAccount(store)
    const put = (): Promise<void> =>
      store.write((tx) => insertCredential(tx, { account, accessKey: 'AK', sealedSecret: 's', now: NOW }))
    await put()
    await assert.rejects(put(), ConstraintError)
  })
}

interface AddedAccount {
  readonly account: number
  readonly user: number
  readonly organization: number
  put(user: number, orgUserId: string): Promise<number>
}

async function addAccount(store: Store): Promise<AddedAccount> {
  const provider = await addProvider(store)
  const customer = await addOrganization(store, provider, 'customer')
  const organization = customer.pk
  const row = { organization: customer, platform: 'p', name: 'n', orgIds: ['org'], now: NOW }
  const tenant = await store.write((tx) => insertTenant(tx, { id: newId(), ...row }))
  const user = (await store.write((tx) => putUser(tx, organization, 'a@x'))) ?? 0
  const put = (userPk: number, orgUserId: string): Promise<number> =>
    store.write((tx) =>
      insertAccount(tx, {
        madeUser: false,
        tenant: tenant.pk,
        user: userPk,
        platform: 'p',
        canonicalUserId: newId(),
        orgId: 'org',
        orgUserId,
        username: orgUserId,
        email: null,
        role: 'TENANT_USER',
        enabled: true,
        now: NOW,
      }),
    )
  return { account: await put(user, 'ada'), user, organization, put }
}
