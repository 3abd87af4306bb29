import {
  type AuditFilter,
  type AuditVerdict,
  listAuditEntries,
  type NumberedEntry,
  verifyAuditLog as verify,
} from '../store/audit.ts'
import type { Directory } from './directory.ts'
import { read } from './unit.ts'

/** Audit entries, newest first. */
export function listAudit(dir: Directory, filter: AuditFilter): Promise<NumberedEntry[]> {
  return read(dir, (tx) => listAuditEntries(tx, filter))
}

/** Checks the whole chain of the audit log. */
export function verifyAudit(dir: Directory): Promise<AuditVerdict> {
  return read(dir, (tx) => verify(tx, dir.store.embedded))
}
