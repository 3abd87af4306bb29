import { expressionBuilder, type RawBuilder, type SqlBool, sql } from 'kysely'
import { foldEmail } from '../../model/email.ts'
import type { OrganizationKind } from '../../model/organizations.ts'
import { countCodePoints } from '../../model/text.ts'
import { toPattern } from '../conditions.ts'
import { MIN_SEARCHED, type QueryBuilder, type Tx } from '../port.ts'
import type { Tables } from '../schema.ts'
import { toKeyList } from '../tables/key-lists.ts'
import { isInArea, type UserArea } from '../tables/users-in-area.ts'

/** A user as a search shows them. */
export interface FoundUser {
  readonly pk: number
  readonly id: string
  readonly firstName: string | null
  readonly lastName: string | null
  readonly email: string | null
  readonly state: 'active' | 'suspended' | 'deleted' | 'erased'
  readonly organization: { readonly id: string; readonly name: string; readonly kind: OrganizationKind }
}

/** How many users of the area are looked at first: they are enough for words that very many users have. */
const FIRST = 300
/** So many users with the words are read one by one. */
const FEW = 60
/** How many users with the words are looked at, at most. */
const MOST = 3_000
/** How many users that begin with a short word are looked at. */
const BEGINNING = 400
/** The most users that are not in the index yet and are looked at. */
const UNLISTED = 5_000

const COLUMNS = [
  ...(['users.pk', 'users.id', 'users.first_name', 'users.last_name', 'users.email'] as const),
  ...(['users.active', 'users.deleted_at', 'person_keys.erased_at'] as const),
  ...(['owner.id as owner_id', 'owner.name as owner_name', 'owner.kind as owner_kind'] as const),
] as const

function selectUsers(db: QueryBuilder, area: UserArea) {
  return db.selectFrom('users').where((eb) => isInArea(eb, area))
}

async function readUsers(
  tx: Tx,
  build: (db: QueryBuilder) => ReturnType<typeof selectUsers>,
  limit: number,
): Promise<FoundUser[]> {
  const rows = await tx.query((db) =>
    build(db)
      .innerJoin('organizations as owner', 'owner.pk', 'users.organization_pk')
      .leftJoin('person_keys', 'person_keys.id', 'users.id')
      .select(COLUMNS)
      .limit(limit),
  )
  return rows.map((row) => ({
    pk: row.pk,
    id: row.id,
    firstName: row.first_name,
    lastName: row.last_name,
    email: row.email,
    state: toState(row),
    organization: { id: row.owner_id, name: row.owner_name, kind: row.owner_kind },
  }))
}

function toState(row: {
  readonly active: number
  readonly deleted_at: string | null
  readonly erased_at: string | null
}): FoundUser['state'] {
  if (row.erased_at !== null) return 'erased'
  if (row.deleted_at !== null) return 'deleted'
  return row.active === 1 ? 'active' : 'suspended'
}

/** Returns the user of an area with an id, deleted or not. */
export async function selectFoundUser(
  tx: Tx,
  area: UserArea,
  by: { readonly id: string } | { readonly pk: number },
): Promise<FoundUser | undefined> {
  const [user] = await readUsers(
    tx,
    (db) =>
      selectUsers(db, area).where(
        'id' in by ? 'users.id' : 'users.pk',
        '=',
        'id' in by ? by.id : (by.pk as never),
      ),
    1,
  )
  return user
}

/** Returns the live users of an area with an e-mail address, compared without case. */
export function selectFoundByEmail(
  tx: Tx,
  area: UserArea,
  { email, limit }: { email: string; limit: number },
): Promise<FoundUser[]> {
  return readUsers(
    tx,
    (db) =>
      selectUsers(db, area)
        .where('users.email_key', '=', foldEmail(email))
        .where(sql<SqlBool>`users.deleted_at is null`),
    limit,
  )
}

/** Users with the words of a search. */
export interface FoundByWords {
  readonly users: readonly FoundUser[]
  /** Whether more users may have the words. */
  readonly more: boolean
}

/**
 * Returns live users of an area whose names or e-mail contain all words, at most `limit`, in no particular order. A
 * user who was just created is among them: the newest users that the index does not have yet are read one by one.
 * @param search.words as `toSearchWords` returns them. If all are shorter than three characters, users are found whose
 *   first name or e-mail begins with the first word
 */
