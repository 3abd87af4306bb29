import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { countBacklog } from '../../src/directory/backlog.ts'
import { retryAccounts, retryUser } from '../../src/directory/unapplied.ts'
import { deleteUser } from '../../src/directory/user-changes.ts'
import { Reconciler } from '../../src/provisioning/reconciler.ts'
import { selectFailureCounts } from '../../src/store/accounts/leases.ts'
import { addAccount } from '../support/directories.ts'
import { newFakePlatform, only } from '../support/platform.ts'
import type { OpenStore } from '../support/stores.ts'

import {
  createClaimed,
  failOften,
  HOUR,
  newClaimed,
  newGate,
  newObserver,
  newWorld,
  pass,
  QUIET,
  stateOf,
  type World,
} from './reconciler-world.ts'

/** Failed attempts are repeated, and accounts that keep failing are parked. */
export function reconcilerFailuresSuite(open: OpenStore): void {
  describe('the reconciler, when attempts fail', () => {
    failureTests(open)
    parkingTests(open)
  })
}

function failureTests(open: OpenStore): void {
  test('a failed attempt keeps its error, and pauses grow from one second to five minutes', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler } = world
    const pauses: number[] = []
    for (let attempt = 1; attempt <= 12; attempt++) {
      platform.fail(`refused ${attempt}`)
      await reconciler.drain()
      const state = await stateOf(world)
      assert.deepEqual([state.attempts, state.error, state.applied], [attempt, `refused ${attempt}`, 0])
      pauses.push(state.dueIn)
      pass(on, state.dueIn)
    }
    pauses.forEach((ms, i) => {
      const nominal = Math.min(1_000 * 2 ** i, 5 * 60_000)
      assert.ok(ms >= nominal * 0.89 && ms <= nominal * 1.11, `pause ${i + 1} is ${ms} ms`)
    })
    assert.equal(platform.calls.length, 12)
  })

  test('an account is not tried again before its pause is over', async () => {
    const { on, platform, reconciler } = await newWorld(open)
    platform.fail('refused')
    await reconciler.drain()
    pass(on, 800)
    await reconciler.drain()
    assert.equal(platform.calls.length, 1)
  })

  test('a success deletes the error, and the next failure starts with a short pause', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler, account } = world
    for (let i = 0; i < 5; i++) {
      platform.fail('refused')
      await reconciler.drain()
      pass(on, (await stateOf(world)).dueIn)
    }
    platform.succeed()
    await reconciler.drain()
    const healed = await stateOf(world)
    assert.deepEqual([healed.applied, healed.attempts, healed.error], [1, 0, null])
    await deleteUser(on.dir, on.operator, { user: account.userId })
    platform.fail('refused')
    await reconciler.drain()
    assert.ok((await stateOf(world)).dueIn <= 1_100)
  })

  test('an account that fails does not delay the others', async () => {
    const { on, platform, reconciler, account } = await newWorld(open)
    const other = await addAccount(on, 'bob')
    platform.behave(async (state) => {
      if (state.userId === account.userId) throw new Error('refused')
    })
    await reconciler.drain()
    assert.equal((await stateOf({ on, account: other })).applied, 1)
    assert.equal((await stateOf({ on, account })).applied, 0)
  })

  test('an account of a platform that is not configured is not recorded as applied', async () => {
    const { on, account } = await newWorld(open)
    const other = { ...newFakePlatform(), name: 'other' }
    await new Reconciler(on.dir, only(other), QUIET).drain()
    const { applied, error } = await stateOf({ on, account })
    assert.deepEqual([applied, error], [0, 'the account lives on fake, and that is not configured'])
    assert.deepEqual(other.calls, [])
  })

  test('a secret that cannot be read does not count against its account while the platform is down', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler, account } = world
    platform.say({ version: '1', health: 'ERROR', reason: 'down' })
    const sealed_secret = '1.otherkey.text'
    await on.dir.store.write((tx) =>
      tx.query((db) =>
        db.updateTable('credentials').set({ sealed_secret }).where('account_pk', '=', account.pk),
      ),
    )
    await reconciler.drain()
    const failures = (): Promise<{ ownFailures: number }> =>
      on.dir.store.read((tx) => selectFailureCounts(tx, account.pk))
    assert.match((await stateOf(world)).error ?? '', /another master key/)
    assert.equal((await failures()).ownFailures, 0)
    platform.say({ version: '1', health: 'NORMAL' })
    pass(on, (await stateOf(world)).dueIn)
    await reconciler.drain()
    assert.equal((await failures()).ownFailures, 1)
  })

  test('a restart keeps failures and pauses', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler } = world
    platform.fail('refused')
    await reconciler.drain()
    await reconciler.stop()
    const { attempts, dueIn } = await stateOf(world)
    assert.equal(attempts, 1)
    const restarted = new Reconciler(on.dir, only(platform), QUIET)
    await restarted.drain()
    assert.equal(platform.calls.length, 1)
    pass(on, dueIn)
    platform.succeed()
    await restarted.drain()
    assert.equal((await stateOf(world)).applied, 1)
  })

  test('an account is new to the platform only for the first attempt after its creation', async () => {
    const { on, platform, reconciler, account, credential } = await newClaimed(open)
    const gate = newGate()
    const begun = newGate()
    platform.behave(() => {
      begun.open()
      return gate.passed
    })
    const settling = reconciler.settleNew(account, credential, 100)
    await begun.passed
    // The cancelled attempt may have been carried out.
    await reconciler.stop()
    gate.open()
    assert.equal(await settling, false)
    platform.succeed()
    await new Reconciler(on.dir, only(platform), QUIET).drain()
    assert.deepEqual(
      platform.calls.map(({ isNew }) => isNew === true),
      [true, false],
    )
  })

  test('an account that its creation claimed is tried once, as a new one', async () => {
    const world = await newClaimed(open)
    const { on, platform, reconciler, account, credential } = world
    await new Reconciler(on.dir, only(platform), QUIET).drain()
    assert.equal(platform.calls.length, 0)
    assert.equal(await reconciler.settleNew(account, credential, 5_000), true)
    await reconciler.drain()
    await new Reconciler(on.dir, only(platform), QUIET).drain()
    assert.deepEqual(
      platform.calls.map(({ isNew }) => isNew === true),
      [true],
    )
    const { applied, attempts } = await stateOf({ on, account })
    assert.deepEqual([applied, attempts], [1, 0])
    const again = await createClaimed(world)
    assert.deepEqual([again.credential, again.account.pk], [null, account.pk])
  })

  test('an account is not new any more when its creator ended before the first attempt', async () => {
    const { on, platform } = await newClaimed(open)
    pass(on, 31_000)
    await new Reconciler(on.dir, only(platform), QUIET).drain()
    assert.deepEqual(
      platform.calls.map(({ isNew }) => isNew === true),
      [false],
    )
  })

  test('slow accounts do not delay the others', async () => {
    const { on, platform, reconciler } = await newWorld(open)
    const [gate, done] = [newGate(), newGate()]
    await Promise.all(Array.from({ length: 30 }, (_, i) => addAccount(on, `user${i}`)))
    let applied = 0
    // One place of the loop is taken for as long as the test lasts.
    platform.behave(async (state) => {
      if (state.displayName === 'ada') await gate.passed
      else if (++applied === 30) done.open()
    })
    reconciler.start()
    const begun = performance.now()
    await done.passed
    assert.ok(performance.now() - begun < 5_000)
    gate.open()
    await reconciler.stop()
  })

  test('a started reconciler applies what was left before a restart, and stops', async () => {
    const world = await newWorld(open)
    const { platform, reconciler, account } = world
    const gate = newGate()
    platform.behave(async () => gate.open())
    reconciler.start()
    await gate.passed
    assert.equal(await reconciler.settle(account, 5_000), true)
    await reconciler.stop()
    assert.equal((await stateOf(world)).applied, 1)
  })
}

