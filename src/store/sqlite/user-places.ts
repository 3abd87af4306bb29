import { type RawBuilder, sql } from 'kysely'
import type { UserOrder } from '../../model/user-lists.ts'
import { LAST, type User } from '../../model/users.ts'
import type { PageEnd, Tx } from '../port.ts'
import { query } from '../raw-query.ts'
import { chooseGap, END_OF_LABELS, type LabelMove, planSpread } from './block-labels.ts'

// The order of a list is cut into blocks of some hundred users. The row ids of the index for searches begin with the
// label of the user's block, and labels are in the order of the blocks. So a search finds users in the order of the
// list, block by block, and sorts only within a block. See decision 38.

/** How many users enter a block before it is divided. */
const ROOM = 256
/**
 * How many users each part of a divided block gets. Users of a divided block move, which costs as much as to enter. With
 * 16 they move half as often as with 64.
 */
const PART = 16
/** The number of bits of a row id that number the users of a block. */
export const NUMBER_BITS = 20
/** How many pages of the index one merge writes. */
const MERGED_PAGES = 50
/** The least number of full blocks that one commit divides. The others wait for the next one. */
const MIN_DIVIDED = 4
/** A commit divides one more full block for this many users that enter. On average, 240 users fill a block. */
const USERS_PER_DIVISION = 32

/** The names of what belongs to one order. */
export interface OrderTables {
  readonly search: RawBuilder<unknown>
  readonly places: RawBuilder<unknown>
  readonly blocks: RawBuilder<unknown>
  /**
   * The place of a user in the order, as one text: the key, U+0000, which no key has, and what decides between users
   * with the same key. So any block can be divided. The triggers on `users` have the same expression.
   */
  readonly key: RawBuilder<string>
}

const KEYS: Readonly<Record<UserOrder['by'], string>> = {
  name: 'users.name_key || char(0) || users.id',
  email: `coalesce(users.email_key, char(1114111)) || char(0)
    || printf('%016d%016d', users.organization_pk, users.pk)`,
}

/** Returns the place of a user in an order, as `OrderTables.key` has it. */
export function toPlaceText({ by, key, id, organizationPk, pk }: PageEnd): RawBuilder<string> {
  return by === 'name'
    ? sql`${key} || char(0) || ${id}`
    : sql`${key ?? LAST} || char(0) || printf('%016d%016d', ${organizationPk}, ${pk})`
}

/** Returns the names of an order's tables. */
export function tablesOf(by: UserOrder['by']): OrderTables {
  return {
    search: sql.table(`user_search_${by}`),
    places: sql.table(`user_places_${by}`),
    blocks: sql.table(`user_blocks_${by}`),
    key: sql.raw(KEYS[by]),
  }
}

/** The least code point of those that stand for primary keys. Texts of callers are only in the column `text`. */
const FACET = 0xf0000
const DIGIT = 0xf0010
/** What a facet is about. */
const FACET_KINDS = { provider: 0, group: 1 } as const

/** Returns the text of three characters that stands for a primary key in `facets`: one trigram. */
export function toFacet(kind: keyof typeof FACET_KINDS, pk: number): string {
  return String.fromCodePoint(FACET + FACET_KINDS[kind], DIGIT + (pk >> 15), DIGIT + (pk & 32_767))
}

function facetSql(kind: keyof typeof FACET_KINDS, column: string): RawBuilder<string> {
  const [first, digit, pk] = [sql.lit(FACET + FACET_KINDS[kind]), sql.lit(DIGIT), sql.ref(column)]
  return sql`char(${first}, ${digit} + (${pk} >> 15), ${digit} + (${pk} & 32767))`
}

const FACETS = sql`${facetSql('provider', 'users.provider_pk')} || coalesce((
  select group_concat(${facetSql('group', 'memberships.group_pk')}, '')
  from memberships where user_pk = users.pk), '')`

/**
 * Puts live users into the index for searches of an order, and divides some of the blocks that have become full.
 * @param entering.which the condition on `users`; they are in no list yet
 * @param entering.count about how many they are
 */
