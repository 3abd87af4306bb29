import { type AuditFilter, type NumberedEntry, selectAuditEntries } from '../store/audit/entries.ts'
import type { AuditVerdict } from '../store/port.ts'
import type { Directory } from './directory.ts'
import { read, unavailable } from './unit.ts'

/**
 * Lists audit entries, newest first.
 * @throws {DirectoryError} `store_unavailable`
 */
export function listAudit(dir: Directory, filter: AuditFilter): Promise<NumberedEntry[]> {
  return read(dir, (tx) => selectAuditEntries(tx, filter))
}

/**
 * Checks the whole audit log.
 * @throws {DirectoryError} `store_unavailable`
 */
export async function verifyAudit(dir: Directory): Promise<AuditVerdict> {
  try {
    return await dir.store.verifyAudit()
  } catch (error) {
    throw unavailable(error)
  }
}