function parkingTests(open: OpenStore): void {
  const parkedOf = async ({ on }: World): Promise<number> => (await countBacklog(on.dir)).parked

  test('an account that fails 15 times on a healthy platform is parked, and that is logged once', async () => {
    const observer = newObserver()
    const before = await newWorld(open)
    const world = { ...before, reconciler: new Reconciler(before.on.dir, only(before.platform), observer) }
    await failOften(world, 14)
    assert.deepEqual([await parkedOf(world), observer.errors], [0, []])
    await failOften(world, 3)
    assert.equal(await parkedOf(world), 1)
    assert.equal(observer.errors.length, 1)
    assert.match(observer.errors[0] ?? '', /parked/)
  })

  test('a parked account is tried about once an hour, and is applied once an attempt succeeds', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler } = world
    await failOften(world, 14)
    await reconciler.drain()
    const { dueIn } = await stateOf(world)
    assert.ok(dueIn > 0.89 * HOUR && dueIn < 1.11 * HOUR, `tried again in ${dueIn} ms`)
    platform.succeed()
    pass(on, dueIn)
    await reconciler.drain()
    assert.deepEqual([await parkedOf(world), (await stateOf(world)).applied], [0, 1])
  })

  test('an outage of hours parks nothing, and its attempts do not count afterwards', async () => {
    const world = await newWorld(open)
    const { platform } = world
    for (const health of ['ERROR', 'WARNING', 'UNKNOWN'] as const) {
      platform.say({ version: '1', health, reason: 'down' })
      await failOften(world, 20)
    }
    platform.say({ version: '1', health: 'NORMAL' })
    await failOften(world, 14)
    assert.equal(await parkedOf(world), 0)
    assert.equal((await stateOf(world)).attempts, 74)
    await failOften(world, 1)
    assert.equal(await parkedOf(world), 1)
  })

  test('settling a parked account tries it at once', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler, account } = world
    await failOften(world, 15)
    pass(on, -0.5 * HOUR)
    platform.succeed()
    assert.equal(await reconciler.settle(account, 5_000), true)
    assert.equal(await parkedOf(world), 0)
  })

  test('a new desired state, or a retry, ends the parking of an account', async () => {
    for (const change of [
      (world: World) => deleteUser(world.on.dir, world.on.operator, { user: world.account.userId }),
      (world: World) => retryUser(world.on.dir, world.on.operator, world.account.userId),
      (world: World) => retryAccounts(world.on.dir, world.on.operator),
    ]) {
      const world = await newWorld(open)
      const { on, reconciler } = world
      await failOften(world, 15)
      pass(on, -0.5 * HOUR)
      await change(world)
      assert.equal(await parkedOf(world), 0)
      await reconciler.drain()
      const { attempts, dueIn } = await stateOf(world)
      assert.equal(attempts, 1)
      assert.ok(dueIn <= 1_100, `tried again in ${dueIn} ms`)
    }
  })
}
