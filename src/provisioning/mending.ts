import { reapplyAccount } from '../directory/backlog.ts'
import { recordForeignRemoval } from '../directory/foreign-accounts.ts'
import { read } from '../directory/unit.ts'
import type { Context } from '../model/clients.ts'
import { DataLeftError, type WantedAccount } from '../platform/platform.ts'
import { findAccountToReconcile } from '../store/accounts.ts'
import { ATTEMPT_MS } from './attempt.ts'
import type { Checked, Mender } from './check.ts'
import { Reconciler } from './reconciler.ts'

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
        ? remove(parts, wanted)
        : applyAgain(parts, reconciler, { pk: account.pk, waitMs })
    },
    async removeForeign(foreign, { displayName }) {
      await recordForeignRemoval(dir, ctx, foreign)
      return remove(parts, { ...foreign, displayName, credentials: [] })
    },
    stop: () => reconciler.stop(),
  }
}

/**
 * Past the reconciler, and never with data: to that, data would mean that the account is wanted again, and a purge of
 * long ago said nothing about what lies there now (docs/decisions/0015). An account that therefore stays is locked.
 */
async function remove(
  { platform }: Checked,
  account: Omit<WantedAccount, 'state' | 'purge'>,
): Promise<string | null> {
  const bring = (state: 'gone' | 'suspended'): Promise<void> =>
    platform.apply({ ...account, state, purge: false, credentials: [] }, AbortSignal.timeout(ATTEMPT_MS))
  try {
    await bring('gone')
    return null
  } catch (error) {
    if (!(error instanceof DataLeftError)) throw error
    await bring('suspended')
    return `it owns data; it is suspended and without keys now: ${error.message}`
  }
}

async function applyAgain(
  { dir }: Checked,
  reconciler: Reconciler,
  { pk, waitMs }: { pk: number; waitMs: number },
): Promise<string | null> {
  const find = () => read(dir, (tx) => findAccountToReconcile(tx, pk))
  const found = await find()
  if (!found || (await reconciler.settle(found.account, waitMs))) return null
  return (await find())?.lastError ?? 'it could not be applied in time, and is tried on'
}
