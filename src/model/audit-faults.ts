/**
 * What can be wrong with the audit log. `block_impossible` and the kinds from `log_empty` on are about the whole log.
 */
export const AUDIT_FAULTS = [
  'changed',
  'removed',
  'moved',
  'added',
  'block_changed',
  'block_removed',
  'block_impossible',
  'not_expected',
  'log_empty',
  'start_removed',
  'key_missing',
  'key_unreadable',
] as const
export type AuditFaultKind = (typeof AUDIT_FAULTS)[number]
