import { type InferResult, type SqlBool, sql } from 'kysely'
import { foldEmail } from '../../model/email.ts'
import type { OrganizationKind } from '../../model/organizations.ts'
import { countCodePoints } from '../../model/text.ts'
import { LAST } from '../../model/users.ts'
import { MIN_SEARCHED, type QueryBuilder, type Tx, type UserArea, type UserWords } from '../port.ts'
import { statement } from '../statement.ts'
import { type AreaParameters, isInArea, toAreaParameters } from '../tables/areas.ts'
import { hasWord } from '../users/user-sql.ts'

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

/** How many users that begin with a short word are looked at. */
const BEGINNING = 400
/** The most users that are looked at because the index does not have them yet. */
const UNLISTED = 5_000

const COLUMNS = [
  ...(['users.pk', 'users.id', 'users.first_name', 'users.last_name', 'users.email'] as const),
  ...(['users.active', 'users.deleted_at', 'person_keys.erased_at'] as const),
  ...(['owner.id as owner_id', 'owner.name as owner_name', 'owner.kind as owner_kind'] as const),
] as const

function selectUsers(db: QueryBuilder, area: UserArea) {
  return db.selectFrom('users').where(isInArea(toAreaParameters(area)))
}

/** Adds what a search shows of users. */
export function selectRows(users: ReturnType<typeof selectUsers>) {
  return users
    .innerJoin('organizations as owner', 'owner.pk', 'users.organization_pk')
    .leftJoin('person_keys', 'person_keys.id', 'users.id')
    .select(COLUMNS)
}

async function readUsers(
  tx: Tx,
  build: (db: QueryBuilder) => ReturnType<typeof selectUsers>,
  limit: number,
): Promise<FoundUser[]> {
  return (await tx.query((db) => selectRows(build(db)).limit(limit))).map(toFoundUser)
}

type UserRow = InferResult<ReturnType<typeof selectRows>>[number]

/** Returns a user as a search shows them, from a row of `selectRows`. */
export function toFoundUser(row: UserRow): FoundUser {
  return {
    pk: row.pk,
    id: row.id,
    firstName: row.first_name,
    lastName: row.last_name,
    email: row.email,
    state: toState(row),
    organization: { id: row.owner_id, name: row.owner_name, kind: row.owner_kind },
  }
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

const userById = statement((db, p: AreaParameters & { id: string }) =>
  selectRows(db.selectFrom('users').where(isInArea(p)).where('users.id', '=', p.id)),
)

/** Returns the user of an area with an id, deleted or not. */
export async function selectFoundUser(tx: Tx, area: UserArea, id: string): Promise<FoundUser | undefined> {
  const row = await tx.get(userById, { ...toAreaParameters(area), id })
  return row && toFoundUser(row)
}

const usersByEmail = statement((db, p: AreaParameters & { key: string; limit: number }) =>
  selectRows(
    db
      .selectFrom('users')
      .where(isInArea(p))
      .where('users.email_key', '=', p.key)
      .where('users.deleted_at', 'is', null),
  ).limit(p.limit),
)

/** Returns the live users of an area with an e-mail address, compared without case. */
export async function selectFoundByEmail(
  tx: Tx,
  area: UserArea,
  { email, limit }: { email: string; limit: number },
): Promise<FoundUser[]> {
  const rows = await tx.all(usersByEmail, { ...toAreaParameters(area), key: foldEmail(email), limit })
  return rows.map(toFoundUser)
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
export async function selectFoundByWords(tx: Tx, area: UserArea, search: UserWords): Promise<FoundByWords> {
  const { words, limit } = search
  if (words.length === 0) return { users: [], more: false }
  const isShort = words.every((word) => countCodePoints(word) < MIN_SEARCHED)
  const [newest, found] = await Promise.all([
    readNewest(tx, area, search),
    isShort ? readByPrefix(tx, area, search) : readByWords(tx, area, search),
  ])
  const users = new Map([...newest, ...found.users].map((user) => [user.pk, user]))
  return { users: [...users.values()].slice(0, limit), more: found.more || users.size > limit }
}

/** One statement, which is prepared once, reads this many users; a primary key of 0 stands for none. */
const PK_SLOTS = ['pk1', 'pk2', 'pk3', 'pk4', 'pk5', 'pk6', 'pk7', 'pk8'] as const
type PkSlot = (typeof PK_SLOTS)[number]

const usersByPks = statement((db, p: AreaParameters & Record<PkSlot, number>) =>
  selectRows(
    db
      .selectFrom('users')
      .where(isInArea(p))
      .where(
        'users.pk',
        'in',
        PK_SLOTS.map((slot) => p[slot]),
      ),
  ),
)

/** Most of the time, all users are in the lists. */
const isAnyNew = statement((db) =>
  db.selectFrom('users').select('pk').where(sql<SqlBool>`listed = 0`).limit(sql.lit(1)),
)

/** Reads the newest users, whom the index does not have yet. */
async function readNewest(tx: Tx, area: UserArea, { words, limit }: UserWords): Promise<FoundUser[]> {
  if (!(await tx.get(isAnyNew, {}))) return []
  return readUsers(tx, (db) => havingAll(selectUsers(db, area).where(IS_NEW), words), limit + 1)
}

/** Reads the users whom the engine finds. */
async function readByWords(tx: Tx, area: UserArea, { words, limit }: UserWords): Promise<FoundByWords> {
  const { pks, more } = await tx.userIndex.findUsers(tx, area, { words, limit: limit + 1 })
  const parts = Array.from({ length: Math.ceil(pks.length / PK_SLOTS.length) }, (_, i) =>
    pks.slice(i * PK_SLOTS.length, (i + 1) * PK_SLOTS.length),
  )
  const rows = await Promise.all(
    parts.map((some) =>
      tx.all(usersByPks, {
        ...toAreaParameters(area),
        ...(Object.fromEntries(PK_SLOTS.map((slot, i) => [slot, some[i] ?? 0])) as Record<PkSlot, number>),
      }),
    ),
  )
  return { users: rows.flat().map(toFoundUser), more }
}

/** Literals, as in the conditions of the indexes. */
const IS_NEW = sql<SqlBool>`users.deleted_at is null and users.listed = 0 and users.pk in (
  select pk from users where listed = 0 order by pk desc limit ${sql.lit(UNLISTED)})`
const IS_LISTED = sql<SqlBool>`users.deleted_at is null and users.listed = 1`

function havingAll(query: ReturnType<typeof selectUsers>, words: readonly string[]) {
  return words.reduce(
    (some, word) => some.where(hasWord(word)),
    query.where(sql<SqlBool>`users.deleted_at is null`),
  )
}

/** Reads the users whose first name or e-mail begins with the first word: an index finds them. */
async function readByPrefix(
  tx: Tx,
  area: UserArea,
  { words: [first = '', ...others], limit }: UserWords,
): Promise<FoundByWords> {
  const end = `${first}${LAST}`
  const found = new Map<number, FoundUser>()
  for (const column of ['name_key', 'email_key'] as const) {
    const ref = sql.ref(`users.${column}`)
    // In order: PostgreSQL would otherwise read the table until it has met enough.
    const keys = sql<SqlBool>`users.pk in (select pk from users where provider_pk = ${area.providerPk}
      and deleted_at is null and listed = 1 and ${sql.ref(column)} >= ${first} and ${sql.ref(column)} < ${end}
      order by ${sql.ref(column)} limit ${sql.lit(BEGINNING)})`
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
  return { users: [...found.values()], more: false }
}
