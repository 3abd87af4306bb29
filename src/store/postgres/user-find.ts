import { type RawBuilder, type SqlBool, sql } from 'kysely'
import { LAST } from '../../model/users.ts'
import { toPattern } from '../conditions.ts'
import { type FoundKeys, MIN_SEARCHED, type Tx, type UserArea, type UserWords } from '../port.ts'
import { rawStatement } from '../raw-query.ts'
import { type AreaParameters, toAreaParameters, toPk } from '../tables/areas.ts'
import { isNarrow } from '../users/user-sql.ts'
import { IS_LISTED } from './user-conditions.ts'
import { IS_FOUND, PARTS, toParts } from './user-search.ts'

// Words that many users of an area have are found among its first users, without the index for searches, which returns
// nothing before it has gone through all users of a place with the words. The other words are in the index.
//
// These statements have one text for all areas and words, so that PostgreSQL can keep a plan for each connection:
// planning takes as long as running. Limits of what is looked at are literals: the planner then expects few rows.

/** An area with up to this many users is read as a whole, in 2 to 4 ms. */
const SMALL_AREA = 10_000
/** How many users of a larger area are looked at first. */
const FIRST = 1_000
/** How many of these may belong to one organization, whose users are read by name. */
const FIRST_OF_ORGANIZATION = 100
/** How many users are looked at whose first name begins with the first word. */
const BEGINNING = 500
/** How many users are looked at to choose what the index looks for. */
const SAMPLE = 100
/** How many parts of a word are counted in the sample. */
const MAX_COUNTED = 8
/** The index looks for this many parts of all words together, and for at least one part of each rare word. */
const ENOUGH_PARTS = 3
/** The index does not look for a part that more users of the sample have, unless all parts are that common. */
const COMMON = SAMPLE / 5
/** How many users that the index finds are looked at. */
const MOST = 3_000

/** What the statements compare: an area, and the words as patterns. */
interface FindParameters extends AreaParameters {
  readonly patterns: readonly string[]
  readonly limit: number
}

function toParameters(area: UserArea, { words, limit }: UserWords): FindParameters {
  return { ...toAreaParameters(area), patterns: words.map(toPattern), limit }
}

/** Finds users of an area by words; see `UserIndex.findUsers`. */
export async function findUsers(tx: Tx, area: UserArea, search: UserWords): Promise<FoundKeys> {
  if (isNarrow(area) && (await countArea(tx, area)) <= SMALL_AREA)
    return { pks: await readArea(tx, area, search), more: false }
  const first = await readFirst(tx, area, search)
  if (first.length >= search.limit) return { pks: first.slice(0, search.limit), more: false }
  const { pks, more } = await readIndex(tx, area, search)
  return { pks: [...new Set([...first, ...pks])].slice(0, search.limit), more }
}

/** Returns a query for the organizations of a narrow area: `selectPksOfArea` in one text for all areas. */
function selectOrganizationPks(p: AreaParameters): RawBuilder<unknown> {
  const [organization, reseller] = [toPk(p.organization), toPk(p.reseller)]
  return sql`select coalesce(${organization}, ${reseller}) as pk union all
    select customer_pk from customer_resellers where reseller_pk = ${reseller} and ${organization} is null`
}

/** Returns the condition that a user belongs to an organization of a narrow area. An index finds these users. */
function isOfOrganizations(p: AreaParameters): RawBuilder<SqlBool> {
  return sql`users.organization_pk = any(array(${selectOrganizationPks(p)}))`
}

/** Returns the condition that a user is not in an organization that is being deleted. */
function isKept(p: AreaParameters): RawBuilder<SqlBool> {
  return sql`(users.organization_pk in (select pk from organizations where provider_pk = ${p.provider}
    and deleted_at is not null and emptied_at is null)) is not true`
}

/** Returns the condition that a user is in the context of an area. */
function isInContext(p: AreaParameters): RawBuilder<SqlBool> {
  const reseller = toPk(p.reseller)
  return sql`(${reseller} is null or users.reseller_pk is null or users.reseller_pk = ${reseller}) and ${isKept(p)}`
}

/** Returns the condition that a user is in an area. PostgreSQL reads the organizations once, and then checks users. */
function isInside(p: AreaParameters): RawBuilder<SqlBool> {
  return sql`((${toPk(p.organization)} is null and ${toPk(p.reseller)} is null)
    or users.organization_pk in (${selectOrganizationPks(p)})) and ${isInContext(p)}`
}

function haveWords({ patterns }: Pick<FindParameters, 'patterns'>): RawBuilder<SqlBool> {
  return sql`users.name_key like all (${patterns}::text[])`
}

const countedArea = rawStatement<AreaParameters, { total: number }>(
  (p) => sql`select coalesce(sum(users.total), 0)::integer as total from user_totals as users
    where ${isOfOrganizations(p)} and users.deleted = 0
    and (${toPk(p.reseller)} is null or users.reseller_pk in (0, ${toPk(p.reseller)}))`,
)

/** Counts the users of a narrow area, roughly: those who are deleted with their organization count. */
async function countArea(tx: Tx, area: UserArea): Promise<number> {
  return (await tx.get(countedArea, toAreaParameters(area)))?.total ?? 0
}

const usersOfArea = rawStatement<FindParameters, { pk: number }>(
  (p) => sql`select users.pk from users where ${isOfOrganizations(p)} and ${IS_LISTED}
    and ${isInContext(p)} and ${haveWords(p)} limit ${p.limit}`,
)

