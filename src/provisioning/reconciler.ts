import { setTimeout as pause } from 'node:timers/promises'
import type { Directory } from '../directory/directory.ts'
import { credentialIdentity } from '../directory/sealer.ts'
import { read, unavailable } from '../directory/unit.ts'
import { newId } from '../model/ids.ts'
import { type Account, MAX_CREDENTIALS } from '../model/tenants.ts'
import {
  DataLeftError,
  type Platform,
  PlatformError,
  type PlatformStatus,
  type WantedAccount,
} from '../platform/platform.ts'
import {
  forgetDeletedCredentials,
  forgetRemovedAccount,
  listUnappliedAccounts,
  restoreAccount,
} from '../store/account-changes.ts'
import {
  type Claimed,
  claimAccount,
  countAttempts,
  dropLeases,
  findAccountToReconcile,
  listDueAccounts,
  markAccountApplied,
  markAccountFailed,
  releaseAccount,
} from '../store/accounts.ts'
import { listCredentials } from '../store/credentials.ts'

/** How long one attempt may take, and how much longer nobody else may begin one. */
const ATTEMPT_MS = 10_000
const LEASE_MS = 3 * ATTEMPT_MS
/** How often the loop looks for accounts that are due. */
const POLL_MS = 1_000
const AT_ONCE = 8
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 5 * 60_000
/** How often `settle` looks again while somebody else holds the lease. */
const LOOK_AGAIN_MS = 50

/** One attempt at one account. */
interface Attempt {
  /** The version that the platform has been seen to have, as soon as it has; 0 when it did not come to that. */
  readonly applied: Promise<number>
  /** Whether the account was applied, when that has been recorded too. */
  readonly ended: Promise<boolean>
}

interface Log {
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/**
 * Brings platforms to what the directory wants: level-triggered, so it never matters what happened before, only
 * what is wanted and what has been applied. A failed attempt is kept and repeated with growing pauses.
 */
export class Reconciler {
  readonly #dir: Directory
  readonly #platform: Platform
  readonly #log: Log
  readonly #stopping = new AbortController()
  readonly #running = new Map<number, Attempt>()
  /** The attempts that the loop has begun. */
  readonly #begun = new Set<Promise<unknown>>()
  /** Names this process in its leases. */
  readonly #by = newId()
  #loop: Promise<void> = Promise.resolve()

