import { type RawBuilder, sql } from 'kysely'
import type { UserOrder } from '../../model/user-lists.ts'
import type { Tx } from '../port.ts'
import { query } from '../raw-query.ts'

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
/** Labels are less than this. */
const END_OF_LABELS = 2 ** 42
/** The most labels between two new blocks: many can follow, even if users come in the order of the list. */
const WIDEST_GAP = 2 ** 26
/** How many blocks are looked at to find a gap between labels. */
const MAX_SHIFTED = 1_000
/** How many pages of the index one merge writes. */
const MERGED_PAGES = 50
/** The room of a block that cannot be divided. */
const ENDLESS = 2 ** 40

/** The names of what belongs to one order. */
export interface OrderTables {
  readonly search: RawBuilder<unknown>
  readonly places: RawBuilder<unknown>
  readonly blocks: RawBuilder<unknown>
  /** The part of the order of `users` that decides the block. */
  readonly key: RawBuilder<string>
}

/** Returns the names of an order's tables. */
export function tablesOf(by: UserOrder['by']): OrderTables {
  return {
    search: sql.table(`user_search_${by}`),
    places: sql.table(`user_places_${by}`),
    blocks: sql.table(`user_blocks_${by}`),
    key: by === 'name' ? sql`users.name_key` : sql`coalesce(users.email_key, ${'\u{10ffff}'})`,
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
 * Puts live users into the index for searches of an order, and divides the blocks that have become full.
 * @param which the condition on `users`; they are in no list yet
 */
export async function placeUsers(tx: Tx, by: UserOrder['by'], which: RawBuilder<boolean>): Promise<void> {
  const tables = tablesOf(by)
  await insertPlaces(tx, tables, which)
  const full = await query<{ label: number }>(tx, sql`select label from ${tables.blocks} where room <= 0`)
  const moved: Moved[] = []
  for (const { label } of full) moved.push(await divideBlock(tx, tables, label))
  await indexUsers(tx, tables, { which, moved: moved.filter(({ pks }) => pks !== '[]') })
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

/** Returns the condition on a row id that it is in a block. */
function inBlock({ places }: OrderTables, label: number): RawBuilder<boolean> {
  const bits = sql.lit(NUMBER_BITS)
  return sql`${places}.id >= (${sql.lit(label)} << ${bits}) and ${places}.id < (${sql.lit(label + 1)} << ${bits})`
}

/** Cuts a block into parts of some users, whose labels lie between that of the block and the next one. */
async function divideBlock(tx: Tx, tables: OrderTables, label: number): Promise<Moved> {
  const { blocks, places, key } = tables
  const [block] = await query<{ total: number; following: number | null }>(
    tx,
    sql`select (select count(*) from ${places} where ${inBlock(tables, label)}) as total,
      (select min(label) from ${blocks} where label > ${label}) as following`,
  )
  const total = block?.total ?? 0
  const parts = Math.ceil(total / PART)
  const gap = Math.min(
    Math.floor(((block?.following ?? END_OF_LABELS) - label) / Math.max(parts, 1)),
    WIDEST_GAP,
  )
  if (parts > 1 && gap < 1) return makeGap(tx, tables, label)
  // Users with equal keys stay together.
  const starts = await query<{ start: string }>(
    tx,
    sql`select distinct start from (
        select min(key) as start, part from (
          select ${key} as key, ntile(${parts}) over (order by ${key}) as part
          from ${places} cross join users on users.pk = user_pk where ${inBlock(tables, label)})
        group by part having part > 1)
      where start > (select start from ${blocks} where label = ${label}) order by start`,
  )
  const [first] = starts
  if (!first) {
    await setRoom(tx, tables, label, total < ROOM / 2 ? ROOM - total : ENDLESS)
    return NOTHING_MOVED
  }
  for (const [i, { start }] of starts.entries())
    await query(tx, sql`insert into ${blocks} values (${start}, ${label + gap * (i + 1)}, 0, ${ROOM})`)
  const moved = await moveUsers(tx, tables, sql`${inBlock(tables, label)} and ${key} >= ${first.start}`)
  await query(
    tx,
    sql`update ${blocks} set room = ${ROOM} - (select count(*) from ${places} where ${inBlock(tables, label)})
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

async function setRoom(tx: Tx, { blocks }: OrderTables, label: number, room: number): Promise<void> {
  await query(tx, sql`update ${blocks} set room = ${room} where label = ${label}`)
}

/**
 * Makes labels free behind a block that has none left: moves the block before the nearest gap into the middle of the
 * gap. Each call moves one block, so the block itself is divided some calls later.
 */
async function makeGap(tx: Tx, tables: OrderTables, label: number): Promise<Moved> {
  const { blocks } = tables
  const rows = await query<{ label: number }>(
    tx,
    sql`select label from ${blocks} where label > ${label} order by label limit ${MAX_SHIFTED}`,
  )
  const labels = rows.map((row) => row.label)
  if (labels.length < MAX_SHIFTED) labels.push(END_OF_LABELS)
  const before = labels.findIndex((one, i) => (labels[i + 1] ?? 0) - one > 1)
  const [from, to] = [labels[before], labels[before + 1]]
  if (from === undefined || to === undefined) {
    await setRoom(tx, tables, label, ENDLESS)
    return NOTHING_MOVED
  }
  const middle = from + Math.ceil((to - from) / 2)
  await query(tx, sql`update ${blocks} set label = ${middle}, next = 0, room = ${ROOM} where label = ${from}`)
  return moveUsers(tx, tables, inBlock(tables, from))
}
