import {
  type AuditFilter,
  type AuditVerdict,
  type NumberedEntry,
  selectAuditEntries,
  verifyAuditLog as verify,
} from '../store/audit/entries.ts'
import { ConstraintError } from '../store/port.ts'
import { MAX_BLOCK, sealAuditEntries } from '../store/postgres/audit-sealer.ts'
import type { Directory } from './directory.ts'
import { read } from './unit.ts'

/** Audit entries, newest first. */
export function listAudit(dir: Directory, filter: AuditFilter): Promise<NumberedEntry[]> {
  return read(dir, (tx) => selectAuditEntries(tx, filter))
}

/** Checks the whole chain of the audit log. */
export function verifyAudit(dir: Directory): Promise<AuditVerdict> {
  return read(dir, (tx) => verify(tx, dir.store.embedded))
}

/**
 * Seals the entries that no block holds yet, block by block; on an engine whose commits are blocks there are none.
 * @throws {StoreError}
 */
export async function sealAudit(dir: Directory): Promise<void> {
  if (dir.store.embedded) return
  try {
    while ((await dir.store.write(sealAuditEntries)) === MAX_BLOCK);
  } catch (error) {
    // Another process has sealed them.
    if (!(error instanceof ConstraintError)) throw error
  }
}