  constructor(dir: Directory, platform: Platform, log: Log) {
    this.#dir = dir
    this.#platform = platform
    this.#log = log
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
   * Reconciles an account that shall be gone now.
   * @returns `data_left` when it owns data that was not to be removed, and therefore exists as before
   */
  async settleRemoval(account: Account, deadlineMs: number): Promise<'gone' | 'data_left' | 'late'> {
    if (!(await this.settle(account, deadlineMs))) return 'late'
    const found = await read(this.#dir, (tx) => findAccountToReconcile(tx, account.pk))
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
        const pks = await store.read((tx) => listUnappliedAccounts(tx, tenantPk, AT_ONCE))
        if (pks.length === 0) return true
        await Promise.all(
          pks.map(async (pk) => {
            const found = await store.read((tx) => findAccountToReconcile(tx, pk))
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
    await Promise.allSettled([...this.#running.values()].map(({ ended }) => ended))
  }

  /** What work answers, or false when the deadline comes first; whatever is under way goes on. */
  async #until(deadlineMs: number, work: (deadline: AbortSignal) => Promise<boolean>): Promise<boolean> {
    const deadline = AbortSignal.timeout(deadlineMs)
    const expired = new Promise<boolean>((resolve) => {
      deadline.addEventListener('abort', () => resolve(false), { once: true })
    })
    try {
      return await Promise.race([work(deadline), expired])
    } catch (error) {
      throw unavailable(error)
    }
  }

  async #settle(
    { pk, desiredVersion }: Pick<Account, 'pk' | 'desiredVersion'>,
    deadline: AbortSignal,
  ): Promise<boolean> {
    // Whoever waits gets one attempt at once; after that the pauses between attempts hold for everybody.
    const { applied, ended } = this.#begin(pk)
    if ((await applied) >= desiredVersion) return true
    await ended
    while (!deadline.aborted) {
      const found = await this.#dir.store.read((tx) => findAccountToReconcile(tx, pk))
      if (!found) return false
      // An attempt that was under way may have applied an older state than the one that is waited for.
      if (found.account.appliedVersion >= desiredVersion) return true
      const isDue = found.dueAt <= this.#dir.now().toISOString()
      if (isDue && (await this.#begin(pk).ended)) continue
      await pause(LOOK_AGAIN_MS)
    }
    return false
  }

  async #work(): Promise<void> {
    const { signal } = this.#stopping
    let dropped = !this.#dir.store.embedded
    while (!signal.aborted) {
      try {
        if (!dropped) await this.#dir.store.write(dropLeases)
        dropped = true
        await this.#beginDue()
      } catch (error) {
        this.#log.error({ err: error }, 'the store cannot be asked for accounts that are due')
      }
      // As soon as one has ended the next one begins, so that a slow one holds up nobody.
      if (this.#begun.size >= AT_ONCE) await Promise.race(this.#begun)
      else await pause(POLL_MS, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Begins attempts at accounts that are due, up to so many at once. */
  async #beginDue(): Promise<void> {
    const now = this.#dir.now().toISOString()
    const free = AT_ONCE - this.#begun.size
    // Those under way are due until they are recorded.
    const limit = free + this.#running.size
    const due = await this.#dir.store.read((tx) => listDueAccounts(tx, { now, by: this.#by, limit }))
    for (const pk of due.filter((one) => !this.#running.has(one)).slice(0, free)) {
      const attempt = this.#begin(pk)
        .ended.catch((error) => this.#rest(error))
        .finally(() => this.#begun.delete(attempt))
      this.#begun.add(attempt)
    }
  }

  /** A store that fails is not asked again and again. */
  async #rest(error: unknown): Promise<void> {
    const { signal } = this.#stopping
    this.#log.error({ err: error }, 'the store failed during an attempt')
    await pause(POLL_MS, undefined, { signal }).catch(() => undefined)
  }

  /** One attempt; callers in this process that want the same account at the same time share it. */
  #begin(pk: number): Attempt {
    const running = this.#running.get(pk)
    if (running) return running
    const applied = Promise.withResolvers<number>()
    const ended = this.#attempt(pk, applied.resolve).finally(() => {
      this.#running.delete(pk)
      applied.resolve(0)
    })
    // Whoever has seen it applied does not wait for the end.
    ended.catch(() => undefined)
    const attempt = { applied: applied.promise, ended }
    this.#running.set(pk, attempt)
    return attempt
  }

  /** @param onApplied told before it is recorded: should that be lost, the account is applied again, which changes nothing */
  async #attempt(pk: number, onApplied: (version: number) => void): Promise<boolean> {
    const { store, now } = this.#dir
    const until = new Date(now().getTime() + LEASE_MS).toISOString()
    const lease = { now: now().toISOString(), until, by: this.#by }
    if (!(await store.write((tx) => claimAccount(tx, pk, lease)))) return false
    const claimed = { pk, by: this.#by }
    try {
      const { wanted, version } = await this.#readWanted(pk)
      await this.#apply(wanted)
      // What is gone may be made anew, so nobody is told before the directory has forgotten it.
      if (wanted.state !== 'gone') onApplied(version)
      await store.write(async (tx) => {
        await markAccountApplied(tx, claimed, version)
        if (wanted.state === 'gone') await forgetRemovedAccount(tx, pk, now().toISOString())
        else await forgetDeletedCredentials(tx, pk)
      })
      return true
    } catch (error) {
      if (this.#stopping.signal.aborted) await store.write((tx) => releaseAccount(tx, claimed))
      else if (!(error instanceof DataLeftError && (await this.#restore(pk))))
        await this.#keepFailure(claimed, error)
      return false
    }
  }

  /** Keeps an account whose removal met data that nobody said to remove. Answers whether that was possible. */
  async #restore(pk: number): Promise<boolean> {
    const { store, now } = this.#dir
    try {
      return await store.write((tx) => restoreAccount(tx, pk, now().toISOString()))
    } catch (error) {
      this.#log.error({ account: pk, err: error }, 'an account with data could not be kept')
      return false
    }
  }

  /** Ends with the time that an attempt may take, or with a stop, also when the platform's call does not. */
  async #apply(wanted: WantedAccount): Promise<void> {
    const signal = AbortSignal.any([AbortSignal.timeout(ATTEMPT_MS), this.#stopping.signal])
    const givenUp = new Promise<never>((_, reject) => {
      const giveUp = (): void => reject(new PlatformError('the platform did not answer in time'))
      if (signal.aborted) giveUp()
      signal.addEventListener('abort', giveUp, { once: true })
    })
    await Promise.race([this.#platform.apply(wanted, signal), givenUp])
  }

  async #readWanted(pk: number): Promise<{ wanted: WantedAccount; version: number }> {
    const { store, sealer } = this.#dir
    return store.read(async (tx) => {
      const found = await findAccountToReconcile(tx, pk)
      if (!found) throw new PlatformError('the account has vanished from the directory')
      const { account } = found
      // Without this, an Usher that was started without its platform's settings would call accounts applied.
      if (account.platform !== this.#platform.name)
        throw new PlatformError(`the account lives on ${account.platform}, and that is not configured`)
      const sealed = await listCredentials(tx, pk, { limit: MAX_CREDENTIALS })
      const { tenantId, userId, canonicalUserId, username, desiredVersion } = account
      const credentials = sealed.map(({ accessKey, sealedSecret, active }) => ({
        accessKey,
        secretKey: sealer.open(sealedSecret, credentialIdentity(accessKey)),
        active,
      }))
      // The first claim of the first version: whatever ended before it could apply the account has counted as an attempt.
      const isNew = desiredVersion === 1 && found.attempts === 1
      const state = !found.wanted ? 'gone' : account.active ? 'active' : 'suspended'
      return {
        wanted: {
          tenantId,
          userId,
          canonicalUserId,
          displayName: username,
          state,
          isNew,
          purge: found.purge,
          credentials,
        },
        version: desiredVersion,
      }
    })
  }

  async #keepFailure(claimed: Claimed, error: unknown): Promise<void> {
    const { pk } = claimed
    const { store, now } = this.#dir
    const reason = error instanceof Error ? error.message : String(error)
    this.#log.warn({ account: pk, platform: this.#platform.name, reason }, 'an account could not be applied')
    try {
      await store.write(async (tx) => {
        const dueAt = new Date(now().getTime() + pauseAfter(await countAttempts(tx, pk))).toISOString()
        await markAccountFailed(tx, claimed, { error: reason, dueAt })
      })
    } catch (failure) {
      // The lease hinders nobody here, and runs out for everybody else; the account is tried again.
      this.#log.error({ account: pk, err: failure }, 'a failed attempt could not be recorded')
    }
  }
}

/** Doubles with each attempt up to a limit; a random fifth keeps accounts that failed together from returning together. */
function pauseAfter(attempts: number): number {
  const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (attempts - 1), LONGEST_PAUSE_MS)
  return pauseMs * (0.9 + Math.random() * 0.2)
}
