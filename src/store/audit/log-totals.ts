import { type RawBuilder, sql } from 'kysely'
import type { PageRequest } from '../../model/pages.ts'
import type { Tx } from '../port.ts'
import { query } from '../raw-query.ts'

// Lists that filter by time and operation alone are counted by hour, so that they have an exact total, and so that a
// page far from the newest entry is found without reading all entries before it.

/** What such a list filters by. */
export interface TimeFilter {
  readonly providerPk: number
  /** ISO 8601, both included. */
  readonly from: string
  readonly to: string
  readonly operations?: readonly string[] | undefined
}

/** The part of a time that names its hour: `2026-11-28T09`. */
const HOUR_LENGTH = 13
const toHour = (time: string): string => time.slice(0, HOUR_LENGTH)
/** The last time of an hour. */
const endOf = (hour: string): string => `${hour}:59:59.999Z`

/** Adds rows of the index to the totals. */
export async function addTotals(tx: Tx, rows: RawBuilder<unknown>): Promise<void> {
  await query(
    tx,
    sql`insert into audit_totals (provider_pk, hour, operation, total)
      select i.provider_pk, substr(i.at, 1, ${sql.lit(HOUR_LENGTH)}), i.operation, count(*)
      from (${rows}) as i where 1 = 1 group by 1, 2, 3
      on conflict (provider_pk, hour, operation) do update set total = audit_totals.total + excluded.total`,
  )
}

function ofOperations(column: string, operations: readonly string[] | undefined): RawBuilder<unknown> {
  if (!operations) return sql`1 = 1`
  return sql`${sql.ref(column)} in (${operations.length > 0 ? sql.join(operations) : sql`null`})`
}

interface HourTotal {
  readonly hour: string
  readonly total: number
}

/** Returns the hours of an interval with the number of their entries in it, newest first. */
async function selectHours(tx: Tx, filter: TimeFilter): Promise<HourTotal[]> {
  const { providerPk, from, to, operations } = filter
  const hours = await query<HourTotal>(
    tx,
    sql`select hour, sum(total) as total from audit_totals
      where provider_pk = ${providerPk} and hour >= ${toHour(from)} and hour <= ${toHour(to)}
      and ${ofOperations('operation', operations)}
      group by hour order by hour desc`,
  )
  const totals = hours.map(({ hour, total }) => ({ hour, total: Number(total) }))
  // The first and the last hour also have entries outside the interval.
  for (const [hour, outside] of [
    [toHour(to), sql`i.at > ${to} and i.at <= ${endOf(toHour(to))}`],
    [toHour(from), sql`i.at >= ${toHour(from)} and i.at < ${from}`],
  ] as const) {
    const index = totals.findIndex((one) => one.hour === hour)
    const [row] = index < 0 ? [] : await query<{ total: number }>(tx, countOf(filter, outside))
    const found = totals[index]
    if (found) totals[index] = { hour, total: found.total - Number(row?.total ?? 0) }
  }
  return totals
}

function countOf({ providerPk, operations }: TimeFilter, time: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`select count(*) as total from audit_index as i where i.provider_pk = ${providerPk}
    and ${time} and ${ofOperations('i.operation', operations)}`
}

/** The total of a list in the index, and where a page of it begins. */
export interface PageStart extends PageRequest {
  readonly total: number
  /** The end of the interval in which the page is the one after `offset` entries. */
  readonly to: string
}

/** Counts a list in the index, and finds the hour in which a page begins. */
export async function findPageStart(
  tx: Tx,
  filter: TimeFilter,
  { offset, limit }: PageRequest,
): Promise<PageStart> {
  const hours = await selectHours(tx, filter)
  const total = hours.reduce((sum, hour) => sum + hour.total, 0)
  let [rest, to] = [offset, filter.to]
  for (const hour of hours) {
    if (rest < hour.total) break
    rest -= hour.total
    to = hour.hour
  }
  // What is left of the interval ends before the hour that was skipped last.
  return { total, to, offset: rest, limit }
}
