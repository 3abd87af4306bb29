import type { Directory } from '../directory/directory.ts'
import { DataLeftError, type Platform, PlatformError, type WantedAccount } from '../platform/platform.ts'
import {
  forgetDeletedCredentials,
  forgetRemovedAccount,
  removeAccount,
  restoreAccount,
} from '../store/account-changes.ts'
import {
  type Claimed,
  claimAccount,
  type Lease,
  markAccountApplied,
  markAccountFailed,
  readFailures,
  releaseAccount,
} from '../store/accounts.ts'
import { planAttempt } from './pauses.ts'
import { findWanted } from './wanted.ts'

/** How long one attempt may take, and how much longer nobody else may begin one. */
export const ATTEMPT_MS = 10_000
const LEASE_MS = 3 * ATTEMPT_MS

/**
 * How an attempt ended: `late` when the platform did not answer in time, `data_left` when the account was to go and
 * stays for its data, `stopped` when Usher stopped meanwhile.
 */
export type AttemptOutcome = 'applied' | 'failed' | 'late' | 'data_left' | 'stopped'

interface Log {
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Who is told of attempts. */
export interface Observer {
  readonly log: Log
  observeAttempt(outcome: AttemptOutcome, seconds: number): void
}

/** What an attempt needs, and in whose name it is made. */
export interface Attempts {
  readonly dir: Directory
  readonly platform: Platform
  readonly observer: Observer
  /** Names this process in its leases. */
  readonly by: string
  readonly stopping: AbortSignal
}

class LateError extends PlatformError {
  constructor() {
    super('the platform did not answer in time')
    this.name = 'LateError'
  }
}

/** The right to make one attempt, from now on. */
export function newLease({ dir, by }: Pick<Attempts, 'dir' | 'by'>): Lease {
  const now = dir.now()
  return { now: now.toISOString(), until: new Date(now.getTime() + LEASE_MS).toISOString(), by }
}

/**
 * Tries once to bring an account to its platform, if nobody else does so at the moment.
 * @param claimed whether the lease for this attempt has been taken already
 * @returns the version that the platform has now, and that is recorded; 0 when it did not come to that
 * @throws {StoreError} when the attempt could not begin
 */
export async function attemptAccount(attempts: Attempts, pk: number, claimed: boolean): Promise<number> {
  const { dir, by, observer } = attempts
  if (!claimed && !(await dir.store.write((tx) => claimAccount(tx, pk, newLease(attempts))))) return 0
  const begun = performance.now()
  const { outcome, version } = await bring(attempts, { pk, by })
  observer.observeAttempt(outcome, (performance.now() - begun) / 1000)
  return version
}

async function bring(
  attempts: Attempts,
  claimed: Claimed,
): Promise<{ outcome: AttemptOutcome; version: number }> {
  const { store, now } = attempts.dir
  const { pk } = claimed
  try {
    const { wanted, version } = await readWanted(attempts, pk)
    await within(attempts, (signal) => makeSo(attempts.platform, wanted, signal))
    await store.write(async (tx) => {
      await markAccountApplied(tx, claimed, version)
      if (wanted.state === 'gone') await forgetRemovedAccount(tx, pk, now().toISOString())
      else await forgetDeletedCredentials(tx, pk)
    })
    return { outcome: 'applied', version }
  } catch (error) {
    if (attempts.stopping.aborted) {
      await store.write((tx) => releaseAccount(tx, claimed))
      return { outcome: 'stopped', version: 0 }
    }
    if (error instanceof DataLeftError && (await restore(attempts, pk)))
      return { outcome: 'data_left', version: 0 }
    await keepFailure(attempts, claimed, error)
    return { outcome: error instanceof LateError ? 'late' : 'failed', version: 0 }
  }
}

async function readWanted(
  attempts: Attempts,
  pk: number,
): Promise<{ wanted: WantedAccount; version: number }> {
  const { dir, platform, observer } = attempts
  const found = await dir.store.read((tx) => findWanted(dir, tx, pk))
  if (!found) throw new PlatformError('the account has vanished from the directory')
  const { account, wanted, late } = found
  if (late) {
    await dir.store.write((tx) => removeAccount(tx, pk, { purge: true, now: dir.now().toISOString() }))
    return readWanted(attempts, pk)
  }
  for (const { accessKey, secretKey } of wanted.credentials)
    if (secretKey === null)
      observer.log.error({ account: pk, accessKey }, 'the secret of a key cannot be opened')
  // Without this, an Usher that was started without its platform's settings would call accounts applied.
  if (account.platform !== platform.name)
    throw new PlatformError(`the account lives on ${account.platform}, and that is not configured`)
  return { wanted, version: account.desiredVersion }
}

/** A removal counts once the platform itself no longer knows the account: a platform's own word for it is not enough. */
async function makeSo(platform: Platform, wanted: WantedAccount, signal: AbortSignal): Promise<void> {
  await platform.apply(wanted, signal)
  if (wanted.state === 'gone' && (await platform.read(wanted.canonicalUserId, signal)) !== null)
    throw new PlatformError('the platform still has the account after its removal')
}

/** Ends with the time that an attempt may take, or with a stop, also when the platform's calls do not. */
async function within({ stopping }: Attempts, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const limit = AbortSignal.timeout(ATTEMPT_MS)
  const signal = AbortSignal.any([limit, stopping])
  const givenUp = new Promise<never>((_, reject) => {
    const giveUp = (): void => reject(new LateError())
    if (signal.aborted) giveUp()
    signal.addEventListener('abort', giveUp, { once: true })
  })
  await Promise.race([work(signal), givenUp])
}

/** Keeps an account whose removal met data that nobody said to remove. Answers whether that was possible. */
async function restore({ dir, observer }: Attempts, pk: number): Promise<boolean> {
  try {
    return await dir.store.write((tx) => restoreAccount(tx, pk, dir.now().toISOString()))
  } catch (error) {
    observer.log.error({ account: pk, err: error }, 'an account with data could not be kept')
    return false
  }
}

async function keepFailure(attempts: Attempts, claimed: Claimed, error: unknown): Promise<void> {
  const { dir, platform, observer } = attempts
  const { pk } = claimed
  // A text of somebody else's: not every store takes U+0000.
  const reason = (error instanceof Error ? error.message : String(error)).replaceAll('\0', ' ')
  const fields = { account: pk, platform: platform.name, reason }
  observer.log.warn(fields, 'an account could not be applied')
  // Of a platform that does not say that it is well, nobody knows whose failure it was.
  const isOwn = (await platform.status()).health === 'NORMAL'
  try {
    const parked = await dir.store.write(async (tx) => {
      const before = await readFailures(tx, pk)
      const ownFailures = before.ownFailures + (isOwn ? 1 : 0)
      const { pauseMs, parked } = planAttempt({ ...before, ownFailures })
      const now = dir.now()
      const dueAt = new Date(now.getTime() + pauseMs).toISOString()
      const parkedAt = parked ? (before.parkedAt ?? now.toISOString()) : null
      const kept = await markAccountFailed(tx, claimed, { error: reason, dueAt, ownFailures, parkedAt })
      return kept && parked && before.parkedAt === null
    })
    if (parked)
      observer.log.error(fields, 'an account is parked; see usher platform status and usher platform retry')
  } catch (failure) {
    // The lease hinders nobody here, and runs out for everybody else; the account is tried again.
    observer.log.error({ account: pk, err: failure }, 'a failed attempt could not be recorded')
  }
}
