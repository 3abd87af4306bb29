import type { Directory } from '../directory/directory.ts'
import type { KeptOutcome } from '../model/attempts.ts'
import { formatCause } from '../model/causes.ts'
import { DataLeftError, PlatformError, type Platforms } from '../platform/platform.ts'
import { insertAttempt } from '../store/accounts/attempts.ts'
import {
  deleteRemovedAccount,
  deleteRemovedCredentials,
  markAccountRestored,
} from '../store/accounts/changes.ts'
import {
  type Claimed,
  claimAccount,
  type Failures,
  type LeaseTerms,
  markAccountApplied,
  markAccountFailed,
  newLease,
  releaseAccount,
  selectFailureCounts,
  settleNewAccount,
} from '../store/accounts/leases.ts'
import type { Tx } from '../store/port.ts'
import { causeOf, describeError } from './causes.ts'
import { withDeadline } from './deadline.ts'
import { type Desired, findDesired } from './desired.ts'
import { planAttempt } from './pauses.ts'

/** The time limit of one attempt. */
export const ATTEMPT_MS = 10_000
/** How long an account is claimed for one attempt: long enough to run the attempt and to store its result. */
export const LEASE_MS = 3 * ATTEMPT_MS

/**
 * How an attempt ended: `late` if the platform did not respond in time, `data_left` if a removal was cancelled because
 * the account owns data, `stopped` if Usher was stopped meanwhile.
 */
export type AttemptOutcome = KeptOutcome | 'stopped'

/** Receives what the operator should know about attempts. */
export interface Observer {
  readonly log: {
    debug(fields: object, message: string): void
    warn(fields: object, message: string): void
    error(fields: object, message: string): void
  }
  observeAttempt(outcome: AttemptOutcome, seconds: number): void
}

/** What an attempt needs. */
export interface AttemptDeps {
  readonly dir: Directory
  readonly platforms: Platforms
  readonly observer: Observer
  readonly leaseTerms: LeaseTerms
  readonly stopping: AbortSignal
  /** Names this process in the kept attempts. */
  readonly node: string
}

/** The result of an attempt. */
export interface AttemptResult {
  /** The version that the platform has now; 0 if the attempt did not succeed. */
  readonly version: number
  /** Resolves to whether the result could be stored. No other attempt may start before this has resolved. */
  readonly recorded: Promise<boolean>
}

const NOTHING: AttemptResult = { version: 0, recorded: Promise.resolve(false) }

/**
 * Claims an account and tries once to bring its platform to the desired state. Does nothing if another process has
 * claimed it.
 * @param created the desired state of an account that was created with a claim; then nothing is claimed or read
 * @throws {StoreError} if the claim could not be stored, or could not be released when Usher stops
 */
export async function runAttempt(deps: AttemptDeps, pk: number, created?: Desired): Promise<AttemptResult> {
  if (!created && !(await claim(deps, pk))) return NOTHING
  const beganAt = performance.now()
  const pass = (): number => performance.now() - beganAt
  const observe = (outcome: AttemptOutcome): void => deps.observer.observeAttempt(outcome, pass() / 1000)
  let desired = created
  try {
    desired ??= await readDesired(deps, pk)
    await applyAndVerify(deps, desired)
  } catch (error) {
    observe(await recordFailure(deps, pk, { error, desired, ms: Math.round(pass()) }))
    return NOTHING
  }
  observe('applied')
  const { desiredVersion: version } = desired.account
  return { version, recorded: recordResult(deps, desired, Math.round(pass())) }
}

/** Applies the desired state. After a removal it reads the account again: the platform's confirmation is not enough. */
async function applyAndVerify(
  { platforms, stopping }: AttemptDeps,
  { account, state }: Desired,
): Promise<void> {
  const platform = platforms.get(account.platform)
  // Without this check, Usher would record accounts as applied although it has no settings of their platform.
  if (!platform)
    throw new PlatformError(
      `the account lives on ${account.platform}, and that is not configured`,
      undefined,
      'not_configured',
    )
  const late = (): never => {
    throw new LateError()
  }
  await withDeadline({ ms: ATTEMPT_MS, stopping, late }, async (signal) => {
    await platform.apply(state, signal)
    if (state.status === 'gone' && (await platform.read(state.canonicalUserId, signal)) !== null)
      throw new PlatformError(
        'the platform still has the account after its removal',
        undefined,
        'still_there',
      )
  })
}

/** Stores that the account was applied. For a new account a crash may lose this; the account is then applied again. */
async function recordResult(deps: AttemptDeps, desired: Desired, ms: number): Promise<boolean> {
  const { store, now } = deps.dir
  const { account, state, changedAt, hasFailed } = desired
  const { pk, desiredVersion: version } = account
  const claimed = toClaimed(deps, pk)
  const record = async (tx: Tx): Promise<void> => {
    const ended = { outcome: 'applied', cause: null, error: null, at: now().toISOString() } as const
    if (hasFailed) await insertAttempt(tx, pk, { ...ended, version, changedAt, node: deps.node, ms })
    await markAccountApplied(tx, claimed, account.desiredVersion)
    if (state.status === 'gone') return deleteRemovedAccount(tx, pk, now().toISOString())
    if (account.appliedVersion === 0) await settleNewAccount(tx, pk, now().toISOString())
    if (!state.isNew) await deleteRemovedCredentials(tx, pk)
  }
  try {
    await (state.isNew ? store.writeLater(record) : store.write(record))
    return true
  } catch (error) {
    await backOff(deps, claimed, { error, desired, ms })
    return false
  }
}

function toClaimed({ leaseTerms }: AttemptDeps, pk: number): Claimed {
  return { pk, by: leaseTerms.by }
}

class LateError extends PlatformError {
  constructor() {
    super('the platform did not respond in time', undefined, 'late')
    this.name = 'LateError'
  }
}

function claim({ dir, leaseTerms }: AttemptDeps, pk: number): Promise<boolean> {
  return dir.store.write((tx) => claimAccount(tx, pk, newLease(leaseTerms, dir.now())))
}

async function readDesired({ dir, observer }: AttemptDeps, pk: number): Promise<Desired> {
  const found = await dir.store.read((tx) => findDesired(dir, tx, pk))
  if (!found) throw new PlatformError('the account is no longer in the directory')
  for (const { accessKey, secretKey } of found.state.credentials)
    if (secretKey === null)
      observer.log.error({ account: pk, accessKey }, 'the secret of a key cannot be opened')
  return found
}

/** Why an attempt failed. */
interface Failure {
  readonly error: unknown
  /** What was to be applied; undefined if the attempt failed before the account was read. */
  readonly desired: Desired | undefined
  /** How long the attempt took, in milliseconds. */
  readonly ms: number
}

async function recordFailure(deps: AttemptDeps, pk: number, failure: Failure): Promise<AttemptOutcome> {
  const claimed = toClaimed(deps, pk)
  if (deps.stopping.aborted) {
    await deps.dir.store.write((tx) => releaseAccount(tx, claimed))
    return 'stopped'
  }
  if (failure.error instanceof DataLeftError && (await restore(deps, pk, failure))) return 'data_left'
  await backOff(deps, claimed, failure)
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
async function backOff(deps: AttemptDeps, claimed: Claimed, failure: Failure): Promise<void> {
  const { dir, platforms, observer } = deps
  const { pk } = claimed
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
      const kept = await markAccountFailed(tx, claimed, {
        error: reason,
        cause,
        dueAt,
        ownFailures,
        parkedAt,
      })
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
