import { setTimeout as pause } from 'node:timers/promises'
import type { Directory } from '../directory/directory.ts'
import { read, unavailable } from '../directory/unit.ts'
import type { Account } from '../model/accounts.ts'
import type { Credential } from '../model/credentials.ts'
import { newId } from '../model/ids.ts'
import type { Platform, PlatformStatus } from '../platform/platform.ts'
import {
  dropLeases,
  type Lease,
  selectAccountToReconcile,
  selectDueAccounts,
} from '../store/accounts/accounts.ts'
import { selectUnappliedAccounts } from '../store/accounts/changes.ts'
import { type Attempted, type Attempts, attemptAccount, newLease, type Observer } from './attempt.ts'
import { withDeadline } from './deadline.ts'
import { toWanted, type Wanted } from './wanted.ts'

/** How often the loop looks for accounts that are due. */
const POLL_MS = 1_000
const AT_ONCE = 8
/** How often `settle` looks again while somebody else holds the lease. */
const LOOK_AGAIN_MS = 50

/**
 * Brings platforms to what the directory wants: level-triggered, so it never matters what happened before, only
 * what is wanted and what has been applied. A failed attempt is kept and repeated with growing pauses.
 */
export class Reconciler {
  readonly #dir: Directory
  readonly #platform: Platform
  readonly #observer: Observer
  readonly #attempts: Attempts
  readonly #stopping = new AbortController()
  /** The attempts that are under way, or not recorded yet. */
  readonly #running = new Map<number, Promise<Attempted>>()
  /** The attempts that the loop has begun. */
  readonly #begun = new Set<Promise<unknown>>()
  #loop: Promise<void> = Promise.resolve()

  constructor(dir: Directory, platform: Platform, observer: Observer) {
    this.#dir = dir
    this.#platform = platform
    this.#observer = observer
    this.#attempts = { dir, platform, observer, by: newId(), stopping: this.#stopping.signal }
  }

  /** Begins to work off accounts that are due, also those left over from before a restart. */
  start(): void {
    this.#loop = this.#work()
  }

  /** Gives up the attempts that are under way; the next start makes them again. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#loop
    await this.#ended()
  }

  /** Claims an account, in the commit that creates it, for `settleNew`. */
  newLease(): Lease {
    return newLease(this.#attempts)
  }

  /**
   * Reconciles one account now, for a caller who needs it on the platform.
   * @param deadlineMs how long the caller can wait
   * @returns whether the platform has the state that was wanted when the account was read; if not, the loop goes on trying
   * @throws {DirectoryError} `store_unavailable`
   */
  async settle(
    account: Pick<Account, 'pk' | 'appliedVersion' | 'desiredVersion'>,
    deadlineMs: number,
  ): Promise<boolean> {
    if (account.appliedVersion >= account.desiredVersion) return true
    return this.#until(deadlineMs, (deadline) => this.#settle(account, deadline))
  }

  /**
   * The same for an account that has just been created with a lease of `newLease`, and its credential: what is wanted
   * of it need not be read.
   */
  async settleNew(account: Account, credential: Credential, deadlineMs: number): Promise<boolean> {
    const created = toWanted(account, credential)
    return this.#until(deadlineMs, (deadline) => this.#settle(account, deadline, created))
  }

  /**
   * Reconciles an account that shall be gone now.
   * @returns `data_left` when it owns data that was not to be removed, and therefore exists as before
   */
  async settleRemoval(account: Account, deadlineMs: number): Promise<'gone' | 'data_left' | 'late'> {
    if (!(await this.settle(account, deadlineMs))) return 'late'
    const found = await read(this.#dir, (tx) => selectAccountToReconcile(tx, account.pk))
    return found?.wanted ? 'data_left' : 'gone'
  }

  /**
   * Reconciles all accounts of a tenant now.
   * @returns whether all of them were applied in time; if not, the loop goes on trying
   */
  async settleTenant(tenantPk: number, deadlineMs: number): Promise<boolean> {
    return this.#until(deadlineMs, async (deadline) => {
      const { store } = this.#dir
      while (!deadline.aborted) {
        const pks = await store.read((tx) => selectUnappliedAccounts(tx, tenantPk, AT_ONCE))
        if (pks.length === 0) return true
        await Promise.all(
          pks.map(async (pk) => {
            const found = await store.read((tx) => selectAccountToReconcile(tx, pk))
            return found && this.#settle(found.account, deadline)
          }),
        )
      }
      return false
    })
  }

