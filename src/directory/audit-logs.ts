import type { LogStatus } from '../model/audit.ts'
import type { Context } from '../model/context.ts'
import { assertValid } from '../model/error.ts'
import type { PageRequest } from '../model/pages.ts'
import { type LogReader, selectCallerNames, selectOrganizationNames } from '../store/audit/log-names.ts'
import { type LogEntry, selectAuditLogs } from '../store/audit/logs.ts'
import type { Tx } from '../store/port.ts'
import { ACCESS } from './access.ts'
import type { Directory } from './directory.ts'
import { assertOwnReseller, getReseller } from './reach.ts'
import { type OpenedChange, openChanges } from './sealing/person-keys.ts'
import { runRead } from './unit.ts'

/** Which entries a caller asks for. */
export interface AuditLogRequest {
  /** As `toUtc` returns them; now, and a month before `to`, when left out. */
  readonly from?: string | undefined
  readonly to?: string | undefined
  /** Names of operations, compared without case. Unknown ones match nothing. */
  readonly operations?: readonly string[] | undefined
  readonly status?: LogStatus | undefined
  /** Parts of names, compared without case. */
  readonly resellerName?: string | undefined
  readonly customerName?: string | undefined
  /** Sees the log as this reseller does. */
  readonly resellerId?: string | undefined
  readonly page: PageRequest
}

/** An entry as the portal lists it, with current names. */
export interface AuditLogEntry extends Omit<LogEntry, 'changes'> {
  readonly changes: readonly OpenedChange[]
  /** The id and the name of the caller; null for the operator, and for callers that the reader must not know. */
  readonly user: { readonly id: string | null; readonly name: string | null }
  readonly customerName: string | null
  readonly resellerName: string | null
}

/** A page of the log. */
export interface AuditLogPage {
  readonly items: readonly AuditLogEntry[]
  readonly total: number
  /** Whether more than `total` entries match: they are counted up to a limit. */
  readonly more: boolean
}

/**
 * Lists the entries of the audit log that the context may see, newest first. A provider sees all of its own. A reseller
 * sees what happened in its context, and what happened in none to its customers.
 * @throws {DirectoryError} `not_permitted`, `invalid` if `from` is after `to`, `reseller_not_found`,
 *   `reseller_not_own`, `store_unavailable`
 */
export function listAuditLogs(dir: Directory, ctx: Context, request: AuditLogRequest): Promise<AuditLogPage> {
  return runRead(dir, ctx, 'ListAuditLogs', async (scope) => {
    assertOwnReseller(ctx, request.resellerId)
    const time = toInterval(request, dir.now())
    const { tx } = scope
    const reseller = (await getReseller(scope, { id: request.resellerId })) ?? undefined
    const { operations, status, resellerName, customerName, page } = request
    const { providerPk } = ctx.organization
    const names = { status, resellerName, customerName }
    const filter = { providerPk, reseller, ...time, operations: operations?.map(toOperation), ...names }
    const { items, ...counts } = await selectAuditLogs(tx, filter, page)
    return {
      items: await nameEntries(dir, tx, { reader: { providerPk, reseller }, entries: items }),
      ...counts,
    }
  })
}

const OPERATIONS: ReadonlyMap<string, string> = new Map(
  Object.keys(ACCESS).map((name) => [name.toLowerCase(), name]),
)

/** Returns the name of an operation in its own spelling. */
export function toOperation(name: string): string {
  return OPERATIONS.get(name.toLowerCase()) ?? name
}

/**
 * Returns the interval that a caller asks for.
 * @throws {DirectoryError} `invalid` if it ends before it begins
 */
export function toInterval(
  { from, to }: Pick<AuditLogRequest, 'from' | 'to'>,
  now: Date,
): { readonly from: string; readonly to: string } {
  const end = to ?? now.toISOString()
  const begin = from ?? monthBefore(end)
  if (begin > end)
    assertValid([{ path: 'from', rule: 'order', message: 'must not be after the end of the interval' }])
  return { from: begin, to: end }
}

/** Returns the same day and time of the month before, or the last moment of a shorter month. */
function monthBefore(time: string): string {
  const date = new Date(time)
  const day = date.getUTCDate()
  date.setUTCMonth(date.getUTCMonth() - 1)
  // The 31st of a shorter month became a day of the next one.
  if (date.getUTCDate() !== day) date.setUTCDate(0)
  return date.getTime() < BEGINNING ? time : date.toISOString()
}

/** The first time of four digits, in milliseconds: earlier times do not compare as texts. */
const BEGINNING = Date.parse('0000-01-01T00:00:00.000Z')

/** Adds the values of sealed changes to entries, and the current names of callers and organizations. */
export async function nameEntries(
  dir: Directory,
  tx: Tx,
  { reader, entries }: { readonly reader: LogReader; readonly entries: readonly LogEntry[] },
): Promise<AuditLogEntry[]> {
  const opened = await openChanges(dir.sealer, tx, entries)
  const callers = await selectCallerNames(
    tx,
    entries.map(({ caller }) => caller),
    reader,
  )
  const ids = entries.flatMap(({ customer, reseller: id }) => [customer, id].filter((one) => one !== null))
  const names = await selectOrganizationNames(tx, [...new Set(ids)], reader)
  const nameOf = (id: string | null): string | null => (id === null ? null : (names.get(id) ?? null))
  return opened.map(({ changes = [], ...entry }) => ({
    ...entry,
    changes: changes.filter(({ name }) => !isHiddenFromReseller(name, { reader, entry })),
    user: (entry.caller.kind === 'operator' ? undefined : callers.get(entry.caller.id)) ?? {
      id: null,
      name: null,
    },
    customerName: nameOf(entry.customer),
    resellerName: nameOf(entry.reseller),
  }))
}

/**
 * Returns whether a change must be hidden from a reseller: of the internal identifier that the provider itself gave to a
 * customer.
 */
function isHiddenFromReseller(
  name: string,
  { reader, entry }: { readonly reader: LogReader; readonly entry: Pick<LogEntry, 'reseller'> },
): boolean {
  return name === 'internalIdentifier' && reader.reseller !== undefined && entry.reseller === null
}
