import type { KeptOutcome } from '../model/attempts.ts'
import { formatCause } from '../model/causes.ts'
import { DataLeftError, PlatformError, type Platforms } from '../platform/platform.ts'
import { insertAttempt } from '../store/accounts/attempts.ts'
import { markAccountRestored } from '../store/accounts/changes.ts'
import {
  type Failures,
  markAccountFailed,
  releaseAccount,
  selectFailureCounts,
} from '../store/accounts/leases.ts'
import type { Tx } from '../store/port.ts'
import { causeOf, describeError } from './causes.ts'
import type { Desired } from './desired.ts'
import type { AttemptDeps, AttemptOutcome } from './observer.ts'
import { planAttempt } from './pauses.ts'

/** The platform did not respond within the time limit of an attempt. */
export class LateError extends PlatformError {
  constructor() {
    super('the platform did not respond in time', undefined, 'late')
    this.name = 'LateError'
  }
}

/** Makes the error for an account of a platform that this process has no settings for. */
export function notConfigured(platform: string): PlatformError {
  const message = `the account lives on ${platform}, and that is not configured`
  return new PlatformError(message, undefined, 'not_configured')
}

/** Makes the error for an account that can be read although it was removed. */
export function stillThere(): PlatformError {
  const message = 'the platform still has the account after its removal'
  return new PlatformError(message, undefined, 'still_there')
}

/** Why an attempt failed. */
export interface Failure {
  readonly error: unknown
  /** What was to be applied; undefined if the attempt failed before the account was read. */
  readonly desired: Desired | undefined
  /** How long the attempt took, in milliseconds. */
  readonly ms: number
}

/**
 * Stores that an attempt failed, and when the next one is due. Cancels a removal without purge if the account owns data.
 * @throws {StoreError} if Usher stops and the claim could not be released
 */
export async function recordFailure(
  deps: AttemptDeps,
  pk: number,
  failure: Failure,
): Promise<AttemptOutcome> {
  if (deps.stopping.aborted) {
    await deps.dir.store.write((tx) => releaseAccount(tx, { pk, by: deps.leaseTerms.by }))
    return 'stopped'
  }
  if (failure.error instanceof DataLeftError && (await restore(deps, pk, failure))) return 'data_left'
  await backOff(deps, pk, failure)
  return outcomeOf(failure)
}

function outcomeOf({ error }: Failure): 'late' | 'failed' {
  return error instanceof LateError ? 'late' : 'failed'
}

/** Cancels a removal without purge, because the account owns data. Returns whether that succeeded. */
async function restore(deps: AttemptDeps, pk: number, failure: Failure): Promise<boolean> {
  const { dir, observer } = deps
  try {
    return await dir.store.write(async (tx) => {
      const change = await selectFailureCounts(tx, pk)
      const restored = await markAccountRestored(tx, pk, dir.now().toISOString())
      if (restored) await keepFailure(deps, tx, { pk, failure, outcome: 'data_left', change })
      return restored
    })
  } catch (error) {
    observer.log.error({ account: pk, err: error }, 'restoring an account with data failed')
    return false
  }
}

/** Stores the failure and when the next attempt is due. Parks an account that keeps failing on a healthy platform. */
export async function backOff(deps: AttemptDeps, pk: number, failure: Failure): Promise<void> {
  const { dir, platforms, observer, leaseTerms } = deps
  const { error, desired } = failure
  const platform = desired?.account.platform
  const reason = describeError(error)
  const fields = { account: pk, platform, reason }
  const isOwn = await isOwnFailure(platforms, platform)
  // With the error itself, the log can tell an outage. A platform that is healthy has none.
  const logged = isOwn && error instanceof PlatformError ? fields : { ...fields, err: error }
  try {
    const { repeated, parked } = await dir.store.write(async (tx) => {
      const before = await selectFailureCounts(tx, pk)
      const ownFailures = before.ownFailures + (isOwn ? 1 : 0)
      const { pauseMs, parked } = planAttempt({ ...before, ownFailures })
      const now = dir.now()
      const dueAt = new Date(now.getTime() + pauseMs).toISOString()
      const parkedAt = parked ? (before.parkedAt ?? now.toISOString()) : null
      const cause = formatCause(causeOf(error))
      const values = { error: reason, cause, dueAt, ownFailures, parkedAt }
      const kept = await markAccountFailed(tx, { pk, by: leaseTerms.by }, values)
      if (kept) await keepFailure(deps, tx, { pk, failure, outcome: outcomeOf(failure), change: before })
      return { repeated: isOwn && before.ownFailures > 0, parked: kept && parked && before.parkedAt === null }
    })
    // Later failures of the same account are in `usher platform status`.
    observer.log[repeated ? 'debug' : 'warn'](logged, 'applying an account failed')
    if (parked)
      observer.log.error(fields, 'account parked; see usher platform status and usher platform retry')
  } catch (failed) {
    // The account is tried again: this process may use its own lease, and other processes wait until it expires.
    observer.log.error({ account: pk, reason, err: failed }, 'recording a failed attempt failed')
  }
}

/** Keeps an attempt that succeeded after others had failed. */
export function keepSuccess(
  { dir, node }: AttemptDeps,
  tx: Tx,
  { desired, ms }: { readonly desired: Desired; readonly ms: number },
): Promise<void> {
  const { account, changedAt } = desired
  const ended = { outcome: 'applied', cause: null, error: null, at: dir.now().toISOString() } as const
  return insertAttempt(tx, account.pk, { ...ended, version: account.desiredVersion, changedAt, node, ms })
}

/** Keeps a failed attempt. If the account was not read, it is counted to the account's newest change. */
async function keepFailure(
  { dir, node }: AttemptDeps,
  tx: Tx,
  kept: {
    readonly pk: number
    readonly failure: Failure
    readonly outcome: KeptOutcome
    readonly change: Pick<Failures, 'version' | 'changedAt'>
  },
): Promise<void> {
  const { pk, failure, outcome, change } = kept
  const { error, desired, ms } = failure
  await insertAttempt(tx, pk, {
    outcome,
    cause: causeOf(error),
    error: describeError(error),
    version: desired?.account.desiredVersion ?? change.version,
    changedAt: desired?.changedAt ?? change.changedAt,
    at: dir.now().toISOString(),
    node,
    ms,
  })
}

/**
 * Returns whether the failure counts against the account: not while its platform is unhealthy, or is not configured. If
 * the account could not be read, all platforms must be healthy.
 */
async function isOwnFailure(platforms: Platforms, name: string | undefined): Promise<boolean> {
  const own = name === undefined ? undefined : platforms.get(name)
  if (name !== undefined && !own) return false
  const statuses = await Promise.all((own ? [own] : [...platforms.values()]).map((one) => one.status()))
  return statuses.every(({ health }) => health === 'NORMAL')
}
