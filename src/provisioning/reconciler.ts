import { hostname } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import type { Directory } from '../directory/directory.ts'
import { read, toUnavailable } from '../directory/unit.ts'
import { type Loop, startLoop } from '../loop.ts'
import type { Account } from '../model/accounts.ts'
import type { Credential } from '../model/credentials.ts'
import { newId } from '../model/ids.ts'
import type { Platforms } from '../platform/platform.ts'
import { selectUnappliedAccounts } from '../store/accounts/changes.ts'
import { type LeaseTerms, selectDueAccounts } from '../store/accounts/leases.ts'
import { selectAccountToReconcile } from '../store/accounts/to-reconcile.ts'
import { type AttemptResult, LEASE_MS, runAttempt } from './attempt.ts'
import { withDeadline } from './deadline.ts'
import { type Desired, toDesired } from './desired.ts'
import type { AttemptDeps, Observer } from './observer.ts'

/** The pause between two looks for accounts that are due. A suspension takes effect within a second. */
const POLL_MS = 500
/** How many attempts of the background loop run at the same time. */
const CONCURRENCY = 24
/** The pause before `settle` reads an unapplied account again. */
const RECHECK_MS = 50

/** The desired version and the applied version of an account. */
export type Versions = Pick<Account, 'pk' | 'appliedVersion' | 'desiredVersion'>

/**
 * Brings platforms to the desired state. It is level-triggered: only the desired and the applied state count, never
 * what happened before. A failed attempt is stored and repeated with growing pauses.
 */
export class Reconciler {
  /**
   * Pass these to `createAccount` to claim the new account for this process. `settleNew` then makes the first attempt.
   */
  readonly leaseTerms: LeaseTerms = { by: newId(), ms: LEASE_MS }
  readonly #dir: Directory
  readonly #observer: Observer
  readonly #deps: AttemptDeps
  readonly #stopping = new AbortController()
  /** Attempts that run, or whose result is not stored yet. The map's key is the account's primary key. */
  readonly #running = new Map<number, Promise<AttemptResult>>()
  /** Attempts that the background loop has started. */
  readonly #started = new Set<Promise<unknown>>()
  /** Whether this process is the only one that leases accounts; false until the background loop has found out. */
  #isAlone = false
  #loop: Loop | undefined

  constructor(dir: Directory, platforms: Platforms, observer: Observer) {
    this.#dir = dir
    this.#observer = observer
    const { leaseTerms } = this
    const node = `${hostname()}:${process.pid}`
    this.#deps = { dir, platforms, observer, leaseTerms, node, stopping: this.#stopping.signal }
  }

  /**
   * Like `settle`, for an account that was created with `leaseTerms`: the account is claimed already, and its desired
   * state need not be read.
   * @param credential the only credential of the account
   */
  settleNew(account: Account, credential: Credential, deadlineMs: number): Promise<boolean> {
    const created = toDesired(account, credential)
    return this.#within(deadlineMs, (deadline) => this.#waitUntilApplied(account, deadline, created))
  }

  /**
   * Applies one account now, for a caller that waits for it.
   * @param account the account; its version says what to wait for, and later changes do not count
   * @param deadlineMs how long the caller waits, in milliseconds. An attempt that runs goes on after that
   * @returns whether the platform has the account's desired version; if not, the background loop goes on trying
   * @throws {DirectoryError} `store_unavailable`
   */
  async settle(account: Versions, deadlineMs: number): Promise<boolean> {
    if (account.appliedVersion >= account.desiredVersion) return true
    return this.#within(deadlineMs, (deadline) => this.#waitUntilApplied(account, deadline))
  }

