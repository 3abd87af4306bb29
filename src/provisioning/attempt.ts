import type { Directory } from '../directory/directory.ts'
import { DataLeftError, type Platform, PlatformError, type WantedAccount } from '../platform/platform.ts'
import {
  type Claimed,
  claimAccount,
  type Lease,
  markAccountApplied,
  markAccountFailed,
  releaseAccount,
  selectFailureCounts,
} from '../store/accounts/accounts.ts'
import {
  deleteRemovedAccount,
  deleteRemovedCredentials,
  markAccountRestored,
  markLateAccountRemoved,
} from '../store/accounts/changes.ts'
import type { Tx } from '../store/port.ts'
import { withDeadline } from './deadline.ts'
import { planAttempt } from './pauses.ts'
import { findWanted, type Wanted } from './wanted.ts'

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

/** What has become of an attempt. */
export interface Attempted {
  /** What the platform has now; 0 when it did not come to that. */
  readonly version: number
  /** Whether that has been recorded. Until it is known the next attempt at the account must not begin. */
  readonly recorded: Promise<boolean>
}

/**
 * Tries once to bring an account to its platform, if nobody else does so at the moment.
 * @param created the account as it has just been created, with the lease for this attempt
 * @throws {StoreError} when the attempt could not begin, or not be given back on a stop
 */
export async function attemptAccount(attempts: Attempts, pk: number, created?: Wanted): Promise<Attempted> {
  const { dir, by, observer } = attempts
  const claim = (): Promise<boolean> => dir.store.write((tx) => claimAccount(tx, pk, newLease(attempts)))
  if (!created && !(await claim())) return NOTHING
  const begun = performance.now()
  const { outcome, ...attempted } = await bring(attempts, { pk, by }, created)
  observer.observeAttempt(outcome, (performance.now() - begun) / 1000)
  return attempted
}

const NOTHING: Attempted = { version: 0, recorded: Promise.resolve(false) }

async function bring(
  attempts: Attempts,
  claimed: Claimed,
  created: Wanted | undefined,
): Promise<Attempted & { outcome: AttemptOutcome }> {
  const { dir, platform, stopping } = attempts
  const { pk } = claimed
  try {
    const { account, wanted } = created ?? (await readWanted(attempts, pk))
    // Without this, an Usher that was started without its platform's settings would call accounts applied.
    if (account.platform !== platform.name)
      throw new PlatformError(`the account lives on ${account.platform}, and that is not configured`)
    await withDeadline(ATTEMPT_MS, (signal) => makeSo(platform, wanted, signal), giveUp, stopping)
    const version = account.desiredVersion
    return { outcome: 'applied', version, recorded: record(attempts, claimed, { account, wanted }) }
  } catch (error) {
    if (stopping.aborted) {
      await dir.store.write((tx) => releaseAccount(tx, claimed))
      return { outcome: 'stopped', ...NOTHING }
    }
    if (error instanceof DataLeftError && (await restore(attempts, pk)))
      return { outcome: 'data_left', ...NOTHING }
    await keepFailure(attempts, claimed, error)
    return { outcome: error instanceof LateError ? 'late' : 'failed', ...NOTHING }
  }
}

function giveUp(): never {
  throw new LateError()
}

/** The record of a new account can wait: one that is lost lets the account be applied once more. */
async function record(attempts: Attempts, claimed: Claimed, { account, wanted }: Wanted): Promise<boolean> {
  const { store, now } = attempts.dir
  const { pk } = claimed
  const note = async (tx: Tx): Promise<void> => {
    await markAccountApplied(tx, claimed, account.desiredVersion)
    if (wanted.state === 'gone') return deleteRemovedAccount(tx, pk, now().toISOString())
    if (account.appliedVersion === 0) await markLateAccountRemoved(tx, pk, now().toISOString())
    if (!wanted.isNew) await deleteRemovedCredentials(tx, pk)
  }
  try {
    await (wanted.isNew ? store.writeLater(note) : store.write(note))
    return true
  } catch (error) {
    await keepFailure(attempts, claimed, error)
    return false
  }
}

async function readWanted({ dir, observer }: Attempts, pk: number): Promise<Wanted> {
  const found = await dir.store.read((tx) => findWanted(dir, tx, pk))
  if (!found) throw new PlatformError('the account has vanished from the directory')
  for (const { accessKey, secretKey } of found.wanted.credentials)
    if (secretKey === null)
      observer.log.error({ account: pk, accessKey }, 'the secret of a key cannot be opened')
  return found
}

/** A removal counts once the platform itself no longer knows the account: a platform's own word for it is not enough. */
async function makeSo(platform: Platform, wanted: WantedAccount, signal: AbortSignal): Promise<void> {
  await platform.apply(wanted, signal)
  if (wanted.state === 'gone' && (await platform.read(wanted.canonicalUserId, signal)) !== null)
    throw new PlatformError('the platform still has the account after its removal')
}

/** Keeps an account whose removal met data that nobody said to remove. Answers whether that was possible. */
async function restore({ dir, observer }: Attempts, pk: number): Promise<boolean> {
  try {
    return await dir.store.write((tx) => markAccountRestored(tx, pk, dir.now().toISOString()))
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
      const before = await selectFailureCounts(tx, pk)
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
