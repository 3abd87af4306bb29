import { type RawBuilder, sql } from 'kysely'
import type { AuditEntry, LogStatus } from '../../model/audit.ts'
import type { PageRequest } from '../../model/pages.ts'
import { foldKey } from '../../model/text.ts'
import { toPattern } from '../conditions.ts'
import type { Tx } from '../port.ts'
import { query } from '../raw-query.ts'
import { ENTRY_COLUMNS, toEntry } from './entries.ts'
import { selectIndexRows } from './index-rows.ts'
import { isOf, type LogReader } from './log-names.ts'
import { findPageStart } from './log-totals.ts'
import { findTailIn, isCut, type Tail } from './tail.ts'

/** Selects entries among those that a reader may see. Members that are left out match anything. */
export interface LogFilter extends LogReader {
  /** ISO 8601, both included. */
  readonly from: string
  readonly to: string
  readonly operations?: readonly string[] | undefined
  readonly status?: LogStatus | undefined
  /** A part of the reseller's or the customer's name, compared without case. */
  readonly resellerName?: string | undefined
  readonly customerName?: string | undefined
}

/** An entry as the portal lists it. */
export interface LogEntry extends Omit<AuditEntry, 'status'> {
  readonly status: LogStatus
  readonly customer: string | null
}

/** A page of entries, newest first. */
export interface LogPage {
  readonly items: readonly LogEntry[]
  /** The number of entries that match. */
  readonly total: number
  /** Whether more than `total` entries match: they are counted up to a limit. */
  readonly more: boolean
}

/** The most matching entries that are counted. */
const MAX_COUNT = 10_000
/** The most entries that are looked at to count those that match, if many entries have each property of a filter. */
const MAX_EXAMINED = 50_000
/** A property is rare if up to this many entries have it. All of them are then looked at, not the newest entries. */
const RARE = 20_000
/** How many entries that are not in the index yet a list looks at; twice as many as a page needs, if that is more. */
const MAX_TAIL = 5_000
/** The most organizations whose entries are found by the index of organizations. */
const MAX_LISTED = 2_000

export type Sql = RawBuilder<unknown>

/** A condition on `audit_index as i`. */
export interface Part {
  /** The condition. Its columns are inside expressions, so that no engine uses an index for it. */
  readonly plain: Sql
  /** The same condition, written so that an engine can use an index; undefined if no index helps. */
  readonly indexed?: Sql
  /** Whether the index begins with the provider. */
  readonly ofProvider?: boolean
  /** Whether the index has these entries in the order of time. */
  readonly ordered?: boolean
}

type IdColumn = 'operation' | 'customer' | 'reseller'

/** The column is one of these values. */
function oneOf(column: IdColumn, values: readonly string[]): Part {
  const list = values.length > 0 ? sql.join(values) : sql`null`
  const ref = sql.ref(`i.${column}`)
  return {
    plain: sql`coalesce(${ref}, '') in (${list})`,
    indexed: sql`${ref} in (${list})`,
    ofProvider: column === 'operation',
    ordered: values.length === 1,
  }
}

/** The column is the id of one of the organizations that a query finds. */
async function oneOfFound(tx: Tx, column: IdColumn, organizations: Sql): Promise<Part> {
  const some = await query<{ id: string }>(tx, sql`${organizations} limit ${MAX_LISTED + 1}`)
  const few = oneOf(
    column,
    some.map(({ id }) => id),
  )
  return some.length > MAX_LISTED
    ? { plain: sql`coalesce(${sql.ref(`i.${column}`)}, '') in (${organizations})` }
    : few
}

/** Returns the query for the organizations of a kind whose name contains a text. */
function named(kind: 'customer' | 'reseller', { providerPk, reseller }: LogReader, part: string): Sql {
  const seen = reseller ? isOf(reseller.pk) : sql`1 = 1`
  return sql`select id from organizations where provider_pk = ${providerPk} and kind = ${kind}
    and name_key like ${toPattern(foldKey(part))} escape '\\' and ${seen}`
}

