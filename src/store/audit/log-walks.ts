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
/** If a property has more entries than these, and no index in the order of time, the newest entries are looked at. */
const RARE = 5_000

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

/** A place in the log: entries that are older follow. */
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
}

/** Some entries in the order of time, and the condition for those that match. */
interface Source {
  readonly candidates: Sql
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
  const rows: Row[] = []
  let floor: LogPlace | undefined
  for (const source of await listSources(tx, walk)) {
    const found = await readSource(tx, source, walk)
    rows.push(...found.rows)
    if (found.last && (!floor || isNewer(found.last, floor))) floor = found.last
  }
  // Rows behind the floor may have others before them that were not looked at.
  const seen = floor
  const known = rows.filter((row) => !seen || !isNewer(seen, toPlace(row))).sort(compare)
  const shown = known.slice(0, limit)
  const isFull = known.length > limit
  const last = shown.at(-1)
  const items = await selectEntries(tx, shown)
  return { items, next: isFull && last ? toPlace(last) : floor, partial: !isFull && floor !== undefined }
}

function toPlace({ at, entry_pk }: Row): LogPlace {
  return { at, number: entry_pk }
}

function isNewer(one: LogPlace, other: LogPlace): boolean {
  return one.at === other.at ? one.number > other.number : one.at > other.at
}

function compare(one: Row, other: Row): number {
  return isNewer(toPlace(one), toPlace(other)) ? -1 : 1
}

/** Reads the matching entries of a source, and where it stopped looking if there may be more. */
async function readSource(
  tx: Tx,
  { candidates, rest, isPlain }: Source,
  { limit }: Walk,
): Promise<{ readonly rows: readonly Row[]; readonly last: LogPlace | undefined }> {
  const most = isPlain ? limit + 1 : MAX_EXAMINED
  const some = sql`${candidates} order by i.at desc, i.entry_pk desc limit ${sql.lit(most)}`
  const rows = await query<Row>(
    tx,
    sql`select i.entry_pk, i.at, ${STATUS} as status, i.customer, i.reseller from (${some}) as i
      where ${rest} order by i.at desc, i.entry_pk desc limit ${limit + 1}`,
  )
  if (isPlain) return { rows, last: undefined }
  const [last] = await query<{ at: string; entry_pk: number }>(
    tx,
    sql`select at, entry_pk from (${some}) as some order by at desc, entry_pk desc limit 1
      offset ${sql.lit(MAX_EXAMINED - 1)}`,
  )
  return { rows, last: last && { at: last.at, number: last.entry_pk } }
}

async function listSources(tx: Tx, walk: Walk): Promise<Source[]> {
  const { filter } = walk
  const tail = (await findTail(tx, { size: Number.POSITIVE_INFINITY }))?.reaching
  const own = listOwnParts(filter)
  const keys = listKeys(filter)
  const sources: Source[] = []
  for (const alternative of await listAlternatives(tx, filter)) {
    const parts = [...alternative, ...own]
    sources.push(keys ? toKeySource(walk, parts, keys) : await toIndexSource(tx, walk, parts))
    if (tail) sources.push(toSource(walk, { from: toRows(tail), found: inTime(filter), rest: parts }))
  }
  return sources
}

function toRows(reaching: Sql): Sql {
  return sql`(${selectIndexRows(reaching)}) as i`
}

function toSource(
  { after }: Walk,
  { from, found, rest }: { readonly from: Sql; readonly found: Sql; readonly rest: readonly Part[] },
): Source {
  const before = after ? [sql`(i.at, i.entry_pk) < (${after.at}, ${after.number})`] : []
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

function toKeySource(walk: Walk, parts: readonly Part[], keys: readonly string[]): Source {
  const before = walk.after ? sql` and entry_pk < ${walk.after.number}` : sql``
  const from = toRows(sql`entry.pk in (select entry_pk from audit_ids where id in (${sql.join(keys)})${before}
    order by entry_pk desc limit ${sql.lit(MAX_EXAMINED)})`)
  return toSource(walk, { from, found: inTime(walk.filter), rest: parts })
}

/** The conditions that only the entries themselves can answer. */
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
