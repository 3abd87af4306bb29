import type { UserOrder } from '../../model/user-lists.ts'
import type { Tx } from '../port.ts'

/** Where a page begins: some users after the first one whose key is not less than `from`. */
export interface RankedStart {
  readonly from: string
  readonly offset: number
}

/**
 * Finds the key near which a far page of all users of a provider begins, in ascending order, without reading the users
 * before it. Users are counted by the first 3 and the first 8 characters of their keys.
 * @param offset the number of users before the page
 * @returns undefined if the totals do not reach the page
 */
export async function findRankedStart(
  tx: Tx,
  provider: number,
  { by, offset }: { by: UserOrder['by']; offset: number },
): Promise<RankedStart | undefined> {
  const starts = await tx.query((db) =>
    db
      .selectFrom('user_ranks')
      .select(['start as key', (eb) => eb.fn.sum<number>('total').as('total')])
      .where('provider_pk', '=', provider)
      .where('sort', '=', by)
      .groupBy('start')
      .orderBy('start'),
  )
  const start = findPlace(starts, offset)
  if (!start) return undefined
  const prefixes = await tx.query((db) =>
    db
      .selectFrom('user_ranks')
      .select(['prefix as key', (eb) => eb.fn.sum<number>('total').as('total')])
      .where('provider_pk', '=', provider)
      .where('sort', '=', by)
      .where('start', '=', start.from)
      .groupBy('prefix')
      .orderBy('prefix'),
  )
  return findPlace(prefixes, start.offset)
}

function findPlace(
  rows: readonly { readonly key: string; readonly total: number }[],
  offset: number,
): RankedStart | undefined {
  let left = offset
  for (const { key, total } of rows) {
    if (left < Number(total)) return { from: key, offset: left }
    left -= Number(total)
  }
  return undefined
}