  /** The platform's name, and whether it is well. */
  async platformStatus(): Promise<PlatformStatus & { name: string }> {
    return { name: this.#platform.name, ...(await this.#platform.status()) }
  }

  /** Works until no account is due. For tests, which would otherwise have to sleep. */
  async drain(): Promise<void> {
    do {
      await this.#ended()
      await this.#beginDue()
    } while (this.#running.size > 0)
  }

  async #ended(): Promise<void> {
    await Promise.allSettled([...this.#running.values()].map(async (attempt) => (await attempt).recorded))
  }

  /** What work answers, or false when the deadline comes first; whatever is under way goes on. */
  async #until(deadlineMs: number, work: (deadline: AbortSignal) => Promise<boolean>): Promise<boolean> {
    try {
      return await withDeadline(deadlineMs, work, () => false)
    } catch (error) {
      throw unavailable(error)
    }
  }

  async #settle(
    { pk, desiredVersion }: Pick<Account, 'pk' | 'desiredVersion'>,
    deadline: AbortSignal,
    created?: Wanted,
  ): Promise<boolean> {
    // Whoever waits gets one attempt at once; after that the pauses between attempts hold for everybody.
    if ((await this.#begin(pk, created)) >= desiredVersion) return true
    while (!deadline.aborted && !this.#stopping.signal.aborted) {
      const found = await this.#dir.store.read((tx) => selectAccountToReconcile(tx, pk))
      if (!found) return false
      // An attempt that was under way may have applied an older state than the one that is waited for.
      if (found.account.appliedVersion >= desiredVersion) return true
      const isDue = found.dueAt <= this.#dir.now().toISOString()
      if (isDue && (await this.#begin(pk)) > 0) continue
      await pause(LOOK_AGAIN_MS)
    }
    return false
  }

  async #work(): Promise<void> {
    const { signal } = this.#stopping
    let dropped = !this.#dir.store.singleProcess
    while (!signal.aborted) {
      try {
        if (!dropped) await this.#dir.store.write(dropLeases)
        dropped = true
        await this.#beginDue()
      } catch (error) {
        this.#observer.log.error({ err: error }, 'the store cannot be asked for accounts that are due')
      }
      // As soon as one has ended the next one begins, so that a slow one holds up nobody.
      if (this.#begun.size >= AT_ONCE) await Promise.race(this.#begun)
      else await pause(POLL_MS, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Begins attempts at accounts that are due, up to so many at once. */
  async #beginDue(): Promise<void> {
    if (this.#stopping.signal.aborted) return
    const now = this.#dir.now().toISOString()
    const free = AT_ONCE - this.#begun.size
    // Those under way are due until they are recorded.
    const limit = free + this.#running.size
    const due = await this.#dir.store.read((tx) =>
      selectDueAccounts(tx, { now, by: this.#attempts.by, limit }),
    )
    for (const pk of due.filter((one) => !this.#running.has(one)).slice(0, free)) {
      const attempt = this.#begin(pk)
        .catch((error) => this.#rest(error))
        .finally(() => this.#begun.delete(attempt))
      this.#begun.add(attempt)
    }
  }

  /** A store that fails is not asked again and again. */
  async #rest(error: unknown): Promise<void> {
    const { signal } = this.#stopping
    this.#observer.log.error({ err: error }, 'the store failed during an attempt')
    await pause(POLL_MS, undefined, { signal }).catch(() => undefined)
  }

  /**
   * One attempt; callers in this process that want the same account at the same time share it.
   * @returns the version that the platform has now; 0 when it did not come to that, or could not be recorded
   */
  async #begin(pk: number, created?: Wanted): Promise<number> {
    const running = this.#running.get(pk) ?? this.#attempt(pk, created)
    const { version, recorded } = await running
    // Nobody waits for the record of a new account, but where other processes must find the account free: one that is
    // killed before it would leave them the rest of its lease to wait for.
    if (created && this.#dir.store.singleProcess) return version
    return (await recorded) ? version : 0
  }

  #attempt(pk: number, created: Wanted | undefined): Promise<Attempted> {
    const attempt = attemptAccount(this.#attempts, pk, created)
    this.#running.set(pk, attempt)
    const forget = (): boolean => this.#running.delete(pk)
    attempt.then(({ recorded }) => recorded).then(forget, forget)
    return attempt
  }
}
