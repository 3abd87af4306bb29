import type { Account } from '../model/accounts.ts'
import type { AccountFailure, Backlog, FailureState } from '../model/backlog.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import {
  countApplied,
  hasHadAccount,
  markAccountsDue,
  markAccountsOfUserDue,
  selectBacklog,
  selectFailedAccounts,
} from '../store/accounts/backlog.ts'
import { requestApply } from '../store/accounts/changes.ts'
import type { Directory } from './directory.ts'
import { findCustomerId } from './reach.ts'
import { read, runRead, runUnit } from './unit.ts'

/** So many accounts are made due in one unit: an outage may have left very many, and nobody else shall wait long. */
const AT_ONCE = 1_000

/** What has not been applied, and how long the oldest has been waiting. */
export async function readBacklog(dir: Directory): Promise<Backlog & { oldestSeconds: number }> {
  const backlog = await read(dir, selectBacklog)
  const { oldest } = backlog
  const age = oldest === null ? 0 : (dir.now().getTime() - Date.parse(oldest)) / 1000
  return { ...backlog, oldestSeconds: Math.max(0, age) }
}

/** How many accounts exist and are applied. */
export function countAppliedAccounts(dir: Directory): Promise<number> {
  return read(dir, countApplied)
}

/** One page of the accounts whose last attempt failed, oldest first. */
export function listFailures(
  dir: Directory,
  ctx: Context,
  page: { after: number; limit: number; state?: FailureState | undefined },
): Promise<AccountFailure[]> {
  return runRead(dir, ctx, 'ListFailures', ({ tx }) => selectFailedAccounts(tx, page))
}

/**
 * Has the accounts of a user tried now whose last attempt failed, as if it had been the first.
 * @returns how many there are
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `store_unavailable`
 */
export function retryUser(dir: Directory, ctx: Context, userId: string): Promise<number> {
  return runUnit(dir, ctx, { operation: 'RetryAccounts', target: userId }, async (unit) => {
    const retried = await markAccountsOfUserDue(unit.tx, userId, unit.now)
    if (retried > 0) await unit.audit({ outcome: 'retried' })
    else if (!(await hasHadAccount(unit.tx, userId)))
      throw new DirectoryError('user_not_found', `There is no user with the id ${userId} on a platform.`)
    return retried
  })
}

/**
 * Has all accounts tried now whose last attempt failed. Each unit of work leaves an audit entry.
 * @returns how many there are
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`; some may have been made due then
 */
export async function retryAll(dir: Directory, ctx: Context): Promise<number> {
  let total = 0
  for (let after: number | null = 0; after !== null; ) {
    const page = { after, limit: AT_ONCE }
    const { retried, last } = await runUnit(dir, ctx, { operation: 'RetryAccounts' }, async (unit) => {
      const done = await markAccountsDue(unit.tx, { ...page, now: unit.now })
      if (done.retried > 0) await unit.audit({ outcome: 'retried' })
      return done
    })
    total += retried
    after = last
  }
  return total
}

/**
 * Wants an account applied anew, since its platform was found to have something else. For one that is removed, it
 * leaves no more than the audit entry.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function reapplyAccount(
  dir: Directory,
  ctx: Context,
  { account, wanted }: { account: Account; wanted: boolean },
): Promise<void> {
  return runUnit(dir, ctx, { operation: 'ReapplyAccount', target: account.userId }, async (unit) => {
    if (wanted) await requestApply(unit.tx, account.pk, unit.now)
    await unit.audit({ outcome: 'reapplied', organization: await findCustomerId(unit.tx, account) })
  })
}
