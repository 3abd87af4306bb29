import { sql } from 'kysely'
import type { LogStatus } from '../../model/audit.ts'
import type { Tx } from '../port.ts'
import { query } from '../raw-query.ts'
import { CALLER_PREFIX, selectIndexRows } from './index-rows.ts'
import {
  and,
  COLUMNS,
  countUpTo,
  INDEX,
  inTime,
  type LogEntry,
  type LogFilter,
  listAlternatives,
  type Part,
  type Sql,
  STATUS,
  selectEntries,
} from './logs.ts'
import { findTail } from './tail.ts'

/** The most entries of one part of the log that one call looks at. */
const MAX_EXAMINED = 2_000
/**
 * If more entries than this have a property, and no index has them in the order of time, the newest entries of the log
 * are looked at in place of those with the property.
 */
const RARE = 5_000
/** How far the times of entries may be from the order of their numbers: clocks are set back, and requests overlap. */
const DISORDER_MS = 3_600_000
const DISORDER_ENTRIES = 1_000

/** The most entries that one call looks at of those that are not in the index yet. */
const WINDOW = 3_000

/** Which entries a walk has. Members that are left out match anything. */
export interface LogWalkFilter extends LogFilter {
  readonly outcome?: string | undefined
  /** The callers as the log stores them: any of these. */
  readonly callers?: readonly string[] | undefined
  /** The id or access key that an entry is about. */
  readonly target?: string | undefined
  /** The id of the organization that an entry is about. */
  readonly organization?: string | undefined
}

/** A place in the log: entries that are older follow. If the filter has an id, the number alone tells which are older. */
export interface LogPlace {
  readonly at: string
  readonly number: number
}

/** A page of a walk, newest first. */
export interface LogWalkPage {
  readonly items: readonly LogEntry[]
  /** Where the next page begins; undefined on the last page. */
  readonly next: LogPlace | undefined
  /** Whether the call stopped looking before the page was full. */
  readonly partial: boolean
}

interface Row {
  readonly entry_pk: number
  readonly at: string
  readonly status: LogStatus
  readonly customer: string | null
  readonly reseller: string | null
}

interface Walk {
  readonly filter: LogWalkFilter
  readonly after: LogPlace | undefined
  readonly limit: number
  /** The most entries that are looked at of those that are not in the index yet; WINDOW when left out. */
  readonly window?: number | undefined
}

/** The order of a walk, newest first. */
interface Order {
  readonly by: Sql
  isNewer(one: LogPlace, other: LogPlace): boolean
  /** Returns the condition for the entries after a place, among those that are not later. */
  after(place: LogPlace): Sql
}

const BY_TIME: Order = {
  by: sql`at desc, entry_pk desc`,
  isNewer: (one, other) => (one.at === other.at ? one.number > other.number : one.at > other.at),
  // The time of the filter ends at the place. A comparison here would lead SQLite away from the index of a property.
  after: ({ at, number }) => sql`not (i.at = ${at} and i.entry_pk >= ${number})`,
}
/** The index of ids has no times. */
const BY_NUMBER: Order = {
  by: sql`entry_pk desc`,
  isNewer: (one, other) => one.number > other.number,
  after: ({ number }) => sql`i.entry_pk < ${number}`,
}

/** Some entries in the order of the walk, and the condition for those that match. */
interface Source {
  readonly candidates: Sql
  /** Selects `at` and `entry_pk` of all that is looked at; by default these are the candidates. */
  readonly examined?: Sql
  readonly rest: Sql
  /** Whether all candidates match. */
  readonly isPlain: boolean
}

/**
 * Returns the entries that follow a place in the log, newest first and without a total. It looks at a limited number of
 * entries, so a page may have few, or none, although there are more.
 */
export async function selectLogWalk(tx: Tx, walk: Walk): Promise<LogWalkPage> {
  const { limit } = walk
  const { isNewer } = toOrder(walk)
  const rows: Row[] = []
  const tail = await findWindow(tx, walk)
  let floor = tail?.floor
  for (const source of await listSources(tx, walk, tail?.reaching)) {
    const found = await readSource(tx, source, walk)
    rows.push(...found.rows)
    if (found.last && (!floor || isNewer(found.last, floor))) floor = found.last
  }
  // Below the floor not every entry was looked at, so what was found there waits for the next page.
  const seen = floor
  const known = rows
    .filter((row) => !seen || !isNewer(seen, toPlace(row)))
    .sort((one, other) => (isNewer(toPlace(one), toPlace(other)) ? -1 : 1))
  const shown = known.slice(0, limit)
  const isFull = known.length > limit
  const last = shown.at(-1)
  const items = await selectEntries(tx, shown)
  return { items, next: isFull && last ? toPlace(last) : floor, partial: !isFull && floor !== undefined }
}

