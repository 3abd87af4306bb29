import { type RawBuilder, type SqlBool, sql } from 'kysely'
import { type FoundKeys, MIN_SEARCHED, type Tx, type UserArea, type UserWords } from '../port.ts'
import { query } from '../raw-query.ts'
import { haveWords, isNarrow, selectOrganizations } from './member-pages.ts'
import { areFound, IS_LISTED, toParts } from './user-search.ts'

// Words that many users of an area have are found among its first users, without the index for searches, which returns
// nothing before it has gone through all users of a place with the words. The other words are in the index.

/** An area with at most so many users is read as a whole, in 2 to 4 ms. */
const SMALL_AREA = 10_000
/** How many users of a larger area are looked at first. */
const FIRST = 1_000
/** How many of them belong to one organization: the users of an organization are read by name. */
const FIRST_OF_ORGANIZATION = 100
/** How many users are looked at whose first name begins with the first word. */
const BEGINNING = 500
/** How many users are looked at to choose what the index looks for. */
const SAMPLE = 100
/** How many parts of a word are counted in the sample. */
const MAX_COUNTED = 8
/** The index looks for so many parts of all words, and at least for one of each word. */
const ENOUGH_PARTS = 3
/** The index does not look for a part that more of the sample have, unless all parts are so common. */
const COMMON = SAMPLE / 5
/** How many users that the index finds are looked at. */
const MOST = 3_000

/** Finds users of an area by words; see `Tx.findUsers`. */
export async function findUsers(tx: Tx, area: UserArea, search: UserWords): Promise<FoundKeys> {
  if (isNarrow(area) && (await countArea(tx, area)) <= SMALL_AREA)
    return { pks: await readArea(tx, area, search), more: false }
  const first = await readFirst(tx, area, search)
  if (first.length >= search.limit) return { pks: first.slice(0, search.limit), more: false }
  const { pks, more } = await readIndex(tx, area, search)
  return { pks: [...new Set([...first, ...pks])].slice(0, search.limit), more }
}

/** Returns the condition that a user belongs to an organization of a narrow area. An index finds these users. */
function isOfOrganizations(area: UserArea): RawBuilder<SqlBool> {
  return sql`users.organization_pk = any(array(${selectOrganizations(area)}))`
}

/** Returns the condition that a user is in the context of an area, and not in an organization that is being deleted. */
function isInContext({ providerPk, resellerPk }: UserArea): RawBuilder<SqlBool> {
  const context =
    resellerPk === undefined
      ? sql``
      : sql`(users.reseller_pk is null or users.reseller_pk = ${resellerPk}) and`
  return sql`${context} (users.organization_pk in (select pk from organizations where provider_pk = ${providerPk}
    and deleted_at is not null and emptied_at is null)) is not true`
}

/**
 * Returns the condition that a user is in an area. PostgreSQL reads the organizations once, and then checks one user
 * after the other: `is true` keeps it from a join, which would read all users first.
 */
function isInside(area: UserArea): RawBuilder<SqlBool> {
  if (!isNarrow(area)) return isInContext(area)
  return sql`(users.organization_pk in (${selectOrganizations(area)})) is true and ${isInContext(area)}`
}

/** The indexes by name have the ids, so PostgreSQL reads only the rows of the users who are found. */
function selectPks(ids: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`select users.pk from users where users.id in (${ids})`
}

async function readPks(tx: Tx, text: RawBuilder<unknown>): Promise<number[]> {
  return (await query<{ pk: number }>(tx, text)).map(({ pk }) => pk)
}

/** Counts the users of a narrow area, roughly: those who are deleted with their organization count. */
async function countArea(tx: Tx, area: UserArea): Promise<number> {
  const { resellerPk } = area
  const [row] = await query<{ total: number }>(
    tx,
    sql`select coalesce(sum(users.total), 0)::integer as total from user_totals as users
      where ${isOfOrganizations(area)} and users.deleted = 0
      ${resellerPk === undefined ? sql`` : sql`and users.reseller_pk in (0, ${resellerPk})`}`,
  )
  return row?.total ?? 0
}

