import { sql } from 'kysely'
import type { AuditEntry } from '../../model/audit.ts'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { ENTRY_COLUMNS, toEntry } from './entries.ts'

/** A place in the sealed log: after the entry with this primary key in this block. Its first entry is after `pk` 0. */
export interface LogCursor {
  readonly block: number
  readonly pk: number
}

/** An entry with its place in the log. */
export interface PlacedEntry {
  readonly entry: AuditEntry
  readonly place: LogCursor
}

/** A part of the sealed log. */
export interface LogPart {
  readonly entries: readonly PlacedEntry[]
  /** The place after the part; the place before it, if there is nothing. */
  readonly cursor: LogCursor
}

/** The most blocks that one part is taken from. */
const MAX_BLOCKS = 500

const blocksFrom = statement((db, p: { block: number }) =>
  db
    .selectFrom('audit_blocks')
    .select(['number', 'first_pk', 'last_pk', 'entries'])
    .where('number', '>=', p.block)
    .orderBy('number')
    .limit(sql.lit(MAX_BLOCKS)),
)

/**
 * Reads the entries after a place, in the order of the log: block by block, and in each block by primary key. On
 * PostgreSQL an entry is in the log once it is sealed.
 * @param limit about how many entries to read; 0 reads none
 */
export async function selectLogPart(tx: Tx, after: LogCursor, limit: number): Promise<LogPart> {
  if (limit === 0) return { entries: [], cursor: after }
  const blocks = await tx.all(blocksFrom, { block: after.block })
  const left = blocks.filter(({ number, last_pk }) => number > after.block || last_pk > after.pk)
  const [first] = left
  if (!first) return { entries: [], cursor: after }
  let count = 0
  const taken = left.filter(({ entries }) => {
    const isTaken = count < limit
    count += entries
    return isTaken
  })
  const last = taken.at(-1) ?? first
  const from = first.number === after.block ? after.pk : first.first_pk - 1
  const bounds = {
    ...{ first: first.number, last: last.number, from },
    lowest: Math.min(...taken.map((block) => block.first_pk)),
    highest: Math.max(...taken.map((block) => block.last_pk)),
  }
  const isCut = taken.length === 1 && first.entries > limit
  const rows = await selectRows(tx, bounds, isCut ? limit : null)
  const entries = rows.map((row) => {
    return { entry: toEntry(row), place: { block: Number(row.block), pk: row.pk } }
  })
  const end = isCut && entries.length === limit ? entries.at(-1)?.place : undefined
  return { entries, cursor: end ?? { block: last.number, pk: last.last_pk } }
}

interface Bounds {
  readonly first: number
  readonly last: number
  readonly from: number
  readonly lowest: number
  readonly highest: number
}

function selectRows(tx: Tx, { first, last, from, lowest, highest }: Bounds, limit: number | null) {
  return tx.query((db) => {
    const query = db
      .selectFrom('audit_entries')
      .select([...ENTRY_COLUMNS, 'pk', 'block'])
      .where('pk', '>=', lowest)
      .where('pk', '<=', highest)
    // Blocks of PostgreSQL overlap: a later block may hold a lower primary key than an earlier one.
    if (first === last) {
      const one = query.where('block', '=', first).where('pk', '>', from).orderBy('pk')
      return limit === null ? one : one.limit(limit)
    }
    return query
      .where('block', '>=', first)
      .where('block', '<=', last)
      .where((eb) => eb.or([eb('block', '>', first), eb('pk', '>', from)]))
      .orderBy('block')
      .orderBy('pk')
  })
}

const selectLast = statement((db) =>
  db
    .selectFrom('audit_blocks')
    .select(['number as block', 'last_pk as pk'])
    .orderBy('number', 'desc')
    .limit(sql.lit(1)),
)

/** Returns the place at the end of the sealed log. */
export async function selectLogEnd(tx: Tx): Promise<LogCursor> {
  return (await tx.get(selectLast, {})) ?? { block: 0, pk: 0 }
}

const selectStart = statement((db, p: { number: number }) =>
  db
    .selectFrom('audit_blocks')
    .innerJoin('audit_entries', 'audit_entries.pk', 'audit_blocks.first_pk')
    .select('at')
    .where('number', '=', p.number),
)

/**
 * Returns the place of the first block that begins at a time or later; the block before it may hold entries of it too.
 */
export async function selectLogPlaceAt(tx: Tx, at: string): Promise<LogCursor> {
  const end = await selectLogEnd(tx)
  // Blocks have consecutive numbers, so a search by halves needs about twenty look-ups.
  let [low, high] = [1, end.block + 1]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const start = await tx.get(selectStart, { number: middle })
    if (start && start.at < at) low = middle + 1
    else high = middle
  }
  return { block: Math.max(low - 1, 0), pk: 0 }
}