/** A condition as alternatives. At most one of them holds for an entry. */
type Alternatives = readonly (readonly Part[])[]

/** What a reseller sees: what happened in its context, and what happened in none to its customers. */
async function seenBy(
  tx: Tx,
  { pk, id }: { readonly pk: number; readonly id: string },
): Promise<Alternatives> {
  const customers = sql`select org.id from customer_resellers join organizations as org
    on org.pk = customer_resellers.customer_pk where customer_resellers.reseller_pk = ${pk}`
  const inNone = { plain: sql`i.reseller is null` }
  return [[oneOf('reseller', [id])], [await oneOfFound(tx, 'customer', customers), inNone]]
}

/** Accounts of the entry's user whose state, as of the entry, the platform does not have yet. */
const WAITING = sql`select 1 from accounts as a where a.user_pk = i.user_pk
  and a.applied_version < a.desired_version and a.created_at <= i.at
  and (a.applied_at is null or i.at > a.applied_at or i.at = a.desired_at)`
const IS_WAITING = sql`i.user_pk is not null and exists (${WAITING})`
const IS_PARKED = sql`i.user_pk is not null and exists (${WAITING} and a.parked_at is not null)`
/** The status of an entry about an account is worked out when it is read: entries never change. */
export const STATUS = sql`case when i.status = 'Failed' or (${IS_PARKED}) then 'Failed'
  when ${IS_WAITING} then 'Processing' else 'Succeeded' end`

function having(status: LogStatus): Alternatives {
  const succeeded = { plain: sql`i.status = 'Succeeded'` }
  if (status === 'Succeeded') return [[succeeded, { plain: sql`not (${IS_WAITING})` }]]
  const users = sql`select user_pk from accounts where applied_version < desired_version`
  const unapplied = { plain: sql`i.user_pk is not null`, indexed: sql`i.user_pk in (${users})` }
  if (status === 'Processing')
    return [[unapplied, succeeded, { plain: IS_WAITING }, { plain: sql`not (${IS_PARKED})` }]]
  const failed = {
    plain: sql`coalesce(i.status, '') = 'Failed'`,
    indexed: sql`i.status = 'Failed'`,
    ofProvider: true,
    ordered: true,
  }
  return [[failed], [unapplied, succeeded, { plain: IS_PARKED }]]
}

/** Returns the alternatives of a whole filter. */
export async function listAlternatives(tx: Tx, filter: LogFilter): Promise<Alternatives> {
  const { reseller, operations, status, resellerName, customerName } = filter
  const parts: Alternatives[] = []
  if (customerName) parts.push([[await oneOfFound(tx, 'customer', named('customer', filter, customerName))]])
  if (resellerName) parts.push([[await oneOfFound(tx, 'reseller', named('reseller', filter, resellerName))]])
  if (reseller) parts.push(await seenBy(tx, reseller))
  if (status) parts.push(having(status))
  if (operations) parts.push([[oneOf('operation', operations)]])
  return parts.reduce<Alternatives>(
    (all, next) => all.flatMap((one) => next.map((other) => [...one, ...other])),
    [[]],
  )
}

/** The columns of the index. */
export const COLUMNS = sql.raw(
  'i.provider_pk, i.at, i.entry_pk, i.operation, i.status, i.customer, i.reseller, i.user_pk',
)

/** Some of the entries: those of one alternative, in the index or in the tail of the log. */
interface Stream {
  readonly from: Sql
  readonly where: Sql
  /** The part of the condition that finds the entries to count, and the rest of it. */
  readonly found: Sql
  readonly rest: Sql
}

export const INDEX = sql`audit_index as i`
/** Joins conditions. */
export const and = (conditions: readonly Sql[]): Sql =>
  conditions.length === 0 ? sql`1 = 1` : sql.join(conditions, sql` and `)

/** Returns the condition that an entry is of the provider, and in the time of a filter. */
export function inTime({ providerPk, from, to }: LogFilter, ofProvider = true): Sql {
  const provider = ofProvider ? sql`i.provider_pk` : sql`coalesce(i.provider_pk, 0)`
  return sql`${provider} = ${providerPk} and i.at >= ${from} and i.at <= ${to}`
}

