import { PlatformError } from '../platform/platform.ts'
import { deleteRemovedAccount, deleteRemovedCredentials } from '../store/accounts/changes.ts'
import { claimAccount, markAccountApplied, newLease, settleApplied } from '../store/accounts/leases.ts'
import type { Tx } from '../store/port.ts'
import { withDeadline } from './deadline.ts'
import { type Desired, findDesired } from './desired.ts'
import { backOff, keepSuccess, LateError, notConfigured, recordFailure, stillThere } from './failures.ts'
import type { AttemptDeps, AttemptOutcome } from './observer.ts'

/** The time limit of one attempt. */
export const ATTEMPT_MS = 10_000
/** How long an account is claimed for one attempt: long enough to run the attempt and to store its result. */
export const LEASE_MS = 3 * ATTEMPT_MS

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
  if (!platform) throw notConfigured(account.platform)
  const late = (): never => {
    throw new LateError()
  }
  await withDeadline({ ms: ATTEMPT_MS, stopping, late }, async (signal) => {
    await platform.apply(state, signal)
    if (state.status === 'gone' && (await platform.read(state.canonicalUserId, signal)) !== null)
      throw stillThere()
  })
}

/** Stores that the account was applied. For a new account a crash may lose this; the account is then applied again. */
async function recordResult(deps: AttemptDeps, desired: Desired, ms: number): Promise<boolean> {
  const { store, now } = deps.dir
  const { account, state } = desired
  const { pk, desiredVersion: version } = account
  const record = async (tx: Tx): Promise<void> => {
    if (desired.hasFailed) await keepSuccess(deps, tx, { desired, ms })
    await markAccountApplied(tx, { pk, by: deps.leaseTerms.by }, version)
    if (state.status === 'gone') return deleteRemovedAccount(tx, pk, now().toISOString())
    await settleApplied(tx, { pk, isFirst: account.appliedVersion === 0, now: now().toISOString() })
    if (!state.isNew) await deleteRemovedCredentials(tx, pk)
  }
  try {
    await store.write(record, { canWait: state.isNew ?? false })
    return true
  } catch (error) {
    await backOff(deps, pk, { error, desired, ms })
    return false
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
