import { type SqlBool, sql } from 'kysely'
import { foldEmail } from '../../model/email.ts'
import type { OrganizationKind } from '../../model/organizations.ts'
import { countCodePoints } from '../../model/text.ts'
import { toPattern } from '../conditions.ts'
import { MIN_SEARCHED, type QueryBuilder, type Tx } from '../port.ts'
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

/** How many users with the words are looked at first, and how many at most. */
const FIRST = 60
const MOST = 5_000
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
  const index = { providerPk: area.providerPk, words: long, groups: [] }
  const first = await tx.searchUsers(index, FIRST + 1)
  // Without the index, the engine compares every user.
  if (!first)
    return limitTo(
      newest,
      await readUsers(tx, (db) => havingAll(selectUsers(db, area), words), limit + 1),
      limit,
    )
  const found = await readCandidates(tx, area, { candidates: first, words })
  if (first.length <= FIRST || found.length > limit) return limitTo(newest, found, limit)
  const all = (await tx.searchUsers(index, MOST + 1)) ?? []
  const others = await readCandidates(tx, area, { candidates: all, words, limit: limit + 1 })
  const { users, more } = limitTo(newest, [...found, ...others], limit)
  return { users, more: more || all.length > MOST }
}

/** Literals, as in the conditions of the indexes. */
const IS_NEW = sql<SqlBool>`users.deleted_at is null and users.listed = 0 and users.pk in (
  select pk from users where listed = 0 order by pk desc limit ${sql.lit(UNLISTED)})`
const IS_LISTED = sql<SqlBool>`users.deleted_at is null and users.listed = 1`

function havingAll(query: ReturnType<typeof selectUsers>, words: readonly string[]) {
  return words.reduce(
    (some, word) => some.where(sql<SqlBool>`users.name_key like ${toPattern(word)} escape '\\'`),
    query.where(sql<SqlBool>`users.deleted_at is null`),
  )
}

function limitTo(newest: readonly FoundUser[], others: readonly FoundUser[], limit: number): FoundByWords {
  const users = new Map([...newest, ...others].map((user) => [user.pk, user]))
  return { users: [...users.values()].slice(0, limit), more: users.size > limit }
}

/** Reads the candidates of the index that are in the area, and have the short words too. */
async function readCandidates(
  tx: Tx,
  area: UserArea,
  search: {
    readonly candidates: readonly number[]
    readonly words: readonly string[]
    readonly limit?: number
  },
): Promise<FoundUser[]> {
  const { candidates, words, limit = FIRST + 1 } = search
  if (candidates.length === 0) return []
  return readUsers(
    tx,
    (db) =>
      havingAll(selectUsers(db, area), words)
        // As one text: to compile thousands of parameters takes longer than the query.
        .where(sql<SqlBool>`users.pk in (${sql.raw(candidates.join(','))})`),
    limit,
  )
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