/** What a page needs from each stream. */
interface PageNeeds {
  readonly filter: LogFilter
  /** How many of the newest matching entries. */
  readonly rows: number
}

/** Decides how the entries of one alternative are found in the index: by the part that the fewest of them have. */
async function planStream(tx: Tx, { filter, rows }: PageNeeds, parts: readonly Part[]): Promise<Stream> {
  const base = inTime(filter)
  let best = { found: base, part: undefined as Part | undefined, count: Number.POSITIVE_INFINITY }
  const indexed = parts.filter((part) => part.indexed)
  if (indexed.length > 0)
    for (const part of [...indexed, undefined]) {
      const found = part?.indexed ? and([inTime(filter, part.ofProvider ?? false), part.indexed]) : base
      const count = await countUpTo(tx, INDEX, found, RARE + 1)
      if (count < best.count) best = { found, part, count }
    }
  const { found, part, count } = best
  const rest = and(parts.filter((one) => one !== part).map(({ plain }) => plain))
  const plain = and(parts.map((one) => one.plain))
  // If each part has many entries, some of the newest entries may be enough for the page.
  const newest = sql`(select ${COLUMNS} from ${INDEX} where ${base}
    order by i.at desc, i.entry_pk desc limit ${RARE + rows}) as i`
  const areEnough = part !== undefined && count > RARE && (await countUpTo(tx, newest, plain, rows)) === rows
  return { from: INDEX, where: areEnough ? and([base, plain]) : and([found, rest]), found, rest }
}

/** Returns the stream of the entries that are not in the index yet. */
function planTail(tail: Sql, filter: LogFilter, parts: readonly Part[]): Stream {
  const [found, rest] = [inTime(filter), and(parts.map(({ plain }) => plain))]
  return { from: sql`(${selectIndexRows(tail)}) as i`, where: and([found, rest]), found, rest }
}

/** Counts rows, at most `limit`. */
export async function countUpTo(tx: Tx, from: Sql, where: Sql, limit: number): Promise<number> {
  const some = sql`select 1 from ${from} where ${where} limit ${limit}`
  const [row] = await query<{ total: number }>(tx, sql`select count(*) as total from (${some}) as limited`)
  return Number(row?.total ?? 0)
}

/** Counts the entries of a stream: at most MAX_COUNT + 1, among at most MAX_EXAMINED of those that its part finds. */
async function countStream(tx: Tx, { from, found, rest }: Stream): Promise<{ count: number; more: boolean }> {
  const examined = sql`select ${COLUMNS} from ${from} where ${found} limit ${MAX_EXAMINED}`
  const matching = sql`select 1 as one from (${examined}) as i where ${rest} limit ${MAX_COUNT + 1}`
  const [row] = await query<{ total: number }>(
    tx,
    sql`select count(*) as total from (${matching}) as matching`,
  )
  const count = Number(row?.total ?? 0)
  if (count > MAX_COUNT) return { count, more: true }
  return { count, more: (await countUpTo(tx, from, found, MAX_EXAMINED)) === MAX_EXAMINED }
}

/**
 * Returns a page of entries, newest first. An entry that is not in the index yet is found in the log itself. If there
 * are very many of those, as after an import, the list has the newest 5,000 of the interval, or as many as the page
 * needs, and the total is a lower bound. Filters that few entries match then leave out older ones until the index has
 * them.
 */
