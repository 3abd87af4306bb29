import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sql } from 'kysely'
import { queryAccounts, updateAccount } from '../../src/directory/accounts.ts'
import { createCredential } from '../../src/directory/credentials.ts'
import { deleteTenant } from '../../src/directory/tenants.ts'
import { deleteUser } from '../../src/directory/user-changes.ts'
import { PlatformError } from '../../src/platform/platform.ts'
import { Reconciler } from '../../src/provisioning/reconciler.ts'
import * as settling from '../../src/provisioning/settling.ts'
import { markTenantDeleted, selectTenant } from '../../src/store/tables/tenants.ts'
import { addAccount, newAccountRequest, readAudit } from '../support/directories.ts'
import { only } from '../support/platform.ts'
import type { OpenStore } from '../support/stores.ts'

import { newObserver, newWorld, pass, QUIET, stateOf } from './reconciler-world.ts'

/** Removed accounts go from their platform, unless they own data. */
export function reconcilerRemovalsSuite(open: OpenStore): void {
  describe('the reconciler, when accounts are removed', () => {
    removalTests(open)
  })
}

function removalTests(open: OpenStore): void {
  test('a user whose account was removed gets a new one under the same Cloud Director id', async () => {
    const { on, platform, reconciler, account } = await newWorld(open)
    await reconciler.drain()
    await deleteUser(on.dir, on.operator, { user: account.userId })
    await reconciler.drain()
    const second = await addAccount(on, 'ada')
    assert.notEqual(second.userId, account.userId)
    await reconciler.drain()
    assert.deepEqual([...platform.accounts.keys()], [second.canonicalUserId])
    assert.equal(platform.accounts.get(second.canonicalUserId)?.keys.length, 1)
  })

  test('a create waits for the removal of the former account, then makes a new one', async () => {
    const { on, platform, reconciler, account } = await newWorld(open)
    await reconciler.drain()
    const [started, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    platform.behave(() => {
      started.resolve()
      return released.promise
    })
    await deleteUser(on.dir, on.operator, { user: account.userId })
    const creating = settling.addAccount({ dir: on.dir, reconciler }, on.osis, newAccountRequest(on, 'ada'))
    // Only the waiting create starts the removal, because the background loop does not run.
    await started.promise
    released.resolve()
    const second = await creating
    assert.notEqual(second.userId, account.userId)
    assert.deepEqual([...platform.accounts.keys()], [second.canonicalUserId])
    const failed = (await readAudit(on.dir)).filter((entry) => entry.status === 'Failed')
    assert.deepEqual(failed, [])
  })

  test('the keys of a deleted person stop working, also if the account stays for its data and the person comes back', async () => {
    const { on, platform, reconciler, account } = await newWorld(open)
    await reconciler.drain()
    platform.buckets.set(account.canonicalUserId, [
      { name: 'b', createdAt: on.clock.now.toISOString(), owner: account.canonicalUserId },
    ])
    await deleteUser(on.dir, on.operator, { user: account.userId })
    assert.equal((await addAccount(on, 'ada')).pk, account.pk)
    await reconciler.drain()
    const back = await addAccount(on, 'ada')
    assert.deepEqual([back.userId, back.active], [account.userId, false])
    assert.equal(platform.accounts.get(account.canonicalUserId)?.status, 'suspended')
  })

  test('an account that was created while its tenant was deleted is removed, by itself or by a repeated deletion', async () => {
    for (const again of [true, false]) {
      const { on, platform, reconciler, account } = await newWorld(open)
      if (again) await reconciler.drain()
      const tenant = await on.dir.store.read((tx) => selectTenant(tx, account.providerPk, on.tenantId))
      // As another process leaves it that has not seen the account.
      await on.dir.store.write((tx) => markTenantDeleted(tx, tenant?.pk ?? 0, on.clock.now.toISOString()))
      if (again) await deleteTenant(on.dir, on.osis, { tenantId: on.tenantId, purge: false })
      await reconciler.drain()
      assert.equal(platform.accounts.size, 0)
      const all = { filter: {}, page: { offset: 0, limit: 10 } }
      assert.equal((await queryAccounts(on.dir, on.osis, all)).total, 0)
    }
  })

  test('a secret under a missing master key fails the attempt: another process may have the key', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler } = world
    await on.dir.store.write((tx) =>
      tx.query((db) => db.updateTable('credentials').set({ sealed_secret: '1.another0.text' })),
    )
    await reconciler.drain()
    const { applied, error } = await stateOf(world)
    assert.deepEqual([applied, platform.calls.length], [0, 0])
    assert.match(error ?? '', /sealed under another master key/)
  })

  test('a damaged secret does not prevent a suspension, or break other keys of the account', async () => {
    const { on, platform, reconciler, account } = await newWorld(open)
    await reconciler.drain()
    const [key = assert.fail('no key')] = platform.accounts.get(account.canonicalUserId)?.keys ?? []
    await on.dir.store.write((tx) =>
      tx.query((db) =>
        db
          .updateTable('credentials')
          .set((eb) => ({ sealed_secret: sql<string>`${eb.ref('sealed_secret')} || 'xxxx'` })),
      ),
    )
    const ids = { tenantId: on.tenantId, userId: account.userId }
    await createCredential(on.dir, on.osis, ids)
    await updateAccount(on.dir, on.osis, { ...ids, active: false })
    await reconciler.drain()
    const { status, keys } = platform.accounts.get(account.canonicalUserId) ?? assert.fail('it is gone')
    assert.deepEqual([status, keys.length, keys[0]], ['suspended', 2, key])
  })

  test('a removal counts only once the platform no longer has the account', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler, account } = world
    await reconciler.drain()
    const held = platform.accounts.get(account.canonicalUserId)
    assert.ok(held)
    // It confirms the removal without removing the account.
    const lying = new Reconciler(on.dir, only({ ...platform, apply: async () => undefined }), QUIET)
    await deleteUser(on.dir, on.operator, { user: account.userId })
    await lying.drain()
    const { applied, error } = await stateOf(world)
    assert.deepEqual([applied, error], [1, 'the platform still has the account after its removal'])
    pass(on, 2_000)
    await reconciler.drain()
    assert.equal((await stateOf(world)).applied, 2)
    assert.equal(platform.accounts.size, 0)
  })

  test('a removal that cannot be verified stays open', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler, account } = world
    await reconciler.drain()
    await deleteUser(on.dir, on.operator, { user: account.userId })
    const blind = { ...platform, read: () => Promise.reject(new PlatformError('no response')) }
    await new Reconciler(on.dir, only(blind), QUIET).drain()
    assert.deepEqual([(await stateOf(world)).applied, platform.accounts.size], [1, 0])
  })

  test('the observer gets the outcome of each attempt', async () => {
    const observer = newObserver()
    const { on, platform, account } = await newWorld(open)
    const reconciler = new Reconciler(on.dir, only(platform), observer)
    platform.fail('refused')
    await reconciler.drain()
    platform.succeed()
    pass(on, 2_000)
    await reconciler.drain()
    const bucket = { name: 'b', createdAt: on.clock.now.toISOString(), owner: account.canonicalUserId }
    platform.buckets.set(account.canonicalUserId, [bucket])
    await deleteUser(on.dir, on.operator, { user: account.userId })
    await reconciler.drain()
    assert.deepEqual(observer.outcomes, ['failed', 'applied', 'data_left', 'applied'])
  })
}
