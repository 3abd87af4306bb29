import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { countBacklog } from '../../src/directory/backlog.ts'
import { updatePersonAccount } from '../../src/directory/person-accounts.ts'
import { deleteUser, resumeUser, suspendUser } from '../../src/directory/user-changes.ts'
import { Reconciler } from '../../src/provisioning/reconciler.ts'
import { claimAccount, markAccountApplied } from '../../src/store/accounts/leases.ts'
import { addAccount } from '../support/directories.ts'
import { only } from '../support/platform.ts'
import type { OpenStore } from '../support/stores.ts'

import { newGate, newWorld, pass, QUIET, stateOf } from './reconciler-world.ts'

/** The reconciler brings platforms to the desired state, whatever happens in between. */
export function reconcilerSuite(open: OpenStore): void {
  describe('the reconciler', () => {
    applyTests(open)
    deadlineTests(open)
    sharingTests(open)
  })
}

function applyTests(open: OpenStore): void {
  test('an account is applied with all that the platform needs, once', async () => {
    const { on, platform, reconciler, account } = await newWorld(open)
    await reconciler.drain()
    await reconciler.drain()
    assert.equal(platform.calls.length, 1)
    const [call] = platform.calls
    assert.deepEqual(
      [call?.tenantId, call?.userId, call?.canonicalUserId, call?.displayName, call?.status],
      [on.tenantId, account.userId, account.canonicalUserId, 'ada', 'active'],
    )
    assert.equal(call?.credentials.length, 1)
    assert.match(call?.credentials[0]?.secretKey ?? '', /^[A-Za-z0-9]{40}$/)
    assert.deepEqual(
      { ...(await stateOf({ on, account })), dueIn: 0 },
      {
        desired: 1,
        applied: 1,
        attempts: 0,
        error: null,
        dueIn: 0,
      },
    )
    assert.deepEqual(await countBacklog(on.dir), {
      waiting: 0,
      failing: 0,
      parked: 0,
      oldest: null,
    })
  })

  test('an account that was enabled at the same moment as its person was suspended is suspended', async () => {
    const { on, platform, reconciler, account } = await newWorld(open)
    const { dir, operator } = on
    const { userId } = account
    await updatePersonAccount(dir, operator, { userId, active: false })
    await reconciler.drain()
    await suspendUser(dir, operator, { user: userId })
    // On PostgreSQL neither of two units sees the change of the other, and each changes another row.
    await dir.store.write((tx) =>
      tx.query((db) =>
        db
          .updateTable('accounts')
          .set((eb) => ({ enabled: 1, active: 1, desired_version: eb('desired_version', '+', 1) }))
          .where('pk', '=', account.pk),
      ),
    )
    await reconciler.drain()
    assert.deepEqual(
      platform.calls.map((call) => call.status),
      ['suspended', 'active', 'suspended'],
    )
    await resumeUser(dir, operator, { user: userId })
    await reconciler.drain()
    assert.equal(platform.calls.at(-1)?.status, 'active')
  })

  test('the account of a deleted user is removed', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler, account } = world
    await reconciler.drain()
    await deleteUser(on.dir, on.operator, { user: account.userId })
    await reconciler.drain()
    assert.deepEqual(
      platform.calls.map((call) => call.status),
      ['active', 'gone'],
    )
    assert.equal((await stateOf(world)).applied, 2)
  })

  test('a change during an attempt is applied afterwards', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler, account } = world
    platform.behave(async () => {
      platform.succeed()
      await deleteUser(on.dir, on.operator, { user: account.userId })
    })
    await reconciler.settle(account, 5_000)
    await reconciler.drain()
    assert.deepEqual(
      platform.calls.map((call) => call.status),
      ['active', 'gone'],
    )
    const { desired, applied } = await stateOf(world)
    assert.deepEqual([desired, applied], [2, 2])
  })

  test('the version that was applied is recorded, not the newest one', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler, account } = world
    const seen: number[] = []
    platform.behave(async (state) => {
      if (state.status === 'active') await deleteUser(on.dir, on.operator, { user: account.userId })
      else seen.push((await stateOf(world)).applied)
    })
    await reconciler.drain()
    assert.deepEqual(seen, [1])
  })

  test('many accounts are applied, each once', async () => {
    const { on, platform, reconciler } = await newWorld(open)
    await Promise.all(Array.from({ length: 40 }, (_, i) => addAccount(on, `user${i}`)))
    await reconciler.drain()
    assert.equal(new Set(platform.calls.map((call) => call.userId)).size, 41)
    assert.equal(platform.calls.length, 41)
  })
}

