import type { Account } from '../model/accounts.ts'
import type { Backlog } from '../model/backlog.ts'
import type { Context } from '../model/context.ts'
import { type BacklogPlace, countApplied, selectBacklogPart } from '../store/accounts/backlog.ts'
import { requestApply } from '../store/accounts/changes.ts'
import type { Directory } from './directory.ts'
import { findCustomerId } from './reach.ts'
import { read, runUnit } from './unit.ts'

/**
 * Counts the accounts that are not applied, for metrics and the command line.
 * @returns the counts, and how many seconds ago the oldest of the accounts was changed; 0 if there are none
 * @throws {DirectoryError} `store_unavailable`
 */
export async function readBacklog(dir: Directory): Promise<Backlog & { oldestSeconds: number }> {
  const backlog = await countBacklog(dir)
  const { oldest } = backlog
  const age = oldest === null ? 0 : (dir.now().getTime() - Date.parse(oldest)) / 1000
  return { ...backlog, oldestSeconds: Math.max(0, age) }
}

/** How many accounts one read counts: on SQLite, others wait for it. */
const COUNTED = 5_000

/**
 * Counts the accounts that are not applied, by state, and returns when the oldest of them was changed. After an import
 * there may be very many, so they are counted in several reads.
 * @param provider counts the accounts of this provider alone; those of all when left out
 * @throws {DirectoryError} `store_unavailable`
 */
export async function countBacklog(dir: Directory, provider?: number): Promise<Backlog> {
  let total: Backlog = { waiting: 0, failing: 0, parked: 0, oldest: null }
  let after: BacklogPlace | undefined
  do {
    const part = { after, provider, limit: COUNTED }
    const { counts, next } = await read(dir, (tx) => selectBacklogPart(tx, part))
    const { oldest } = counts
    total = {
      waiting: total.waiting + counts.waiting,
      failing: total.failing + counts.failing,
      parked: total.parked + counts.parked,
      oldest: oldest !== null && (total.oldest === null || oldest < total.oldest) ? oldest : total.oldest,
    }
    after = next
  } while (after)
  return total
}

/**
 * Counts the accounts that exist and are applied.
 * @throws {DirectoryError} `store_unavailable`
 */
export function countAppliedAccounts(dir: Directory): Promise<number> {
  return read(dir, countApplied)
}

/**
 * Requests that an account is applied again, because it differs on its platform. For a removed account this only writes
 * the audit entry.
 * @param request.exists whether the account exists; false for a removed one
 * @param request.operation `MendAccount` for a caller who mends the account of one user
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function reapplyAccount(
  dir: Directory,
  ctx: Context,
  {
    account,
    exists,
    operation = 'ReapplyAccount',
  }: { account: Account; exists: boolean; operation?: 'ReapplyAccount' | 'MendAccount' },
): Promise<void> {
  return runUnit(dir, ctx, { operation, target: account.userId }, async (unit) => {
    if (exists) await requestApply(unit.tx, account.pk, unit.now)
    await unit.audit({ outcome: 'reapplied', organization: await findCustomerId(unit.tx, account) })
  })
}
