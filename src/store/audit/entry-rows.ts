import type { AuditEntry } from '../../model/audit.ts'
import type { CallerName } from '../../model/context.ts'
import type { OpenBlock } from '../port.ts'
import type { Tables } from '../schema.ts'
import { hashEntry } from './hashes.ts'

/** A row of `audit_entries` without its primary key. */
export type EntryRow = Omit<Tables['audit_entries'], 'pk'>

/**
 * Converts an entry to its row.
 * @param block the block that it becomes the next entry of; null if entries are sealed after their commit
 */
export function toEntryRow(entry: AuditEntry, block: OpenBlock | null): EntryRow {
  const position = block ? block.hashes.length : null
  const caller = formatCaller(entry.caller)
  return {
    id: entry.id,
    at: entry.at,
    operation: entry.operation,
    status: entry.status,
    outcome: entry.outcome,
    caller,
    portal: entry.portal,
    organization: entry.organization,
    target: entry.target,
    correlation_id: entry.correlationId,
    changed_fields: JSON.stringify(entry.changedFields),
    changes: entry.changes ? JSON.stringify(entry.changes) : null,
    address: entry.address,
    reseller: entry.reseller,
    block: block ? block.number : null,
    position,
    hash: block && position !== null ? hashEntry(entry, caller, { block: block.number, position }) : null,
  }
}

const PERSON = 'person:'

/**
 * Formats a caller as the log stores it.
 * @returns `operator`, a client's id, or `person:` and the person's id
 */
export function formatCaller(caller: CallerName): string {
  if (caller.kind === 'operator') return 'operator'
  return caller.kind === 'person' ? `${PERSON}${caller.id}` : caller.id
}

/** Parses what `formatCaller` returns. Every text stands for exactly one caller, so formatting it again restores it. */
export function parseCaller(text: string): CallerName {
  if (text === 'operator') return { kind: 'operator' }
  if (text.startsWith(PERSON)) return { kind: 'person', id: text.slice(PERSON.length) }
  return { kind: 'client', id: text }
}