export async function selectFoundByWords(
  tx: Tx,
  area: UserArea,
  search: { readonly words: readonly string[]; readonly limit: number },
): Promise<FoundByWords> {
  const { words, limit } = search
  if (words.length === 0) return { users: [], more: false }
  const long = words.filter((word) => countCodePoints(word) >= MIN_SEARCHED)
  const newest = await readUsers(tx, (db) => havingAll(selectUsers(db, area).where(IS_NEW), words), limit + 1)
  if (long.length === 0) return limitTo(newest, await readByPrefix(tx, area, search), limit)
  const first = await readUsers(
    tx,
    (db) => havingAll(selectUsers(db, area).where(isAmongFirst(area)), words),
    limit + 1,
  )
  if (first.length > limit) return limitTo(newest, first, limit)
  const { found, more } = await searchArea(tx, area, { words, long, limit: limit + 1 })
  const all = limitTo(newest, [...first, ...found], limit)
  return { users: all.users, more: more || all.more }
}

/** Returns the condition that a user is one of some users of an area, whoever they are. */
function isAmongFirst({ providerPk, resellerPk }: UserArea): RawBuilder<SqlBool> {
  const area =
    resellerPk === undefined
      ? sql`provider_pk = ${providerPk}`
      : sql`organization_pk in (select ${resellerPk} union all
          select customer_pk from customer_resellers where reseller_pk = ${resellerPk})`
  return sql`users.pk in (select pk from users where ${area} and deleted_at is null and listed = 1
    limit ${sql.lit(FIRST)})`
}

/** Finds users of an area by the index for searches, among the first of those who have the words. */
async function searchArea(
  tx: Tx,
  area: UserArea,
  { words, long, limit }: { words: readonly string[]; long: readonly string[]; limit: number },
): Promise<{ found: FoundUser[]; more: boolean }> {
  const search = { providerPk: area.providerPk, words: long, groups: [] }
  const read = (pks: readonly number[]): Promise<FoundUser[]> => {
    const byPk = sql<SqlBool>`users.pk in (${toKeyList(pks)})`
    return readUsers(tx, (db) => havingAll(selectUsers(db, area).where(byPk), words), limit)
  }
  const few = await tx.searchUsers(search, FEW + 1)
  const some = await read(few)
  if (few.length <= FEW || some.length >= limit) return { found: some, more: false }
  const short = words.filter((word) => !long.includes(word)).map(contains)
  const where = sql<SqlBool>`${sql.join([isInArea(expressionBuilder<Tables, 'users'>(), area), ...short], sql` and `)}`
  const found = await read(await tx.searchUsers(search, limit, { where, examined: MOST }))
  const isWhole = found.length >= limit || (await tx.searchUsers(search, MOST + 1)).length <= MOST
  return { found, more: !isWhole }
}

/** Literals, as in the conditions of the indexes. */
const IS_NEW = sql<SqlBool>`users.deleted_at is null and users.listed = 0 and users.pk in (
  select pk from users where listed = 0 order by pk desc limit ${sql.lit(UNLISTED)})`
const IS_LISTED = sql<SqlBool>`users.deleted_at is null and users.listed = 1`

function havingAll(query: ReturnType<typeof selectUsers>, words: readonly string[]) {
  return words.reduce(
    (some, word) => some.where(contains(word)),
    query.where(sql<SqlBool>`users.deleted_at is null`),
  )
}

function contains(word: string): RawBuilder<SqlBool> {
  return sql`users.name_key like ${toPattern(word)} escape '\\'`
}

function limitTo(newest: readonly FoundUser[], others: readonly FoundUser[], limit: number): FoundByWords {
  const users = new Map([...newest, ...others].map((user) => [user.pk, user]))
  return { users: [...users.values()].slice(0, limit), more: users.size > limit }
}

/** Reads the users whose first name or e-mail begins with the first word: an index finds them. */
async function readByPrefix(
  tx: Tx,
  area: UserArea,
  { words: [first = '', ...others], limit }: { readonly words: readonly string[]; readonly limit: number },
): Promise<FoundUser[]> {
  const end = `${first}\u{10ffff}`
  const found = new Map<number, FoundUser>()
  for (const column of ['name_key', 'email_key'] as const) {
    const ref = sql.ref(`users.${column}`)
    const keys = sql<SqlBool>`users.pk in (select pk from users where provider_pk = ${area.providerPk}
      and deleted_at is null and listed = 1 and ${sql.ref(column)} >= ${first} and ${sql.ref(column)} < ${end}
      limit ${sql.lit(BEGINNING)})`
    const some = await readUsers(
      tx,
      (db) =>
        havingAll(selectUsers(db, area).where(keys).where(sql<SqlBool>`${ref} >= ${first}`), others).where(
          IS_LISTED,
        ),
      limit + 1,
    )
    for (const user of some) found.set(user.pk, user)
  }
  return [...found.values()]
}
