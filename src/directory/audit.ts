import type { Context } from '../model/context.ts'
import { type AuditFilter, type NumberedEntry, selectAuditEntries } from '../store/audit/entries.ts'
import type { AuditVerdict } from '../store/port.ts'
import type { Directory } from './directory.ts'
import { enforceAccess, runRead, runUnit, toUnavailable } from './unit.ts'

/**
 * Lists audit entries, newest first.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function listAudit(dir: Directory, ctx: Context, filter: AuditFilter): Promise<NumberedEntry[]> {
  return runRead(dir, ctx, 'ListAudit', ({ tx }) => selectAuditEntries(tx, filter))
}

/**
 * Checks the whole audit log.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export async function verifyAudit(dir: Directory, ctx: Context): Promise<AuditVerdict> {
  await enforceAccess(dir, ctx, { operation: 'VerifyAudit' })
  try {
    return await dir.store.verifyAudit()
  } catch (error) {
    throw toUnavailable(error)
  }
}

/**
 * Records that the directory is restored from a backup: the log goes on where the backup ends.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function recordRestore(dir: Directory, ctx: Context): Promise<void> {
  return runUnit(dir, ctx, { operation: 'RestoreDirectory' }, (unit) => unit.audit({ outcome: 'restored' }))
}
