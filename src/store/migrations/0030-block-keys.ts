import { type Compilable, sql } from 'kysely'
import type { Migration } from './migration.ts'

/**
 * Lets SQLite divide blocks of users with the same key, such as those without an e-mail: the start of a block is the
 * whole place of a user in the order; see store/sqlite/user-places.ts. A store with blocks that could not be divided
 * fills its indexes for searches again: the followers take all users into the lists once more. Blocks of an empty store
 * begin in the middle of the labels, so that there are labels on both sides.
 */
export const blockKeys: Migration = {
  version: 30,
  name: 'block-keys',
  up: (_schema, { engine }, db) =>
    (engine === 'sqlite' ? SQLITE : []).map(
      (text): Compilable => ({ compile: () => sql.raw(text).compile(db) }),
    ),
}

/** As in `tablesOf`. */
const ORDERS = [
  ['name', 'new.name_key || char(0) || new.id'],
  [
    'email',
    "coalesce(new.email_key, char(1114111)) || char(0) || printf('%016d%016d', new.organization_pk, new.pk)",
  ],
] as const

/** See store/sqlite/block-labels.ts. */
const MIDDLE_LABEL = 2 ** 41
const ROOM = 256
/** More room than this had blocks that could not be divided. */
const ENDLESS = 2 ** 30

const facet = (kind: number, pk: string): string =>
  `char(${0xf0000 + kind}, ${0xf0010} + (${pk} >> 15), ${0xf0010} + (${pk} & 32767))`

const FACETS = `${facet(0, 'users.provider_pk')} || coalesce((
  select group_concat(${facet(1, 'memberships.group_pk')}, '') from memberships where user_pk = users.pk), '')`

function place(order: string, key: string): string {
  const block = `select label from user_blocks_${order} where start <= ${key} order by start desc limit 1`
  return `insert into user_places_${order} (id, user_pk)
      select (label << 20) + next, new.pk from user_blocks_${order}
      where label = (${block}) and new.deleted_at is null and next < 1048575;
    update user_blocks_${order} set next = next + 1, room = room - 1
      where label = (${block}) and new.deleted_at is null;`
}

function searched(order: string, key: string): string {
  return `create trigger users_searched_${order} after update of provider_pk, deleted_at, name_key, email_key on users
    when old.listed = 1 and (old.provider_pk, old.deleted_at is null, old.name_key, old.email_key)
      is not (new.provider_pk, new.deleted_at is null, new.name_key, new.email_key) begin
      delete from user_search_${order} where rowid = (select id from user_places_${order} where user_pk = old.pk);
      delete from user_places_${order} where user_pk = old.pk;
      ${place(order, key)}
      insert into user_search_${order} (rowid, text, facets)
        select place.id, users.name_key, ${FACETS}
        from user_places_${order} as place join users on users.pk = place.user_pk where place.user_pk = new.pk;
    end`
}

const IS_FULL = `exists (select 1 from user_blocks_name where room > ${ENDLESS})
  or exists (select 1 from user_blocks_email where room > ${ENDLESS})`

/** The lists have no users: there are no totals. */
const IF_EMPTY = 'where not exists (select 1 from user_totals)'

const SQLITE = [
  ...ORDERS.flatMap(([order, key]) => [`drop trigger users_searched_${order}`, searched(order, key)]),
  `update memberships set listed = 0 where listed = 1 and (${IS_FULL})`,
  `update users set listed = 0 where listed = 1 and (${IS_FULL})`,
  `delete from user_ranks where ${IS_FULL}`,
  `delete from user_totals where ${IS_FULL}`,
  ...ORDERS.flatMap(([order]) => [
    `insert into user_search_${order} (user_search_${order})
      select 'delete-all' ${IF_EMPTY}`,
    `delete from user_places_${order} ${IF_EMPTY}`,
    `delete from user_blocks_${order} ${IF_EMPTY}`,
    `insert into user_blocks_${order}
      select '', ${MIDDLE_LABEL}, 0, ${ROOM} where not exists (select 1 from user_blocks_${order})`,
  ]),
]
