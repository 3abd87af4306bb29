import assert from 'node:assert/strict'
import { createAccount } from '../../src/directory/accounts.ts'
import type { Account } from '../../src/model/accounts.ts'
import type { Credential } from '../../src/model/credentials.ts'
import type { AttemptOutcome, Observer } from '../../src/provisioning/observer.ts'
import { Reconciler } from '../../src/provisioning/reconciler.ts'
import {
  addAccount,
  newAccountRequest,
  newTestDirectory,
  type TestDirectory,
} from '../support/directories.ts'
import { type FakePlatform, newFakePlatform, only } from '../support/platform.ts'
import type { OpenStore } from '../support/stores.ts'

export const QUIET: Observer = {
  log: { debug: () => undefined, warn: () => undefined, error: () => undefined },
  observeAttempt: () => undefined,
}

export interface World {
  readonly on: TestDirectory
  readonly platform: FakePlatform
  readonly reconciler: Reconciler
  readonly account: Account
}

export async function newWorld(open: OpenStore): Promise<World> {
  const platform = newFakePlatform()
  const on = await newTestDirectory(open, platform.name)
  const reconciler = new Reconciler(on.dir, only(platform), QUIET)
  return { on, platform, reconciler, account: await addAccount(on, 'ada') }
}

/** Creates an account as a caller does that applies it at once. */
export function createClaimed({ on, reconciler }: World): ReturnType<typeof createAccount> {
  const lease = reconciler.leaseTerms
  return createAccount(on.dir, on.osis, { ...newAccountRequest(on, 'eve'), lease })
}

/** A world in which only such an account is not applied yet, and the platform has not been called. */
export async function newClaimed(open: OpenStore): Promise<World & { credential: Credential }> {
  const world = await newWorld(open)
  await world.reconciler.drain()
  const { account, credential } = await createClaimed(world)
  world.platform.calls.length = 0
  return { ...world, account, credential: credential ?? assert.fail('it was there already') }
}

/** Collects what a reconciler reports of its attempts. */
export function newObserver(): Observer & { readonly outcomes: AttemptOutcome[]; readonly errors: string[] } {
  const outcomes: AttemptOutcome[] = []
  const errors: string[] = []
  const log = {
    debug: () => undefined,
    warn: () => undefined,
    error: (_: object, message: string) => void errors.push(message),
  }
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

export async function stateOf({ on, account }: Pick<World, 'on' | 'account'>): Promise<State> {
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

export function pass(on: TestDirectory, ms: number): void {
  on.clock.now = new Date(on.clock.now.getTime() + ms)
}

/** A promise that the test resolves. It keeps the process alive until then. */
export function newGate(): { passed: Promise<void>; open: () => void } {
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

export const HOUR = 60 * 60_000

/** Lets the account fail this many times, each time as soon as it is due. */
export async function failOften({ on, platform, reconciler, account }: World, times: number): Promise<void> {
  platform.fail('refused')
  for (let i = 0; i < times; i++) {
    await reconciler.drain()
    pass(on, Math.max(0, (await stateOf({ on, account })).dueIn))
  }
}
