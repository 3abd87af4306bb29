import { reapplyAccount } from '../directory/backlog.ts'
import { recordForeignSuspension } from '../directory/foreign-accounts.ts'
import { read } from '../directory/unit.ts'
import type { Context } from '../model/context.ts'
import { DataLeftError, getPlatform } from '../platform/platform.ts'
import { selectAccountByCanonicalId } from '../store/accounts/accounts.ts'
import { selectAccountToReconcile } from '../store/accounts/to-reconcile.ts'
import { ATTEMPT_MS } from './attempt.ts'
import type { Fixer } from './check.ts'
import type { Desired, DirectoryPlatforms } from './desired.ts'
import { Reconciler } from './reconciler.ts'

/** Enough for one attempt, even if another process makes it: a server looks for due accounts once a second. */
const FIX_MS = ATTEMPT_MS + 5_000

/** How a fixer works. */
export interface FixOptions {
  /** How long to wait for each account, in milliseconds. */
  readonly waitMs?: number
  /** The operation of its audit entries; `ReapplyAccount` when left out. */
  readonly operation?: 'MendAccount'
}

/**
 * Creates a fixer that brings accounts back to their desired state, and writes an audit entry for each. This process or
 * a server applies them, whichever is first.
 */
export function newFixer(
  deps: DirectoryPlatforms,
  ctx: Context,
  options: FixOptions = {},
): Fixer & { stop(): Promise<void> } {
  const { dir, platforms } = deps
  const { waitMs = FIX_MS, operation } = options
  const silent = { debug: () => undefined, warn: () => undefined, error: () => undefined }
  const reconciler = new Reconciler(dir, platforms, { log: silent, observeAttempt: () => undefined })
  return {
    async fix(desired) {
      const { account, state } = desired
      const exists = state.status !== 'gone'
      await reapplyAccount(dir, ctx, { account, exists, ...(operation && { operation }) })
      return state.status === 'gone'
        ? removeAgain(deps, desired)
        : applyAgain(deps, reconciler, { pk: account.pk, waitMs })
    },
    /** Does not remove the account, because its purpose is unknown and its data exists nowhere else. */
    async suspendForeign(platform, foreign) {
      if (!(await recordForeignSuspension(dir, ctx, foreign))) return false
      await platform.suspend(foreign.canonicalUserId, AbortSignal.timeout(ATTEMPT_MS))
      const account = await read(dir, (tx) =>
        selectAccountByCanonicalId(tx, ctx.organization.pk, foreign.canonicalUserId),
      )
      // The directory got the account during the suspension.
      if (account) await reapplyAccount(dir, ctx, { account, exists: true })
      return true
    },
    stop: () => reconciler.stop(),
  }
}

/**
 * Removes an account again. Bypasses the reconciler, which would restore an account that owns data. Never purges: an
 * old purge did not cover today's data (docs/decisions/0015). An account that stays for its data is suspended.
 */
async function removeAgain(
  { platforms }: DirectoryPlatforms,
  { account, state }: Desired,
): Promise<string | null> {
  const platform = getPlatform(platforms, account.platform)
  try {
    await platform.apply({ ...state, purge: false }, AbortSignal.timeout(ATTEMPT_MS))
    return null
  } catch (error) {
    if (!(error instanceof DataLeftError)) throw error
    const suspended = { ...state, status: 'suspended', credentials: [] } as const
    await platform.apply(suspended, AbortSignal.timeout(ATTEMPT_MS))
    return `it was removed but owns data; it is now suspended and has no keys: ${error.message}`
  }
}

async function applyAgain(
  { dir }: DirectoryPlatforms,
  reconciler: Reconciler,
  { pk, waitMs }: { pk: number; waitMs: number },
): Promise<string | null> {
  const find = () => read(dir, (tx) => selectAccountToReconcile(tx, pk))
  const found = await find()
  if (!found || (await reconciler.settle(found.account, waitMs))) return null
  return (await find())?.lastError ?? 'it was not applied in time; the reconciler goes on trying'
}
