import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sql } from 'kysely'
import { createAccount, queryAccounts, updateAccount } from '../../src/directory/accounts.ts'
import { retryAll, retryUser } from '../../src/directory/backlog.ts'
import { createCredential } from '../../src/directory/credentials.ts'
import { deleteTenant } from '../../src/directory/tenants.ts'
import { deleteUser } from '../../src/directory/users.ts'
import type { Account } from '../../src/model/accounts.ts'
import type { Credential } from '../../src/model/credentials.ts'
import { PlatformError } from '../../src/platform/platform.ts'
import type { AttemptOutcome, Observer } from '../../src/provisioning/attempt.ts'
import { Reconciler } from '../../src/provisioning/reconciler.ts'
import { claimAccount, markAccountApplied } from '../../src/store/accounts/accounts.ts'
import { selectBacklog } from '../../src/store/accounts/backlog.ts'
import { markTenantDeleted, selectTenant } from '../../src/store/tables/tenants.ts'
import {
  addAccount,
  newAccountRequest,
  newTestDirectory,
  refusedAs,
  type TestDirectory,
} from '../support/directories.ts'
import { type FakePlatform, newFakePlatform, only } from '../support/platform.ts'
import type { OpenStore } from '../support/stores.ts'

const QUIET: Observer = {
  log: { warn: () => undefined, error: () => undefined },
  observeAttempt: () => undefined,
}

interface World {
  readonly on: TestDirectory
  readonly platform: FakePlatform
  readonly reconciler: Reconciler
  readonly account: Account
}

async function newWorld(open: OpenStore): Promise<World> {
  const platform = newFakePlatform()
  const on = await newTestDirectory(open, platform.name)
  const reconciler = new Reconciler(on.dir, only(platform), QUIET)
  return { on, platform, reconciler, account: await addAccount(on, 'ada') }
}

/** Creates an account as a caller does who settles it at once. */
function createClaimed({ on, reconciler }: World): ReturnType<typeof createAccount> {
  const lease = reconciler.leaseTerms
  return createAccount(on.dir, on.osis, { ...newAccountRequest(on, 'eve'), lease })
}

/** A world in which nothing but such an account has yet to be applied, and nothing has been asked of the platform. */
async function newClaimed(open: OpenStore): Promise<World & { credential: Credential }> {
  const world = await newWorld(open)
  await world.reconciler.drain()
  const { account, credential } = await createClaimed(world)
  world.platform.calls.length = 0
  return { ...world, account, credential: credential ?? assert.fail('it was there already') }
}

/** What a reconciler tells others of its attempts. */
function newObserver(): Observer & { readonly outcomes: AttemptOutcome[]; readonly errors: string[] } {
  const outcomes: AttemptOutcome[] = []
  const errors: string[] = []
  const log = { warn: () => undefined, error: (_: object, message: string) => void errors.push(message) }
  return { log, outcomes, errors, observeAttempt: (outcome) => void outcomes.push(outcome) }
}

interface State {
  readonly desired: number
  readonly applied: number
  readonly attempts: number
  readonly error: string | null
  /** Milliseconds from the clock's now until the next attempt. */
  readonly dueIn: number
}

async function stateOf({ on, account }: Pick<World, 'on' | 'account'>): Promise<State> {
  const [row] = await on.dir.store.read((tx) =>
    tx.query((db) => db.selectFrom('accounts').selectAll().where('pk', '=', account.pk)),
  )
  assert.ok(row)
  return {
    desired: row.desired_version,
    applied: row.applied_version,
    attempts: row.attempts,
    error: row.last_error,
    dueIn: Date.parse(row.due_at) - on.clock.now.getTime(),
  }
}

function pass(on: TestDirectory, ms: number): void {
  on.clock.now = new Date(on.clock.now.getTime() + ms)
}

/** A promise that a test opens, and which keeps the process alive meanwhile. */
function newGate(): { passed: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  const alive = setInterval(() => undefined, 1_000)
  return {
    passed: promise,
    open: () => {
      clearInterval(alive)
      resolve()
    },
  }
}