function toOrder({ filter }: Walk): Order {
  return listKeys(filter) ? BY_NUMBER : BY_TIME
}

function toPlace({ at, entry_pk }: Pick<Row, 'at' | 'entry_pk'>): LogPlace {
  return { at, number: entry_pk }
}

/** Reads the matching entries of a source, and where it stopped looking if there may be more. */
async function readSource(
  tx: Tx,
  { candidates, examined, rest, isPlain }: Source,
  walk: Walk,
): Promise<{ readonly rows: readonly Row[]; readonly last: LogPlace | undefined }> {
  const { by } = toOrder(walk)
  const most = isPlain ? walk.limit + 1 : MAX_EXAMINED
  const some = sql`${candidates} order by ${by} limit ${sql.lit(most)}`
  const rows = await query<Row>(
    tx,
    sql`select i.entry_pk, i.at, ${STATUS} as status, i.customer, i.reseller from (${some}) as i
      where ${rest} order by ${by} limit ${walk.limit + 1}`,
  )
  if (isPlain) return { rows, last: undefined }
  const [last] = await query<Pick<Row, 'at' | 'entry_pk'>>(
    tx,
    sql`select at, entry_pk from (${examined ?? some}) as part order by ${by} limit 1
      offset ${sql.lit(MAX_EXAMINED - 1)}`,
  )
  return { rows, last: last && toPlace(last) }
}

/**
 * Finds the entries that are not in the index yet and may follow the place, the newest ones if there are very many.
 * @returns the condition for them, and the floor: the place down to which they are complete; undefined if all are
 */
async function findWindow(
  tx: Tx,
  walk: Walk,
): Promise<{ readonly reaching: Sql; readonly floor: LogPlace | undefined } | undefined> {
  const { after, window = WINDOW } = walk
  const order = toOrder(walk)
  const disorder = order === BY_TIME ? Math.min(DISORDER_ENTRIES, Math.floor(window / 4)) : 0
  const tail = await findTail(tx, { before: after && after.number + disorder, size: window })
  if (!tail || tail.floor === null) return tail && { ...tail, floor: undefined }
  const [lowest] = await query<LogPlace>(
    tx,
    sql`select at, pk as number from audit_entries where pk >= ${tail.floor} and pk <= ${tail.floor + disorder}
      order by at desc, pk desc limit 1`,
  )
  const floor = lowest ?? { at: after?.at ?? walk.filter.to, number: tail.floor }
  // After a clock was set back, the next page begins at a lower number all the same.
  if (after && !order.isNewer(after, floor)) return { ...tail, floor: { at: after.at, number: tail.floor } }
  return { ...tail, floor }
}

async function listSources(tx: Tx, asked: Walk, tail: Sql | undefined): Promise<Source[]> {
  const walk = { ...asked, filter: endAtPlace(asked) }
  const { filter } = walk
  const own = listOwnParts(filter)
  const keys = listKeys(filter)
  const ids = keys && (await selectIds(tx, walk, keys))
  const sources: Source[] = []
  for (const alternative of await listAlternatives(tx, filter)) {
    const parts = [...alternative, ...own]
    sources.push(ids ? toKeySource(walk, parts, ids) : await toIndexSource(tx, walk, parts))
    if (tail) sources.push(toSource(walk, { from: toRows(tail), found: inTime(filter), rest: parts }))
  }
  return sources
}

/** Returns the filter with a time that ends at the place of the page, if the walk is in the order of time. */
function endAtPlace({ filter, after }: Walk): LogWalkFilter {
  return after && !listKeys(filter) && after.at < filter.to ? { ...filter, to: after.at } : filter
}

function toRows(reaching: Sql): Sql {
  return sql`(${selectIndexRows(reaching)}) as i`
}

function toSource(
  walk: Walk,
  { from, found, rest }: { readonly from: Sql; readonly found: Sql; readonly rest: readonly Part[] },
): Source {
  const before = walk.after ? [toOrder(walk).after(walk.after)] : []
  return {
    candidates: sql`select ${COLUMNS} from ${from} where ${and([found, ...before])}`,
    rest: and(rest.map(({ plain }) => plain)),
    isPlain: rest.length === 0,
  }
}