  /** Returns what work returns, or false if the deadline comes first. */
  async #within(deadlineMs: number, work: (deadline: AbortSignal) => Promise<boolean>): Promise<boolean> {
    try {
      return await withDeadline({ ms: deadlineMs, late: () => false }, work)
    } catch (error) {
      throw toUnavailable(error)
    }
  }

  async #waitUntilApplied(account: Versions, deadline: AbortSignal, created?: Desired): Promise<boolean> {
    const { pk, desiredVersion } = account
    // The first attempt starts at once, even for a parked account. Later ones wait until the account is due.
    if ((await this.#run(pk, created)) >= desiredVersion) return true
    while (!deadline.aborted && !this.#stopping.signal.aborted) {
      const found = await this.#dir.store.read((tx) => selectAccountToReconcile(tx, pk))
      if (!found) return false
      // A shared attempt may have applied an older version than the desired one.
      if (found.account.appliedVersion >= desiredVersion) return true
      const isDue = found.dueAt <= this.#dir.now().toISOString()
      if (isDue && (await this.#run(pk)) > 0) continue
      await pause(RECHECK_MS)
    }
    return false
  }

  /**
   * Makes one attempt. Calls for the same account at the same time share it.
   * @returns the version that the platform has now; 0 if the attempt failed or its result could not be stored
   */
  async #run(pk: number, created?: Desired): Promise<number> {
    let attempt = this.#running.get(pk)
    if (!attempt) {
      attempt = runAttempt(this.#deps, pk, created)
      this.#running.set(pk, attempt)
      const forget = (): boolean => this.#running.delete(pk)
      attempt.then(({ recorded }) => recorded).then(forget, forget)
    }
    const { version, recorded } = await attempt
    // With other processes, wait until the result is stored. Else, if this process died now, the others could use the
    // account only after the lease has expired.
    if (created && this.#isAlone) return version
    return (await recorded) ? version : 0
  }

  /**
   * Applies the removal of an account now.
   * @returns `data_left` if the removal was cancelled because the account owns data; `late` if the deadline came first
   * @throws {DirectoryError} `store_unavailable`
   */
  async settleRemoval(account: Versions, deadlineMs: number): Promise<'gone' | 'data_left' | 'late'> {
    if (!(await this.settle(account, deadlineMs))) return 'late'
    const found = await read(this.#dir, (tx) => selectAccountToReconcile(tx, account.pk))
    return found?.exists ? 'data_left' : 'gone'
  }

  /**
   * Applies all accounts of a tenant now.
   * @returns whether all were applied before the deadline; if not, the background loop goes on trying
   * @throws {DirectoryError} `store_unavailable`
   */
  async settleTenant(tenantPk: number, deadlineMs: number): Promise<boolean> {
    return this.#within(deadlineMs, async (deadline) => {
      const { store } = this.#dir
      while (!deadline.aborted) {
        const pks = await store.read((tx) => selectUnappliedAccounts(tx, tenantPk, CONCURRENCY))
        if (pks.length === 0) return true
        await Promise.all(
          pks.map(async (pk) => {
            const found = await store.read((tx) => selectAccountToReconcile(tx, pk))
            return found && this.#waitUntilApplied(found.account, deadline)
          }),
        )
      }
      return false
    })
  }

  /** Starts the background loop, which applies all accounts that are due, including those from before a restart. */
  start(): void {
    let leasesDropped = false
    const settings = { name: 'reconciling accounts', everyMs: POLL_MS, log: this.#observer.log }
    this.#loop = startLoop(settings, async () => {
      if (!leasesDropped) this.#isAlone = await this.#dir.store.dropStaleLeases()
      leasesDropped = true
      // The next attempt starts as soon as one has ended, so that a slow account does not delay the others.
      while (await this.#startDue()) await Promise.race(this.#started)
    })
  }

  /** Cancels the attempts that run; the next start repeats them. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#loop?.stop()
    await this.#waitForRunning()
  }

  /** Runs attempts until no account is due. For tests, which must not sleep. */
  async drain(): Promise<void> {
    do {
      await this.#waitForRunning()
      await this.#startDue()
    } while (this.#running.size > 0)
  }

  async #waitForRunning(): Promise<void> {
    await Promise.allSettled([...this.#running.values()].map(async (attempt) => (await attempt).recorded))
  }

  /**
   * Starts attempts at accounts that are due, CONCURRENCY at the same time.
   * @returns whether no more can start now
   */
  async #startDue(): Promise<boolean> {
    if (this.#stopping.signal.aborted) return false
    const now = this.#dir.now().toISOString()
    const free = CONCURRENCY - this.#started.size
    // Accounts of running attempts are still due, and are skipped below.
    const limit = free + this.#running.size
    const { by } = this.leaseTerms
    const due = await this.#dir.store.read((tx) => selectDueAccounts(tx, { now, by, limit }))
    for (const pk of due.filter((one) => !this.#running.has(one)).slice(0, free)) {
      const attempt = this.#run(pk)
        .catch((error) => this.#backOff(error))
        .finally(() => this.#started.delete(attempt))
      this.#started.add(attempt)
    }
    return this.#started.size >= CONCURRENCY
  }

  /** Keeps one slot of the loop busy for a while, so that a failing store is not asked without a pause. */
  async #backOff(error: unknown): Promise<void> {
    const { signal } = this.#stopping
    this.#observer.log.error({ err: error }, 'the store failed during an attempt')
    await pause(POLL_MS, undefined, { signal }).catch(() => undefined)
  }
}
