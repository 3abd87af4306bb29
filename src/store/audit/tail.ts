import { type RawBuilder, sql } from 'kysely'
import type { Tx } from '../port.ts'
import { query } from '../raw-query.ts'
import { statement } from '../statement.ts'

// The tail of the log: what its index does not have yet. It may be very long after an import, so reads look at windows
// of it, newest first.

/** The most entries of the tail that one call looks at. */
export const TAIL_WINDOW = 10_000
/** The most blocks behind the index among which the lowest primary key is searched. */
const MAX_BLOCKS = 10_000

/** How far the index is: all entries of lower blocks, and those of this block up to a primary key. */
export interface IndexProgress {
  readonly block: number
  readonly entryPk: number
}

const selectProgress = statement((db) =>
  db.selectFrom('audit_progress').select(['block', 'entry_pk as entryPk']),
)

/** Returns how far the index is. */
export async function getProgress(tx: Tx): Promise<IndexProgress> {
  return (await tx.get(selectProgress, {})) ?? { block: 0, entryPk: 0 }
}

/** Some entries that are not in the index. */
export interface Tail {
  /** The condition on `audit_entries as entry`. */
  readonly reaching: RawBuilder<unknown>
  /** The lowest number that was looked at; null if the index has all entries with lower ones. */
  readonly floor: number | null
}

/** Which part of the tail is looked at. */
interface Window {
  /** Only entries with a lower number; the newest ones when left out. */
  readonly before?: number | undefined
  /** How many entries at most. */
  readonly size?: number | undefined
}

interface Bounds {
  /** The lowest primary key of the tail. */
  readonly least: number
  /** The condition on `entry` that it is not in the index. */
  readonly isBehind: RawBuilder<unknown>
}

const selectNewestBefore = statement((db, p: { before: number }) =>
  db
    .selectFrom('audit_entries')
    .select('pk')
    .where('pk', '<', p.before)
    .orderBy('pk', 'desc')
    .limit(sql.lit(1)),
)

/** Returns undefined if the index has all entries. */
async function findBounds(tx: Tx): Promise<Bounds | undefined> {
  const { block, entryPk } = await getProgress(tx)
  // Primary keys are not in the order of blocks on PostgreSQL, so a later block may have an entry with a lower one.
  const blocks = sql`select first_pk from audit_blocks where number > ${block}
    order by number limit ${sql.lit(MAX_BLOCKS)}`
  const [least] = await query<{ pk: number | null }>(
    tx,
    sql`select min(pk) as pk from (
      select min(first_pk) as pk from (${blocks}) as blocks
      union all select min(pk) from audit_entries where block is null
      union all select ${entryPk + 1} from audit_blocks where number = ${block} and last_pk > ${entryPk}) as firsts`,
  )
  const isBehind = sql`(entry.block is null or entry.block > ${block}
    or (entry.block = ${block} and entry.pk > ${entryPk}))`
  return least?.pk === undefined || least.pk === null ? undefined : { least: Number(least.pk), isBehind }
}

/**
 * Finds the newest part of the tail below a number: at most `size` entries.
 * @returns undefined if the index has all entries below the number
 */
export async function findTail(
  tx: Tx,
  { before = Number.MAX_SAFE_INTEGER, size = TAIL_WINDOW }: Window = {},
): Promise<Tail | undefined> {
  const bounds = await findBounds(tx)
  if (!bounds) return undefined
  const { least, isBehind } = bounds
  // A window is an interval of numbers. It ends at an entry, so that a gap between numbers costs one window.
  const newest = (await tx.get(selectNewestBefore, { before }))?.pk ?? 0
  if (newest < least) return undefined
  const from = Math.max(least, newest + 1 - size)
  const reaching = sql`entry.pk >= ${from} and entry.pk <= ${newest} and ${isBehind}`
  if (from > least) return { reaching, floor: from }
  const [first] = await query(tx, sql`select 1 from audit_entries as entry where ${reaching} limit 1`)
  return first === undefined ? undefined : { reaching, floor: null }
}

/** How many entries around the place of a time are looked at. Concurrent calls write entries out of their order. */
const BEFORE_PLACE = 500
const AFTER_PLACE = 2_000

const selectFrom = statement((db, p: { pk: number }) =>
  db.selectFrom('audit_entries').select('at').where('pk', '>=', p.pk).orderBy('pk').limit(sql.lit(1)),
)

/**
 * Finds the number of the first entry of the tail from a time on. Numbers are about in the order of time, so a search by
 * halves needs about twenty look-ups.
 */
async function findPlace(tx: Tx, { least }: Bounds, at: { newest: number; time: string }): Promise<number> {
  let [low, high] = [least, at.newest + 1]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const entry = await tx.get(selectFrom, { pk: middle })
    if (entry && entry.at < at.time) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * Finds the part of the tail in which the entries of a time are, ISO 8601.
 * @returns the condition on `audit_entries as entry`; undefined if the index has all entries
 */
export async function findTailAt(tx: Tx, time: string): Promise<RawBuilder<unknown> | undefined> {
  const bounds = await findBounds(tx)
  if (!bounds) return undefined
  const { least, isBehind } = bounds
  const newest = (await tx.get(selectNewestBefore, { before: Number.MAX_SAFE_INTEGER }))?.pk ?? 0
  if (newest < least) return undefined
  const place = await findPlace(tx, bounds, { newest, time })
  return sql`entry.pk >= ${Math.max(least, place - BEFORE_PLACE)} and entry.pk < ${place + AFTER_PLACE}
    and ${isBehind} and entry.at = ${time}`
}

/**
 * Finds the newest part of the tail that may have entries of an interval, ISO 8601, both ends included.
 * @param size how many entries at most
 * @returns its floor is null if the index or the part has all entries of the interval; undefined if the index has them
 */
export async function findTailIn(
  tx: Tx,
  { from, to }: { readonly from: string; readonly to: string },
  size: number,
): Promise<Tail | undefined> {
  const bounds = await findBounds(tx)
  if (!bounds) return undefined
  const { least, isBehind } = bounds
  const newest = (await tx.get(selectNewestBefore, { before: Number.MAX_SAFE_INTEGER }))?.pk ?? 0
  if (newest - least < size) return findTail(tx, { size })
  // What follows the end of the interval is later than its last moment.
  const end = Math.min(newest, (await findPlace(tx, bounds, { newest, time: `${to}~` })) + AFTER_PLACE)
  const begin = Math.max(least, (await findPlace(tx, bounds, { newest, time: from })) - BEFORE_PLACE)
  const first = Math.max(begin, end + 1 - size)
  const reaching = sql`entry.pk >= ${first} and entry.pk <= ${end} and ${isBehind}`
  return { reaching, floor: first > begin ? first : null }
}

/** Returns whether there are entries behind the index that a part of the tail does not have. */
export function isCut(tail: Tail | undefined): boolean {
  return tail !== undefined && tail.floor !== null
}