/** Finds the entries by the part that has them in order, or that few have; else looks at the newest ones. */
async function toIndexSource(tx: Tx, walk: Walk, parts: readonly Part[]): Promise<Source> {
  const { filter } = walk
  const foundBy = (part: Part): Sql =>
    and([inTime(filter, part.ofProvider ?? false), part.indexed ?? sql`1 = 1`])
  let best = parts.find(({ indexed, ordered }) => indexed && ordered)
  if (!best)
    for (const part of parts.filter(({ indexed }) => indexed))
      if ((await countUpTo(tx, INDEX, foundBy(part), RARE + 1)) <= RARE) best = part
  const rest = parts.filter((part) => part !== best)
  return toSource(walk, { from: INDEX, found: best ? foundBy(best) : inTime(filter), rest })
}

/** The ids by which the index finds the entries; undefined if the filter has none. */
function listKeys({ target, callers, organization }: LogWalkFilter): readonly string[] | undefined {
  if (target !== undefined) return [target.toLowerCase()]
  if (organization !== undefined) return [organization.toLowerCase()]
  return callers?.map((caller) => CALLER_PREFIX + caller.toLowerCase())
}

/** Finds the entries by the index of ids. Those that are out of the time of the filter are looked at too. */
function toKeySource(walk: Walk, parts: readonly Part[], ids: Sql): Source {
  const from = toRows(sql`entry.pk in (${ids})`)
  const examined = sql`select at, pk as entry_pk from audit_entries where pk in (${ids})`
  return { ...toSource(walk, { from, found: inTime(walk.filter), rest: parts }), examined }
}

/** Returns the query for the numbers of the next entries that have one of the ids: each id has them in order. */
async function selectIds(tx: Tx, { filter, after }: Walk, keys: readonly string[]): Promise<Sql> {
  const { first, last } = await selectNumbersInTime(tx, filter)
  const end = Math.min(last ?? Number.MAX_SAFE_INTEGER, (after?.number ?? Number.MAX_SAFE_INTEGER) - 1)
  const newest = sql`order by entry_pk desc limit ${sql.lit(MAX_EXAMINED)}`
  const lists = keys.map(
    (key) => sql`select entry_pk from (select entry_pk from audit_ids
      where id = ${key} and entry_pk >= ${first} and entry_pk <= ${end} ${newest}) as list`,
  )
  return sql`select entry_pk from (${sql.join(lists, sql` union all `)}) as lists ${newest}`
}

/** Returns numbers between which the entries in the time of a filter are. There may be others between them. */
async function selectNumbersInTime(
  tx: Tx,
  { providerPk, from, to }: LogFilter,
): Promise<{ readonly first: number; readonly last: number | undefined }> {
  const [earliest, latest] = [Date.parse(from) - DISORDER_MS, Date.parse(to) + DISORDER_MS]
  const ofProvider = sql`select entry_pk from audit_index as i where i.provider_pk = ${providerPk}`
  const some = sql`limit ${sql.lit(DISORDER_ENTRIES)}`
  const [oldest] = await query<{ pk: number | null }>(
    tx,
    sql`select min(entry_pk) as pk from (${ofProvider} and i.at >= ${new Date(earliest).toISOString()}
      order by i.at, i.entry_pk ${some}) as part`,
  )
  const first = Number(oldest?.pk ?? Number.MAX_SAFE_INTEGER)
  const [last] = await query<{ at: string }>(
    tx,
    sql`select at from audit_entries where pk = (select max(pk) from audit_entries)`,
  )
  if (!last || Date.parse(last.at) <= latest) return { first, last: undefined }
  const [newest] = await query<{ pk: number | null }>(
    tx,
    sql`select max(entry_pk) as pk from (${ofProvider} and i.at <= ${new Date(latest).toISOString()}
      order by i.at desc, i.entry_pk desc ${some}) as part`,
  )
  return { first, last: Number(newest?.pk ?? 0) }
}

/** The conditions that only the entries themselves can decide. */
function listOwnParts({ outcome, callers, target, organization }: LogWalkFilter): Part[] {
  const conditions = [
    ...(outcome === undefined ? [] : [sql`own.outcome = ${outcome}`]),
    ...(callers === undefined
      ? []
      : [sql`lower(own.caller) in (${sql.join(callers.map((one) => one.toLowerCase()))})`]),
    ...(target === undefined ? [] : [sql`lower(own.target) = ${target.toLowerCase()}`]),
    ...(organization === undefined ? [] : [sql`lower(own.organization) = ${organization.toLowerCase()}`]),
  ]
  if (conditions.length === 0) return []
  return [
    {
      plain: sql`exists (select 1 from audit_entries as own where own.pk = i.entry_pk and ${and(conditions)})`,
    },
  ]
}
