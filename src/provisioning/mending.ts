import { reapplyAccount } from '../directory/backlog.ts'
import { recordForeignSuspension } from '../directory/foreign-accounts.ts'
import { read } from '../directory/unit.ts'
import type { Context } from '../model/context.ts'
import { DataLeftError } from '../platform/platform.ts'
import { selectAccountByCanonicalId, selectAccountToReconcile } from '../store/accounts/accounts.ts'
import { ATTEMPT_MS } from './attempt.ts'
import type { Checked, Mender } from './check.ts'
import { Reconciler } from './reconciler.ts'
import type { Wanted } from './wanted.ts'

/** Room for one attempt, also where another process makes it and looks for what is due once a second. */
const MEND_MS = ATTEMPT_MS + 5_000

/**
 * Brings accounts back to what is wanted, each change with an audit entry. Whoever gets there first applies them, this
 * process or one that serves.
 * @param waitMs how long each is waited for
 */
export function newMender(
  parts: Checked,
  ctx: Context,
  waitMs = MEND_MS,
): Mender & { stop(): Promise<void> } {
  const { dir, platform } = parts
  const silent = { warn: () => undefined, error: () => undefined }
  const reconciler = new Reconciler(dir, platform, { log: silent, observeAttempt: () => undefined })
  return {
    async mend({ account, wanted }) {
      await reapplyAccount(dir, ctx, { account, wanted: wanted.state !== 'gone' })
      return wanted.state === 'gone'
        ? removeAgain(parts, wanted)
        : applyAgain(parts, reconciler, { pk: account.pk, waitMs })
    },
    /** Suspended and no more: nobody here knows what it is for, and what is in it exists nowhere else. */
    async suspendForeign(foreign) {
      if (!(await recordForeignSuspension(dir, ctx, foreign))) return false
      await platform.suspend(foreign.canonicalUserId, AbortSignal.timeout(ATTEMPT_MS))
      const account = await read(dir, (tx) =>
        selectAccountByCanonicalId(tx, ctx.organization.pk, foreign.canonicalUserId),
      )
      // It has come into the directory while it was being suspended.
      if (account) await reapplyAccount(dir, ctx, { account, wanted: true })
      return true
    },
    stop: () => reconciler.stop(),
  }
}

/**
 * Past the reconciler, and never with data: to that, data would mean that the account is wanted again, and a purge of
 * long ago said nothing about what lies there now (docs/decisions/0015). An account that therefore stays is locked.
 */
async function removeAgain({ platform }: Checked, wanted: Wanted['wanted']): Promise<string | null> {
  try {
    await platform.apply({ ...wanted, purge: false }, AbortSignal.timeout(ATTEMPT_MS))
    return null
  } catch (error) {
    if (!(error instanceof DataLeftError)) throw error
    const locked = { ...wanted, state: 'suspended', credentials: [] } as const
    await platform.apply(locked, AbortSignal.timeout(ATTEMPT_MS))
    return `it was removed, and owns data; it is suspended and without keys now: ${error.message}`
  }
}

async function applyAgain(
  { dir }: Checked,
  reconciler: Reconciler,
  { pk, waitMs }: { pk: number; waitMs: number },
): Promise<string | null> {
  const find = () => read(dir, (tx) => selectAccountToReconcile(tx, pk))
  const found = await find()
  if (!found || (await reconciler.settle(found.account, waitMs))) return null
  return (await find())?.lastError ?? 'it could not be applied in time, and is tried on'
}