export async function selectAuditLogs(tx: Tx, filter: LogFilter, page: PageRequest): Promise<LogPage> {
  const size = Math.max(MAX_TAIL, 2 * (page.offset + page.limit))
  const newest = await findTailIn(tx, filter, size)
  if (isByTime(filter)) return selectByTime(tx, filter, { page, tail: newest })
  const tail = newest?.reaching
  const streams: Stream[] = []
  for (const parts of await listAlternatives(tx, filter)) {
    streams.push(await planStream(tx, { filter, rows: page.offset + page.limit + 1 }, parts))
    if (tail) streams.push(planTail(tail, filter, parts))
  }
  const rows = await selectRows(tx, streams, page)
  let [counted, more] = [0, isCut(newest)]
  for (const stream of streams) {
    const one = await countStream(tx, stream)
    counted += one.count
    more ||= one.more
  }
  more ||= counted > MAX_COUNT
  const seen = rows.length > 0 ? page.offset + rows.length : 0
  const items = await selectEntries(tx, rows.slice(0, page.limit))
  return { items, total: Math.max(more ? Math.min(counted, MAX_COUNT) : counted, seen), more }
}

function isByTime({ reseller, status, resellerName, customerName }: LogFilter): boolean {
  return !reseller && !status && !resellerName && !customerName
}

/** Returns a page of a list that filters by time and operation alone. Its total is exact, unless the tail is cut. */
async function selectByTime(
  tx: Tx,
  filter: LogFilter,
  { page, tail }: { readonly page: PageRequest; readonly tail: Tail | undefined },
): Promise<LogPage> {
  const parts = filter.operations ? [oneOf('operation', filter.operations)] : []
  const { total, ...start } = await findPageStart(tx, filter, page)
  if (!tail) {
    const stream = await planStream(
      tx,
      { filter: { ...filter, to: start.to }, rows: start.offset + page.limit + 1 },
      parts,
    )
    const rows = await selectRows(tx, [stream], start)
    return { items: await selectEntries(tx, rows.slice(0, page.limit)), total, more: false }
  }
  const newest = planTail(tail.reaching, filter, parts)
  const rows = await selectRows(
    tx,
    [await planStream(tx, { filter, rows: page.offset + page.limit + 1 }, parts), newest],
    page,
  )
  const items = await selectEntries(tx, rows.slice(0, page.limit))
  const counted = await countUpTo(tx, newest.from, newest.where, Number.MAX_SAFE_INTEGER)
  return { items, total: total + counted, more: isCut(tail) && items.length > 0 }
}

/** A row of the index of the log. */
export interface IndexRow {
  readonly entry_pk: number
  readonly status: LogStatus
  readonly customer: string | null
  readonly reseller: string | null
}

/** Returns the rows of a page, and one more if there is one. */
function selectRows(tx: Tx, streams: readonly Stream[], { offset, limit }: PageRequest): Promise<IndexRow[]> {
  const [only, ...others] = streams.map(
    ({ from, where }) =>
      sql`select ${COLUMNS} from ${from} where ${where} order by i.at desc, i.entry_pk desc`,
  )
  const last = offset + limit + 1
  const parts = [only, ...others].map((part) => sql`select * from (${part} limit ${last}) as part`)
  const rows =
    only && others.length === 0
      ? sql`${only} limit ${limit + 1} offset ${offset}`
      : sql`select * from (${sql.join(parts, sql` union all `)}) as parts
          order by at desc, entry_pk desc limit ${limit + 1} offset ${offset}`
  return query(
    tx,
    sql`select i.entry_pk, ${STATUS} as status, i.customer, i.reseller from (${rows}) as i
      order by i.at desc, i.entry_pk desc`,
  )
}

/** An entry as the portal lists it, with its number in the log. */
export type NumberedLogEntry = LogEntry & { readonly number: number }

/** Reads the entries of rows of the index. */
export async function selectEntries(tx: Tx, rows: readonly IndexRow[]): Promise<NumberedLogEntry[]> {
  if (rows.length === 0) return []
  const pks = rows.map((row) => row.entry_pk)
  const found = await tx.query((db) =>
    db
      .selectFrom('audit_entries')
      .select(['pk', ...ENTRY_COLUMNS])
      .where('pk', 'in', pks),
  )
  const byPk = new Map(found.map((row) => [row.pk, toEntry(row)]))
  return rows.flatMap(({ entry_pk, status, customer, reseller }) => {
    const entry = byPk.get(entry_pk)
    return entry ? [{ number: entry_pk, ...entry, status, customer, reseller }] : []
  })
}