export async function placeUsers(
  tx: Tx,
  by: UserOrder['by'],
  { which, count }: { readonly which: RawBuilder<boolean>; readonly count: number },
): Promise<void> {
  const tables = tablesOf(by)
  await insertPlaces(tx, tables, which)
  const most = Math.max(MIN_DIVIDED, Math.ceil(count / USERS_PER_DIVISION))
  const full = await query<{ label: number }>(
    tx,
    sql`select label from ${tables.blocks} where room <= 0 order by room limit ${sql.lit(most)}`,
  )
  const moved: Moved[] = []
  for (const { label } of full) moved.push(await divideBlock(tx, tables, label))
  await indexUsers(tx, tables, { which, moved: moved.filter(({ pks }) => pks !== '[]') })
}

/**
 * Gives the blocks that begin with a deleted user the start of their first user: else they would keep the key of the
 * deleted one. Those without users are deleted, so that the block before takes who comes there.
 */
export async function forgetStarts(
  tx: Tx,
  by: UserOrder['by'],
  { id, organizationPk, pk }: Pick<User, 'id' | 'organizationPk' | 'pk'>,
): Promise<void> {
  const { blocks, places, key } = tablesOf(by)
  const end = by === 'name' ? sql`${id}` : sql`printf('%016d%016d', ${organizationPk}, ${pk})`
  // Functions of texts end at U+0000.
  const ofUser = sql`substr(cast(start as blob), -length(${end}) - 1) = cast(char(0) || ${end} as blob)`
  const bits = sql.lit(NUMBER_BITS)
  const first = sql`(select min(${key}) from ${places} cross join users on users.pk = user_pk
    where ${places}.id >= (label << ${bits}) and ${places}.id < ((label + 1) << ${bits}))`
  await query(tx, sql`update ${blocks} set start = coalesce(${first}, start) where ${ofUser}`)
  await query(tx, sql`delete from ${blocks} where ${ofUser}`)
}

/** Returns whether an order has blocks that are full. */
export async function hasFullBlock(tx: Tx, by: UserOrder['by']): Promise<boolean> {
  return (await query(tx, sql`select 1 from ${tablesOf(by).blocks} where room <= 0 limit 1`)).length > 0
}

/** Merges some segments of the index for searches, if there are several of one level: fewer are searched faster. */
export async function mergeSearch(tx: Tx, by: UserOrder['by']): Promise<void> {
  const { search } = tablesOf(by)
  await query(tx, sql`insert into ${search} (${search}, rank) values ('merge', ${MERGED_PAGES})`)
}

/** Users who got other places, as JSON arrays: their primary keys, and the row ids that the index has for them. */
interface Moved {
  readonly pks: string
  readonly ids: string
}

const NOTHING_MOVED: Moved = { pks: '[]', ids: '[]' }

async function insertPlaces(tx: Tx, tables: OrderTables, which: RawBuilder<boolean>): Promise<void> {
  const { places, blocks, key } = tables
  const live = sql`${which} and users.deleted_at is null`
  await query(
    tx,
    sql`insert into ${places} (id, user_pk)
      select (b.label << ${sql.lit(NUMBER_BITS)}) + b.next + row_number() over (partition by b.label order by u.pk) - 1,
        u.pk
      from (select users.pk, (select label from ${blocks} where start <= ${key} order by start desc limit 1) as label
        from users where ${live}) as u join ${blocks} as b on b.label = u.label`,
  )
  await query(
    tx,
    sql`update ${blocks} set next = next + entered.total, room = room - entered.total
      from (select p.id >> ${sql.lit(NUMBER_BITS)} as label, count(*) as total
        from users cross join ${places} as p on p.user_pk = users.pk where ${live} group by 1) as entered
      where ${blocks}.label = entered.label`,
  )
}

/**
 * Writes the index. All row ids are written in one ascending order, and deleted by one statement: the index writes a
 * segment whenever a row id is less than the one before, and before each other statement that writes several rows.
 */
async function indexUsers(
  tx: Tx,
  { search, places }: OrderTables,
  { which, moved }: { readonly which: RawBuilder<boolean>; readonly moved: readonly Moved[] },
): Promise<void> {
  const left = joinArrays(moved.map(({ ids }) => ids))
  if (left !== '[]')
    await query(tx, sql`delete from ${search} where rowid in (select value from json_each(${left}))`)
  // A block may be moved twice, so the users are distinct.
  await query(
    tx,
    sql`insert into ${search} (rowid, text, facets) select p.id, users.name_key, ${FACETS}
      from (select users.pk from users where ${which} and users.deleted_at is null
        union select value from json_each(${joinArrays(moved.map(({ pks }) => pks))})) as entered cross join ${places} as p on p.user_pk = entered.pk
      cross join users on users.pk = entered.pk order by p.id`,
  )
}

