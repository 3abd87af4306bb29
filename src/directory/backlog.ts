import type { Account } from '../model/accounts.ts'
import type { AccountFailure, Backlog, FailureState } from '../model/backlog.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import { foldId } from '../model/ids.ts'
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

/** The most accounts that one unit makes due. An outage may leave very many, and other units wait for this one. */
const PAGE = 1_000

/**
 * Counts the accounts that are not applied, for metrics and the command line.
 * @returns the counts, and how many seconds ago the oldest of the accounts was changed; 0 if there are none
 * @throws {DirectoryError} `store_unavailable`
 */
export async function readBacklog(dir: Directory): Promise<Backlog & { oldestSeconds: number }> {
  const backlog = await read(dir, selectBacklog)
  const { oldest } = backlog
  const age = oldest === null ? 0 : (dir.now().getTime() - Date.parse(oldest)) / 1000
  return { ...backlog, oldestSeconds: Math.max(0, age) }
}

/**
 * Counts the accounts that exist and are applied.
 * @throws {DirectoryError} `store_unavailable`
 */
export function countAppliedAccounts(dir: Directory): Promise<number> {
  return read(dir, countApplied)
}

/**
 * Lists a page of the accounts whose last attempt failed, oldest first.
 * @param page.after the `number` of the last failure of the page before; 0 for the first page
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function listFailures(
  dir: Directory,
  ctx: Context,
  page: { after: number; limit: number; state?: FailureState | undefined },
): Promise<AccountFailure[]> {
  return runRead(dir, ctx, 'ListFailures', ({ tx }) => selectFailedAccounts(tx, page))
}

/**
 * Makes the failed accounts of a user due now, as if they had not failed before.
 * @returns the number of accounts
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `store_unavailable`
 */
export function retryUser(dir: Directory, ctx: Context, id: string): Promise<number> {
  const userId = foldId(id)
  return runUnit(dir, ctx, { operation: 'RetryAccounts', target: userId }, async (unit) => {
    const retried = await markAccountsOfUserDue(unit.tx, userId, unit.now)
    if (retried > 0) await unit.audit({ outcome: 'retried' })
    else if (!(await hasHadAccount(unit.tx, userId)))
      throw new DirectoryError('user_not_found', `There is no user with the id ${userId} on a platform.`)
    return retried
  })
}

/**
 * Makes all failed accounts due now, in several commits if there are many. Each commit has an audit entry.
 * @returns the number of accounts
 * @throws {DirectoryError} `not_permitted`; `store_unavailable`, after which some of the accounts may be due
 */
export async function retryAll(dir: Directory, ctx: Context): Promise<number> {
  let total = 0
  for (let after: number | null = 0; after !== null; ) {
    const page = { after, limit: PAGE }
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
 * Requests that an account is applied again, because it differs on its platform. For a removed account this only writes
 * the audit entry.
 * @param request.exists whether the account exists; false for a removed one
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function reapplyAccount(
  dir: Directory,
  ctx: Context,
  { account, exists }: { account: Account; exists: boolean },
): Promise<void> {
  return runUnit(dir, ctx, { operation: 'ReapplyAccount', target: account.userId }, async (unit) => {
    if (exists) await requestApply(unit.tx, account.pk, unit.now)
    await unit.audit({ outcome: 'reapplied', organization: await findCustomerId(unit.tx, account) })
  })
}
