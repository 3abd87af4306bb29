import { expressionBuilder, type RawBuilder, type SqlBool, sql } from 'kysely'
import { countCodePoints } from '../../model/text.ts'
import { type FoundKeys, MIN_SEARCHED, type Tx, type UserArea, type UserWords } from '../port.ts'
import { query } from '../raw-query.ts'
import type { Tables } from '../schema.ts'
import { toKeyList } from '../tables/key-lists.ts'
import { isInArea } from '../tables/users-in-area.ts'
import { hasWord } from '../users/user-sql.ts'
import { searchUsers } from './user-search.ts'

/** How many users of the area are looked at first: they are enough for words that very many users have. */
const FIRST = 300
/** So many users with the words are read one by one. */
const FEW = 60
/** How many users with the words are looked at, at most. */
const MOST = 3_000

/** Finds users of an area by words; see `Tx.findUsers`. */
export async function findUsers(tx: Tx, area: UserArea, { words, limit }: UserWords): Promise<FoundKeys> {
  const isWanted = and([isInArea(expressionBuilder<Tables, 'users'>(), area), ...words.map(hasWord)])
  const keepWanted = async (keys: RawBuilder<unknown>): Promise<number[]> => {
    const rows = await query<{ pk: number }>(
      tx,
      sql`select users.pk from users where users.pk in (${keys}) and users.deleted_at is null and ${isWanted}
        limit ${limit}`,
    )
    return rows.map(({ pk }) => pk)
  }
  const first = await keepWanted(selectFirst(area))
  if (first.length >= limit) return { pks: first, more: false }
  const long = words.filter((word) => countCodePoints(word) >= MIN_SEARCHED)
  const search = { providerPk: area.providerPk, words: long, groups: [] }
  const few = await searchUsers(tx, search, { limit: FEW + 1 })
  const some = await keepWanted(toKeyList(few))
  if (few.length <= FEW || some.length >= limit) return { pks: some, more: false }
  const within = { where: isWanted, examined: MOST }
  const pks = await searchUsers(tx, search, { limit, within })
  const isWhole = pks.length >= limit || (await searchUsers(tx, search, { limit: MOST + 1 })).length <= MOST
  return { pks: [...new Set([...first, ...pks])].slice(0, limit), more: !isWhole }
}

function and(conditions: readonly unknown[]): RawBuilder<SqlBool> {
  return sql`${sql.join(conditions, sql` and `)}`
}

/** Returns a query for some users of an area, in no order. */
function selectFirst({ providerPk, resellerPk }: UserArea): RawBuilder<unknown> {
  const area =
    resellerPk === undefined
      ? sql`provider_pk = ${providerPk}`
      : sql`organization_pk in (select ${resellerPk} union all
          select customer_pk from customer_resellers where reseller_pk = ${resellerPk})`
  return sql`select pk from users where ${area} and deleted_at is null and listed = 1 limit ${sql.lit(FIRST)}`
}
