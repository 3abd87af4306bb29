import { type RawBuilder, sql } from 'kysely'
import type { Tx } from '../port.ts'
import { query } from '../raw-query.ts'

// Blocks have labels in their order. A new block needs a label between two others. If none is free, the blocks around
// it get other labels, and their users move in the index. Labels are far apart, so this is rare: also if users come in
// the order of the list, in the opposite order, or all at one place, each user moves once or twice.

/** Labels are less than this. */
export const END_OF_LABELS = 2 ** 42
/** The most labels between two new blocks: many can follow, even if users come in the order of the list. */
const WIDEST_GAP = 2 ** 24
/** How many blocks on each side get other labels first; then twice as many, until there are enough labels for them. */
const MIN_REACH = 4
/** From this many blocks on, it is enough if each block can be divided once more. */
const LONG_REACH = 64
const MIN_GAP = 64

/** A block gets another label. */
export interface LabelMove {
  readonly from: number
  readonly to: number
}

/**
 * Returns the distance between the labels of the parts of a block; less than 1 if there are too few.
 * @param free the distance between the labels of the block and the next one
 */
export function chooseGap(free: number, parts: number): number {
  return Math.min(Math.floor(free / parts), WIDEST_GAP)
}

/**
 * Plans other labels for the blocks around one that has no labels behind it: as few blocks as have enough labels
 * together. Dense neighbourhoods become wider, so that the same blocks do not move again soon.
 */
export async function planSpread(tx: Tx, blocks: RawBuilder<unknown>, label: number): Promise<LabelMove[]> {
  for (let reach = MIN_REACH; ; reach *= 2) {
    const { labels, low, high } = await selectAround(tx, blocks, { label, reach })
    const isAll = low === 0 && high === END_OF_LABELS
    const gap = (high - low) / (labels.length + 1)
    const needed = reach < LONG_REACH ? 16 * reach ** 1.5 : MIN_GAP
    if (gap >= needed || isAll) return spread(labels, { low, high })
  }
}

/** Returns the labels of the blocks around one, and those of the blocks before and after these. */
async function selectAround(
  tx: Tx,
  blocks: RawBuilder<unknown>,
  { label, reach }: { readonly label: number; readonly reach: number },
): Promise<{ readonly labels: number[]; readonly low: number; readonly high: number }> {
  const rows = await query<{ label: number }>(
    tx,
    sql`select label from (select label from ${blocks} where label <= ${label} order by label desc limit ${reach + 2})
      union all select label from (select label from ${blocks} where label > ${label} order by label limit ${reach + 1})`,
  )
  const labels = rows.map((row) => row.label).sort((one, other) => one - other)
  const place = labels.indexOf(label)
  const isFirst = place <= reach
  const isLast = labels.length - place - 1 <= reach
  return {
    labels: labels.slice(isFirst ? 0 : 1, isLast ? labels.length : -1),
    low: isFirst ? 0 : (labels[0] ?? 0),
    high: isLast ? END_OF_LABELS : (labels.at(-1) ?? END_OF_LABELS),
  }
}

/** Gives blocks labels at equal distances. At an end of the order, the free labels stay at this end. */
function spread(
  labels: readonly number[],
  { low, high }: { readonly low: number; readonly high: number },
): LabelMove[] {
  const gap = Math.min(Math.floor((high - low) / (labels.length + 1)), WIDEST_GAP)
  const free = high - low - gap * (labels.length + 1)
  const [isFirst, isLast] = [low === 0, high === END_OF_LABELS]
  const before = isFirst === isLast ? Math.floor(free / 2) : isFirst ? free : 0
  return labels.map((from, i) => ({ from, to: low + before + gap * (i + 1) }))
}