function deadlineTests(open: OpenStore): void {
  test('settling an applied account does not call the platform', async () => {
    const { platform, reconciler, account } = await newWorld(open)
    assert.equal(await reconciler.settle({ ...account, appliedVersion: 1 }, 1_000), true)
    assert.equal(platform.calls.length, 0)
  })

  test('a platform that hangs ends settling at the deadline, and the account is applied later', async () => {
    const world = await newWorld(open)
    const { platform, reconciler, account } = world
    const gate = newGate()
    platform.behave(() => gate.passed)
    const begun = performance.now()
    assert.equal(await reconciler.settle(account, 100), false)
    assert.ok(performance.now() - begun < 2_000)
    assert.equal((await stateOf(world)).applied, 0)
    gate.open()
    assert.equal(await reconciler.settle(account, 5_000), true)
    assert.equal((await stateOf(world)).applied, 1)
  })

  test('a platform that fails ends settling at the deadline, and the account is applied later', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler, account } = world
    platform.fail('down')
    assert.equal(await reconciler.settle(account, 300), false)
    platform.succeed()
    pass(on, 10 * 60_000)
    await reconciler.drain()
    assert.equal((await stateOf(world)).applied, 1)
  })

  test('settling keeps the growing pauses: a platform that is down gets few calls', async () => {
    const world = await newWorld(open)
    const { platform, reconciler, account } = world
    platform.fail('down')
    assert.equal(await reconciler.settle(account, 600), false)
    assert.ok(platform.calls.length <= 3, `the platform was asked ${platform.calls.length} times in 0.6 s`)
    const { dueIn } = await stateOf(world)
    assert.ok(dueIn <= 5_000, `after a short outage the account waits ${dueIn} ms`)
  })
}

function sharingTests(open: OpenStore): void {
  test('50 callers that settle one account at the same time share one attempt', async () => {
    const { platform, reconciler, account } = await newWorld(open)
    const settled = await Promise.all(Array.from({ length: 50 }, () => reconciler.settle(account, 5_000)))
    assert.ok(settled.every(Boolean))
    assert.equal(platform.calls.length, 1)
  })

  test('two processes that settle the same account at the same time make one attempt', async () => {
    const { on, platform, reconciler, account } = await newWorld(open)
    const other = new Reconciler(on.dir, only(platform), QUIET)
    const settled = await Promise.all([reconciler.settle(account, 5_000), other.settle(account, 5_000)])
    assert.deepEqual(settled, [true, true])
    assert.equal(platform.calls.length, 1)
  })

  test('while another process holds the lease no attempt starts, until the lease expires', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler, account } = world
    const now = on.clock.now.toISOString()
    const until = new Date(on.clock.now.getTime() + 30_000).toISOString()
    assert.equal(
      await on.dir.store.write((tx) => claimAccount(tx, account.pk, { now, until, by: 'other' })),
      true,
    )
    assert.equal(await reconciler.settle(account, 120), false)
    await reconciler.drain()
    assert.equal(platform.calls.length, 0)
    pass(on, 30_001)
    await reconciler.drain()
    assert.equal((await stateOf(world)).applied, 1)
  })

  test('settling ends when the holder of the lease has applied the account', async () => {
    const { on, platform, reconciler, account } = await newWorld(open)
    const now = on.clock.now.toISOString()
    const until = new Date(on.clock.now.getTime() + 30_000).toISOString()
    await on.dir.store.write((tx) => claimAccount(tx, account.pk, { now, until, by: 'other' }))
    const settling = reconciler.settle(account, 5_000)
    await on.dir.store.write((tx) => markAccountApplied(tx, { pk: account.pk, by: 'other' }, 1))
    assert.equal(await settling, true)
    assert.equal(platform.calls.length, 0)
  })
}