/** Finds users of a narrow area: reads all of its users. */
export async function readArea(tx: Tx, area: UserArea, search: UserWords): Promise<number[]> {
  return (await tx.all(usersOfArea, toParameters(area, search))).map(({ pk }) => pk)
}

/** The first word, and a text that sorts after all texts that begin with it. */
interface FirstWord {
  readonly first: string
  readonly end: string
}

const isOfProvider = (p: AreaParameters) => sql`users.provider_pk = ${p.provider} and ${IS_LISTED}`
const COLUMNS = sql`users.pk, users.name_key, users.organization_pk, users.reseller_pk`

/** Returns a query for those of the first users whose first name begins with the first word. */
function selectBeginning(p: FindParameters & FirstWord, isWanted: RawBuilder<SqlBool>): RawBuilder<unknown> {
  return sql`select users.pk from (select ${COLUMNS} from users
      where ${isOfProvider(p)} and users.name_key >= ${p.first} and users.name_key < ${p.end}
      limit ${sql.lit(BEGINNING)}) as users
    where ${haveWords(p)} and ${isWanted} limit ${p.limit}`
}

const firstOfAll = rawStatement<FindParameters & FirstWord, { pk: number }>(
  (p) => sql`(${selectBeginning(p, isKept(p))}) union all
    (select users.pk from (select ${COLUMNS} from users where ${isOfProvider(p)}
      order by users.updated_at desc, users.pk desc limit ${sql.lit(FIRST)}) as users
    where ${haveWords(p)} and ${isKept(p)} limit ${p.limit})`,
)

const firstOfOrganizations = rawStatement<FindParameters & FirstWord, { pk: number }>(
  (p) => sql`(${selectBeginning(p, isInside(p))}) union all
    (select users.pk from (
      select users.* from (${selectOrganizationPks(p)}) as area cross join lateral (
        select users.pk, users.name_key from users
        where users.organization_pk = area.pk and ${IS_LISTED} and ${isInContext(p)}
        limit ${sql.lit(FIRST_OF_ORGANIZATION)}) as users
      limit ${sql.lit(FIRST)}) as users where ${haveWords(p)} limit ${p.limit})`,
)

/** Reads the first users of an area, and those whose first name begins with the first word. */
export async function readFirst(tx: Tx, area: UserArea, search: UserWords): Promise<number[]> {
  const [first = ''] = search.words
  const rows = await tx.all(isNarrow(area) ? firstOfOrganizations : firstOfAll, {
    ...toParameters(area, search),
    ...{ first, end: `${first}${LAST}` },
  })
  return [...new Set(rows.map(({ pk }) => pk))]
}

const usersOfIndex = rawStatement<FindParameters & { parts: readonly string[] }, { pk: number; n: number }>(
  (p) => sql`select users.pk, users.n from (
      select found.*, row_number() over () as n from user_places as place
      cross join lateral (
        select array_agg('n' || place.start || part) as parts from unnest(${p.parts}::text[]) as part) as looked
      cross join lateral (
        select users.pk, users.organization_pk, users.reseller_pk from users
        where ${IS_FOUND} and ${PARTS} @> looked.parts collate "C" and users.provider_pk + 0 = ${p.provider}
          and ${haveWords(p)} offset 0) as found
      where place.provider_pk = ${p.provider} and place.sort = 'name' limit ${sql.lit(MOST + 1)}) as users
    where users.n > ${sql.lit(MOST)} or (${isInside(p)}) limit ${p.limit}`,
)

/** Finds users of an area whom the index for searches finds, one by one until there are enough. */
export async function readIndex(tx: Tx, area: UserArea, search: UserWords): Promise<FoundKeys> {
  const parts = await chooseParts(tx, area, search)
  const rows = await tx.all(usersOfIndex, { ...toParameters(area, search), parts })
  const pks = rows.filter(({ n }) => n <= MOST).map(({ pk }) => pk)
  return { pks, more: pks.length < rows.length }
}

const partsOfSample = rawStatement<
  { readonly provider: number; readonly parts: readonly string[] },
  { part: string; users: number }
>(
  (p) => sql`select part, count(*)::integer as users from unnest(${p.parts}::text[]) as part, (
      select users.name_key from users where users.provider_pk = ${p.provider} and ${IS_LISTED}
      order by users.updated_at desc, users.pk desc limit ${sql.lit(SAMPLE)}) as users
    where strpos(users.name_key, part) > 0 group by part`,
)

/**
 * Chooses what the index looks for: few parts of the words that few users have. Each further part of a word costs as
 * much as the first one, and leaves out fewer users.
 */
async function chooseParts(tx: Tx, { providerPk }: UserArea, { words }: UserWords): Promise<string[]> {
  const long = words.filter((word) => [...word].length >= MIN_SEARCHED)
  const all = toParts(long, MAX_COUNTED)
  const rows = await tx.all(partsOfSample, { provider: providerPk, parts: all })
  const counts = new Map(rows.map(({ part, users }) => [part, users]))
  const countOf = (part: string): number => counts.get(part) ?? 0
  const byCount = (parts: readonly string[]): string[] =>
    [...parts].sort((one, other) => countOf(one) - countOf(other))
  const rarest = byCount(long.flatMap((word) => byCount(toParts([word], MAX_COUNTED)).slice(0, 1)))
  const chosen = new Set(rarest.filter((part, i) => i === 0 || countOf(part) <= COMMON))
  for (const part of byCount(all)) if (chosen.size < ENOUGH_PARTS) chosen.add(part)
  return [...chosen]
}