/** Platforms come to have what the directory wants, whatever happens in between. */
export function reconcilerSuite(open: OpenStore): void {
  describe('the reconciler', () => {
    applyTests(open)
    failureTests(open)
    parkingTests(open)
    removalTests(open)
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
    assert.deepEqual(await on.dir.store.read(selectBacklog), {
      waiting: 0,
      failing: 0,
      parked: 0,
      oldest: null,
    })
  })

  test('a deleted user is made gone', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler, account } = world
    await reconciler.drain()
    await deleteUser(on.dir, on.operator, account.userId)
    await reconciler.drain()
    assert.deepEqual(
      platform.calls.map((call) => call.status),
      ['active', 'gone'],
    )
    assert.equal((await stateOf(world)).applied, 2)
  })

  test('what is wanted anew while an attempt runs stays to be applied', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler, account } = world
    platform.behave(async () => {
      platform.succeed()
      await deleteUser(on.dir, on.operator, account.userId)
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

  test('what was delivered is the version that is marked, not the newest one', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler, account } = world
    const seen: number[] = []
    platform.behave(async (wanted) => {
      if (wanted.status === 'active') await deleteUser(on.dir, on.operator, account.userId)
      else seen.push((await stateOf(world)).applied)
    })
    await reconciler.drain()
    assert.deepEqual(seen, [1])
  })

  test('many accounts are worked off', async () => {
    const { on, platform, reconciler } = await newWorld(open)
    await Promise.all(Array.from({ length: 40 }, (_, i) => addAccount(on, `user${i}`)))
    await reconciler.drain()
    assert.equal(new Set(platform.calls.map((call) => call.userId)).size, 41)
    assert.equal(platform.calls.length, 41)
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

  test('success after failures forgets the error, and the next failure begins with a short pause', async () => {
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
    await deleteUser(on.dir, on.operator, account.userId)
    platform.fail('refused')
    await reconciler.drain()
    assert.ok((await stateOf(world)).dueIn <= 1_100)
  })

  test('one account that fails does not keep others waiting', async () => {
    const { on, platform, reconciler, account } = await newWorld(open)
    const other = await addAccount(on, 'bob')
    platform.behave(async (wanted) => {
      if (wanted.userId === account.userId) throw new Error('refused')
    })
    await reconciler.drain()
    assert.equal((await stateOf({ on, account: other })).applied, 1)
    assert.equal((await stateOf({ on, account })).applied, 0)
  })

  test('an account of another platform than the configured one is left alone, and not called applied', async () => {
    const { on, account } = await newWorld(open)
    const other = { ...newFakePlatform(), name: 'other' }
    await new Reconciler(on.dir, only(other), QUIET).drain()
    const { applied, error } = await stateOf({ on, account })
    assert.deepEqual([applied, error], [0, 'the account lives on fake, and that is not configured'])
    assert.deepEqual(other.calls, [])
  })

  test('a restart forgets nothing', async () => {
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

  test('an account is new to the platform for the attempt that belongs to its creation alone', async () => {
    const { on, platform, reconciler, account, credential } = await newClaimed(open)
    const gate = newGate()
    const begun = newGate()
    platform.behave(() => {
      begun.open()
      return gate.passed
    })
    const settling = reconciler.settleNew(account, credential, 100)
    await begun.passed
    // What was given up may have been carried out.
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

  test('an account that was claimed by its creation is tried once, and as a new one', async () => {
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

  test('an account whose creator has ended before its first attempt is new no more', async () => {
    const { on, platform } = await newClaimed(open)
    pass(on, 31_000)
    await new Reconciler(on.dir, only(platform), QUIET).drain()
    assert.deepEqual(
      platform.calls.map(({ isNew }) => isNew === true),
      [false],
    )
  })

  test('accounts that are slow do not hold up the others', async () => {
    const { on, platform, reconciler } = await newWorld(open)
    const [gate, done] = [newGate(), newGate()]
    await Promise.all(Array.from({ length: 30 }, (_, i) => addAccount(on, `user${i}`)))
    let applied = 0
    // One place of eight is taken for as long as the test lasts.
    platform.behave(async (wanted) => {
      if (wanted.displayName === 'ada') await gate.passed
      else if (++applied === 30) done.open()
    })
    reconciler.start()
    const begun = performance.now()
    await done.passed
    assert.ok(performance.now() - begun < 5_000)
    gate.open()
    await reconciler.stop()
  })

  test('a started reconciler works off what a restart has left, and stops', async () => {
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

const HOUR = 60 * 60_000

/** Has the account fail so often, each time as soon as it is due. */
async function failOften({ on, platform, reconciler, account }: World, times: number): Promise<void> {
  platform.fail('refused')
  for (let i = 0; i < times; i++) {
    await reconciler.drain()
    pass(on, Math.max(0, (await stateOf({ on, account })).dueIn))
  }
}

function parkingTests(open: OpenStore): void {
  const parkedOf = async ({ on }: World): Promise<number> => (await on.dir.store.read(selectBacklog)).parked

  test('an account that fails 15 times on a platform that is well is parked, and that is said once', async () => {
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

  test('a parked account is tried about once an hour, and is applied when that succeeds', async () => {
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

  test('whoever settles a parked account has it tried at once', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler, account } = world
    await failOften(world, 15)
    pass(on, -0.5 * HOUR)
    platform.succeed()
    assert.equal(await reconciler.settle(account, 5_000), true)
    assert.equal(await parkedOf(world), 0)
  })

  test('something else that is wanted, or a retry, makes a parked account one like any other', async () => {
    for (const change of [
      (world: World) => deleteUser(world.on.dir, world.on.operator, world.account.userId),
      (world: World) => retryUser(world.on.dir, world.on.operator, world.account.userId),
      (world: World) => retryAll(world.on.dir, world.on.operator),
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

function removalTests(open: OpenStore): void {
  test('a user whose account is gone gets a new one under the same Cloud Director id', async () => {
    const { on, platform, reconciler, account } = await newWorld(open)
    await reconciler.drain()
    await deleteUser(on.dir, on.operator, account.userId)
    await reconciler.drain()
    const second = await addAccount(on, 'ada')
    assert.notEqual(second.userId, account.userId)
    await reconciler.drain()
    assert.deepEqual([...platform.accounts.keys()], [second.canonicalUserId])
    assert.equal(platform.accounts.get(second.canonicalUserId)?.keys.length, 1)
  })

  test('the keys of a person who was deleted die, also where data keeps the account and the person comes back', async () => {
    const { on, platform, reconciler, account } = await newWorld(open)
    await reconciler.drain()
    platform.buckets.set(account.canonicalUserId, [
      { name: 'b', createdAt: on.clock.now.toISOString(), owner: account.canonicalUserId },
    ])
    await deleteUser(on.dir, on.operator, account.userId)
    await assert.rejects(addAccount(on, 'ada'), refusedAs('account_being_removed'))
    await reconciler.drain()
    const back = await addAccount(on, 'ada')
    assert.deepEqual([back.userId, back.active], [account.userId, false])
    assert.equal(platform.accounts.get(account.canonicalUserId)?.status, 'suspended')
  })

  test('an account that was created while its tenant was deleted goes by itself, or with a repeated deletion', async () => {
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

  test('a secret under a master key that is not here fails the attempt: another process may have the key', async () => {
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

  test('a secret that is lost does not keep its account from being suspended, nor another key from working', async () => {
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

  test('a removal counts only once the platform itself says that the account is gone', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler, account } = world
    await reconciler.drain()
    const held = platform.accounts.get(account.canonicalUserId)
    assert.ok(held)
    // It says that it has removed the account, and has not.
    const lying = new Reconciler(on.dir, only({ ...platform, apply: async () => undefined }), QUIET)
    await deleteUser(on.dir, on.operator, account.userId)
    await lying.drain()
    const { applied, error } = await stateOf(world)
    assert.deepEqual([applied, error], [1, 'the platform still has the account after its removal'])
    pass(on, 2_000)
    await reconciler.drain()
    assert.equal((await stateOf(world)).applied, 2)
    assert.equal(platform.accounts.size, 0)
  })

  test('a platform that cannot be asked whether an account is gone leaves the removal open', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler, account } = world
    await reconciler.drain()
    await deleteUser(on.dir, on.operator, account.userId)
    const blind = { ...platform, read: () => Promise.reject(new PlatformError('no answer')) }
    await new Reconciler(on.dir, only(blind), QUIET).drain()
    assert.deepEqual([(await stateOf(world)).applied, platform.accounts.size], [1, 0])
  })

  test('each attempt is told with how it ended', async () => {
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
    await deleteUser(on.dir, on.operator, account.userId)
    await reconciler.drain()
    assert.deepEqual(observer.outcomes, ['failed', 'applied', 'data_left', 'applied'])
  })
}

function deadlineTests(open: OpenStore): void {
  test('settling what is applied asks nobody', async () => {
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

  test('settling keeps the growing pauses: a platform that is down is not asked again and again', async () => {
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
  test('50 who settle one account at once share one attempt', async () => {
    const { platform, reconciler, account } = await newWorld(open)
    const settled = await Promise.all(Array.from({ length: 50 }, () => reconciler.settle(account, 5_000)))
    assert.ok(settled.every(Boolean))
    assert.equal(platform.calls.length, 1)
  })

  test('two processes that want the same account at once make one attempt', async () => {
    const { on, platform, reconciler, account } = await newWorld(open)
    const other = new Reconciler(on.dir, only(platform), QUIET)
    const settled = await Promise.all([reconciler.settle(account, 5_000), other.settle(account, 5_000)])
    assert.deepEqual(settled, [true, true])
    assert.equal(platform.calls.length, 1)
  })

  test('while somebody else holds the lease, nobody begins an attempt, until it runs out', async () => {
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

  test('whoever settles sees it when the holder of the lease has applied the account', async () => {
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
