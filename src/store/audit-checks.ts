import type { AuditFaultKind } from '../model/audit-faults.ts'

/** A block of the audit log and its hash. */
export interface AuditHead {
  readonly block: number
  readonly hash: string
}

/** The result of checking the audit log. */
export interface AuditVerdict {
  readonly entries: number
  readonly blocks: number
  /** The number of entries that are in no block yet; 0 on SQLite. */
  readonly unsealed: number
  /** The newest block. If you keep its hash elsewhere, you can check later that the end of the log was not cut off. */
  readonly head: AuditHead
  /** The first block whose hash is an HMAC; null if the audit key is missing. */
  readonly keyedFrom: number | null
  /** The number of faults. */
  readonly faultCount: number
  /** The first faults, at most 1,000. */
  readonly faults: readonly AuditFault[]
}

/** How far a check of the audit log is: a JSON value. It goes on after the block `head`. */
export interface AuditCheck {
  readonly head: AuditHead
  /** How many blocks are checked, and how many entries are in them. */
  readonly blocks: number
  readonly found: number
  /** How many entries the log has up to a primary key; null before they are counted. */
  readonly counted: { readonly through: number | null; readonly entries: number }
  readonly faultCount: number
  /** The first faults, at most 1,000. */
  readonly faults: readonly AuditFault[]
  /** Null while there is more to check. */
  readonly verdict: AuditVerdict | null
}

/** One place, or a range of places, where the audit log is not as it was written. Block 0 is the whole log. */
export interface AuditFault {
  readonly block: number
  /** The position of the entry in its block; null if the block itself has the fault. */
  readonly position: number | null
  /** The last one of several missing blocks (`block_removed`) or missing positions (`removed`). */
  readonly through?: number
  /** The entry's id; null if the entry is missing. */
  readonly entry: string | null
  readonly fault: AuditFaultKind
}