/** Makes one JSON array of several. A statement takes it as one value, however many there are. */
function joinArrays(arrays: readonly string[]): string {
  return `[${arrays.filter((one) => one !== '[]').map((one) => one.slice(1, -1))}]`
}

/** Returns the condition on a row id that its label is in a range: from the first one to the last one. */
function hasLabel({ places }: OrderTables, first: number, last = first): RawBuilder<boolean> {
  const bits = sql.lit(NUMBER_BITS)
  return sql`${places}.id >= (${sql.lit(first)} << ${bits}) and ${places}.id < (${sql.lit(last + 1)} << ${bits})`
}

/** Cuts a block into parts of some users, whose labels lie between that of the block and the next one. */
async function divideBlock(tx: Tx, tables: OrderTables, label: number): Promise<Moved> {
  const { blocks, places, key } = tables
  const [block] = await query<{ total: number; following: number | null }>(
    tx,
    sql`select (select count(*) from ${places} where ${hasLabel(tables, label)}) as total,
      (select min(label) from ${blocks} where label > ${label}) as following`,
  )
  const parts = Math.ceil((block?.total ?? 0) / PART)
  // Users have left it, and the numbers that they had are used up.
  if (parts < 2) return moveBlocks(tx, tables, [{ from: label, to: label }])
  const gap = chooseGap((block?.following ?? END_OF_LABELS) - label, parts)
  if (gap < 1) return moveBlocks(tx, tables, await planSpread(tx, blocks, label))
  await query(
    tx,
    sql`insert into ${blocks} (start, label, next, room)
      select min(key), ${label} + ${gap} * (part - 1), 0, ${ROOM} from (
        select ${key} as key, ntile(${parts}) over (order by ${key}) as part
        from ${places} cross join users on users.pk = user_pk where ${hasLabel(tables, label)})
      where part > 1 group by part`,
  )
  const first = sql`(select start from ${blocks} where label = ${label + gap})`
  const moved = await moveUsers(tx, tables, sql`${hasLabel(tables, label)} and ${key} >= ${first}`)
  await query(
    tx,
    sql`update ${blocks} set room = ${ROOM} - (select count(*) from ${places} where ${hasLabel(tables, label)})
      where label = ${label}`,
  )
  return moved
}

/** Gives users of a block the places that the blocks of now say. */
async function moveUsers(tx: Tx, tables: OrderTables, which: RawBuilder<unknown>): Promise<Moved> {
  const { places } = tables
  const [moved = NOTHING_MOVED] = await query<Moved>(
    tx,
    sql`select json_group_array(pk) as pks, json_group_array(id) filter (where listed = 1) as ids
      from (select ${places}.id, users.pk, users.listed from ${places} cross join users on users.pk = user_pk
        where ${which} order by ${places}.id)`,
  )
  const isMoved = sql<boolean>`users.pk in (select value from json_each(${moved.pks}))`
  await query(tx, sql`delete from ${places} where user_pk in (select value from json_each(${moved.pks}))`)
  await insertPlaces(tx, tables, isMoved)
  return moved
}

/** Gives neighbouring blocks other labels, and their users new places. */
async function moveBlocks(tx: Tx, tables: OrderTables, moves: readonly LabelMove[]): Promise<Moved> {
  const { blocks } = tables
  const list = sql`json_each(${JSON.stringify(moves.map(({ from, to }) => [from, to]))})`
  // In two steps, because labels are unique at any time.
  await query(tx, sql`update ${blocks} set label = -label where label in (select value ->> 0 from ${list})`)
  await query(
    tx,
    sql`update ${blocks} set label = move.value ->> 1, next = 0, room = ${ROOM} from ${list} as move
      where label = -(move.value ->> 0)`,
  )
  const labels = moves.map(({ from }) => from)
  return moveUsers(tx, tables, hasLabel(tables, Math.min(...labels), Math.max(...labels)))
}
