import type { Static } from 'typebox'
import { escapeParts } from '../../csv.ts'
import type { Entry } from './contract/entries.ts'

type EntryView = Static<typeof Entry>

/** The columns of the audit log as a table, and what of an entry is in each. */
const COLUMNS: Readonly<Record<string, (entry: EntryView) => string | null | undefined>> = {
  at: ({ at }) => at,
  operation: ({ operation }) => operation,
  status: ({ status }) => status,
  outcome: ({ outcome }) => outcome,
  callerKind: ({ caller }) => caller.kind,
  callerId: ({ caller }) => caller.id,
  callerName: ({ caller }) => caller.name,
  target: ({ target }) => target,
  targetKind: ({ about }) => about?.kind,
  targetName: ({ about }) => about?.name,
  userId: ({ about }) => about?.userId,
  organizationId: ({ organization }) => organization?.id,
  organization: ({ organization }) => organization?.name,
  resellerId: ({ reseller }) => reseller?.id,
  reseller: ({ reseller }) => reseller?.name,
  changedFields: ({ changedFields }) => changedFields.join(' '),
  changes: ({ changes }) => (changes.length > 0 ? JSON.stringify(changes) : null),
  correlationId: ({ correlationId }) => correlationId,
  id: ({ id }) => id,
}

/** The names of the columns. */
export const AUDIT_COLUMNS: readonly string[] = Object.keys(COLUMNS)

/** Returns the cells of one entry, in the order of the columns. */
export function toAuditCells(entry: EntryView): string[] {
  return Object.values(COLUMNS).map((read) => escapeParts(read(entry) ?? ''))
}
