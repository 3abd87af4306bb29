import { type RawBuilder, type SqlBool, sql } from 'kysely'
import { countCodePoints } from '../../model/text.ts'
import { type FoundKeys, MIN_SEARCHED, type Tx, type UserArea, type UserWords } from '../port.ts'
import { query } from '../raw-query.ts'
import { isInArea, toAreaParameters } from '../tables/areas.ts'
import { toKeyList } from '../tables/key-lists.ts'
import { hasWord, isNarrow, selectPksOfArea } from '../users/user-sql.ts'
import { searchUsers, splitWords } from './user-search.ts'

/** How many users of the area are looked at first: they are enough for words that very many users have. */
const FIRST = 300
/** An area with up to this many users is read as a whole, in 3 to 5 ms. */
const SMALL_AREA = 10_000
/** The index looks for this many characters of a word: each three of them cost as much as a word of three. */
const PART = 12
/** Up to this many users with the words are read one by one. */
const FEW = 60
/** How many users with the words are looked at, at most. */
const MOST = 3_000

/** Finds users of an area by words; see `UserIndex.findUsers`. */
export async function findUsers(tx: Tx, area: UserArea, search: UserWords): Promise<FoundKeys> {
  const first = await keepWanted(tx, area, search, sql`${selectUsers(area)} limit ${sql.lit(FIRST)}`)
  if (first.length >= search.limit) return { pks: first, more: false }
  // The index by name has the words, so only the rows of users who have them are read.
  const havingWords = sql`${selectUsers(area)} and ${haveWords(search)}`
  if (await isSmall(tx, area)) return { pks: await keepWanted(tx, area, search, havingWords), more: false }
  const { pks, more } = await readIndex(tx, area, search)
  return { pks: [...new Set([...first, ...pks])].slice(0, search.limit), more }
}

/** Finds users of an area with the index for searches, which has those of all areas. */
export async function readIndex(tx: Tx, area: UserArea, { words, limit }: UserWords): Promise<FoundKeys> {
  const parts = words.map(toPart).filter((word) => countCodePoints(word) >= MIN_SEARCHED)
  const { words: rare } = await splitWords(tx, { words: parts })
  const search = { providerPk: area.providerPk, words: rare, groups: [] }
  const few = await searchUsers(tx, search, { limit: FEW + 1 })
  const some = await keepWanted(tx, area, { words, limit }, toKeyList(few))
  if (few.length <= FEW || some.length >= limit) return { pks: some, more: false }
  const within = { where: isWanted(area, { words }), examined: MOST }
  const pks = await searchUsers(tx, search, { limit, within })
  const isWhole = pks.length >= limit || (await searchUsers(tx, search, { limit: MOST + 1 })).length <= MOST
  return { pks, more: !isWhole }
}

function haveWords({ words }: Pick<UserWords, 'words'>): RawBuilder<SqlBool> {
  return and(words.map(hasWord))
}

/** Returns the condition that a user is in an area and has all words. */
function isWanted(area: UserArea, search: Pick<UserWords, 'words'>): RawBuilder<SqlBool> {
  return and([haveWords(search), isInArea(toAreaParameters(area))])
}

/** Returns those of some users who are wanted, as primary keys. */
async function keepWanted(
  tx: Tx,
  area: UserArea,
  search: UserWords,
  keys: RawBuilder<unknown>,
): Promise<number[]> {
  const rows = await query<{ pk: number }>(
    tx,
    sql`select users.pk from users where users.pk in (${keys}) and users.deleted_at is null
      and ${isWanted(area, search)} limit ${search.limit}`,
  )
  return rows.map(({ pk }) => pk)
}

/** Returns the part of a word that the index looks for: of an address, the characters around its middle. */
function toPart(word: string): string {
  const characters = [...word]
  const from = Math.max(characters.indexOf('@') - PART / 2, 0)
  return characters.slice(from, from + PART).join('')
}

function and(conditions: readonly unknown[]): RawBuilder<SqlBool> {
  return sql`${sql.join(conditions, sql` and `)}`
}

/** Returns whether an area has few users. Those of customers that are shared with other resellers count, too. */
async function isSmall(tx: Tx, area: UserArea): Promise<boolean> {
  if (!isNarrow(area)) return false
  const [row] = await query<{ total: number | null }>(
    tx,
    sql`select sum(total) as total from user_totals
      where organization_pk in (${selectPksOfArea(area)}) and deleted = 0`,
  )
  return (row?.total ?? 0) <= SMALL_AREA
}

/** Returns a query for the users of the organizations of an area, in no order. */
function selectUsers(area: UserArea): RawBuilder<unknown> {
  const isOfArea = isNarrow(area)
    ? sql`users.organization_pk in (${selectPksOfArea(area)})`
    : sql`users.provider_pk = ${area.providerPk}`
  return sql`select users.pk from users where ${isOfArea} and users.deleted_at is null and users.listed = 1`
}
