import { type RawBuilder, sql } from 'kysely'
import type {
  AuditEntry,
  AuditStatus,
  AuditValue,
  EntryOutcome,
  Operation,
  RecordedChange,
} from '../../model/audit.ts'
import { foldId, listSpellings } from '../../model/ids.ts'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { type EntryRow, type HashedEntry, parseCaller } from './entry-rows.ts'
import { selectEntryKeys } from './index-rows.ts'

/** What entries must match; members that are left out match anything. */
export interface AuditFilter {
  readonly operation?: string | undefined
  readonly status?: string | undefined
  /** In the form that `formatCaller` returns. */
  readonly caller?: string | undefined
  readonly organization?: string | undefined
  readonly target?: string | undefined
  readonly correlationId?: string | undefined
  /** Only entries from this time on, ISO 8601. */
  readonly since?: string | undefined
  /** Only entries with a lower number: the number of the last entry of the page before. */
  readonly before?: number | undefined
  readonly limit: number
}

/** An entry with its number in the log. Later entries have higher numbers. */
export type NumberedEntry = AuditEntry & { readonly number: number }

/** The columns that `toEntry` reads. */
export const ENTRY_COLUMNS = [
  ...(['id', 'at', 'operation', 'status', 'outcome', 'caller', 'portal', 'organization', 'target'] as const),
  ...(['correlation_id', 'changed_fields', 'changes', 'address', 'reseller'] as const),
] as const

/** Reads an integer column. -1 stands for what is no safe integer of JavaScript, as a forged row may hold. */
export function readInteger(column: string): RawBuilder<number> {
  const ref = sql.ref(column)
  return sql<number>`case when ${ref} between 0 and ${sql.lit(Number.MAX_SAFE_INTEGER)} then ${ref} else -1 end`
}

/**
 * Returns the matching entries, newest first, at most `limit`. Ids match in either letter case: entries of older
 * versions hold them as received.
 */
export async function selectAuditEntries(tx: Tx, filter: AuditFilter): Promise<NumberedEntry[]> {
  const id = filter.correlationId ?? filter.target ?? filter.organization
  const found = id === undefined ? undefined : await selectEntryKeys(tx, id)
  const rows = await tx.query((db) => {
    let query = db
      .selectFrom('audit_entries')
      .select(ENTRY_COLUMNS)
      .select(readInteger('pk').as('number'))
      .orderBy('pk', 'desc')
      .limit(filter.limit)
    if (found) query = query.where('pk', 'in', found)
    if (filter.operation) query = query.where('operation', '=', filter.operation)
    if (filter.status) query = query.where('status', '=', filter.status)
    if (filter.caller) query = query.where('caller', '=', foldId(filter.caller))
    if (filter.organization) query = query.where('organization', 'in', listSpellings(filter.organization))
    if (filter.target) query = query.where('target', 'in', listSpellings(filter.target))
    if (filter.correlationId) query = query.where('correlation_id', 'in', listSpellings(filter.correlationId))
    if (filter.since) query = query.where('at', '>=', filter.since)
    if (filter.before) query = query.where('pk', '<', filter.before)
    return query
  })
  return rows.map((row) => ({ number: row.number, ...toEntry(row) }))
}

/**
 * Returns the entries after one, oldest first, at most `limit`.
 * @param page.after the number of the last entry of the page before
 * @param page.since only entries from this time on, ISO 8601; also `until`, which is excluded
 */
export async function selectEntriesAfter(
  tx: Tx,
  page: {
    readonly after: number
    readonly since?: string | undefined
    readonly until?: string | undefined
    readonly limit: number
  },
): Promise<NumberedEntry[]> {
  const rows = await tx.query((db) => {
    let query = db
      .selectFrom('audit_entries')
      .select(ENTRY_COLUMNS)
      .select(readInteger('pk').as('number'))
      .where('pk', '>', page.after)
      .orderBy('pk')
      .limit(page.limit)
    if (page.since) query = query.where('at', '>=', page.since)
    if (page.until) query = query.where('at', '<', page.until)
    return query
  })
  return rows.map((row) => ({ number: row.number, ...toEntry(row) }))
}

const selectFirst = statement((db) =>
  db
    .selectFrom('audit_blocks')
    .innerJoin('audit_entries', 'audit_entries.pk', 'audit_blocks.first_pk')
    .select(['audit_entries.operation', 'audit_entries.target'])
    .where('audit_blocks.number', '=', sql.lit(1)),
)

/** Returns the first entry of the first block; undefined if there is none. */
export function selectFirstEntry(tx: Tx): Promise<{ operation: string; target: string | null } | undefined> {
  return tx.get(selectFirst, {})
}

/** Converts a row to an entry of the model. */
export function toEntry(row: Pick<EntryRow, (typeof ENTRY_COLUMNS)[number]>): AuditEntry {
  return {
    id: row.id,
    at: row.at,
    operation: row.operation as Operation,
    status: row.status as AuditStatus,
    outcome: row.outcome as EntryOutcome,
    // SQLite may hold bytes in a column of text.
    caller: parseCaller(String(row.caller)),
    portal: row.portal,
    organization: row.organization,
    target: row.target,
    correlationId: row.correlation_id,
    address: row.address,
    reseller: row.reseller,
    changedFields: parseNames(row.changed_fields),
    ...(row.changes !== null && { changes: toChanges(parse(row.changes)) }),
  }
}

/** Converts a row to what the hash of its entry covers. */
export function toHashedEntry(row: Parameters<typeof toEntry>[0]): HashedEntry {
  return { ...toEntry(row), ...(row.changes !== null && { changes: parse(row.changes) }) }
}

/**
 * Converts the stored changes. Before version 18 of the schema, they were an object with a member for each changed
 * list.
 */
function toChanges(stored: unknown): RecordedChange[] {
  const isObject = typeof stored === 'object' && stored !== null
  const listed: readonly unknown[] = Array.isArray(stored)
    ? stored
    : Object.entries(isObject ? stored : {}).map(([name, change]) => ({ ...(change as object), name }))
  return listed.map(toChange)
}

/** Converts one stored change. A forged one becomes a change with empty values. */
function toChange(stored: unknown): RecordedChange {
  const { name, person, sealed, before, after } = (stored ?? {}) as Record<string, AuditValue | undefined>
  if (typeof person === 'string' && typeof sealed === 'string') return { name: String(name), person, sealed }
  return { name: String(name), before: before ?? null, after: after ?? null }
}

function parseNames(text: string): string[] {
  const names = parse<unknown>(text)
  return Array.isArray(names) ? names : [text]
}

/** Parses JSON. It never throws, because a row that was tampered with must be reported as changed. */
function parse<T>(text: string): T {
  try {
    return JSON.parse(text) as T
  } catch {
    return [text] as T
  }
}