/** Finds users of a narrow area: reads all of its users. */
export function readArea(tx: Tx, area: UserArea, search: UserWords): Promise<number[]> {
  const ids = sql`select users.id from users where ${isOfOrganizations(area)} and ${IS_LISTED}
    and ${isInContext(area)} and ${haveWords(search)} limit ${search.limit}`
  return readPks(tx, selectPks(ids))
}

/** Reads the first users of an area, and those whose first name begins with the first word. */
export async function readFirst(tx: Tx, area: UserArea, search: UserWords): Promise<number[]> {
  const { words, limit } = search
  const [word = ''] = words
  const ofArea = sql`users.provider_pk = ${area.providerPk} and ${IS_LISTED}`
  const cut = sql`where ${haveWords(search)} and ${isInside(area)} limit ${limit}`
  const columns = sql`users.name_key, users.organization_pk, users.reseller_pk`
  const beginning = sql`select users.id from (select users.id, ${columns} from users
    where ${ofArea} and users.name_key >= ${word} and users.name_key < ${`${word}\u{10ffff}`}
    limit ${BEGINNING}) as users ${cut}`
  const first = isNarrow(area)
    ? selectPks(sql`select users.id from (
        select users.* from (${selectOrganizations(area)}) as area cross join lateral (
          select users.id, users.name_key from users
          where users.organization_pk = area.pk and ${IS_LISTED} and ${isInContext(area)}
          limit ${FIRST_OF_ORGANIZATION}) as users
        limit ${FIRST}) as users where ${haveWords(search)} limit ${limit}`)
    : sql`select users.pk from (select users.pk, ${columns} from users
        where ${ofArea} order by users.updated_at desc, users.pk desc limit ${FIRST}) as users ${cut}`
  return [...new Set(await readPks(tx, sql`(${selectPks(beginning)}) union all (${first})`))]
}

/** Finds users of an area whom the index for searches finds, one by one until there are enough. */
export async function readIndex(tx: Tx, area: UserArea, search: UserWords): Promise<FoundKeys> {
  const { providerPk } = area
  const parts = await chooseParts(tx, area, search)
  const found = areFound({ ...search, providerPk, groups: [], parts }, 'name', sql`place.start`)
  const rows = await query<{ pk: number; n: number }>(
    tx,
    sql`select users.pk, users.n from (
        select found.*, row_number() over () as n from user_places as place cross join lateral (
          select users.pk, users.organization_pk, users.reseller_pk from users where ${found} offset 0) as found
        where place.provider_pk = ${providerPk} and place.sort = 'name' limit ${MOST + 1}) as users
      where users.n > ${MOST} or (${isInside(area)}) limit ${search.limit}`,
  )
  const pks = rows.filter(({ n }) => n <= MOST).map(({ pk }) => pk)
  return { pks, more: pks.length < rows.length }
}

/**
 * Chooses what the index looks for: few parts of the words that few users have. Each further part of a word costs as
 * much as the first one, and leaves out fewer users.
 */
async function chooseParts(tx: Tx, { providerPk }: UserArea, { words }: UserWords): Promise<string[]> {
  const long = words.filter((word) => [...word].length >= MIN_SEARCHED)
  const all = toParts(long, MAX_COUNTED)
  const rows = await query<{ part: string; users: number }>(
    tx,
    sql`select part, count(*)::integer as users from unnest(${all}::text[]) as part, (
        select users.name_key from users where users.provider_pk = ${providerPk} and ${IS_LISTED}
        order by users.updated_at desc, users.pk desc limit ${SAMPLE}) as users
      where strpos(users.name_key, part) > 0 group by part`,
  )
  const counts = new Map(rows.map(({ part, users }) => [part, users]))
  const countOf = (part: string): number => counts.get(part) ?? 0
  const byCount = (parts: readonly string[]): string[] =>
    [...parts].sort((one, other) => countOf(one) - countOf(other))
  const rarest = byCount(long.flatMap((word) => byCount(toParts([word], MAX_COUNTED)).slice(0, 1)))
  const chosen = new Set(rarest.filter((part, i) => i === 0 || countOf(part) <= COMMON))
  for (const part of byCount(all)) if (chosen.size < ENOUGH_PARTS) chosen.add(part)
  return [...chosen]
}
