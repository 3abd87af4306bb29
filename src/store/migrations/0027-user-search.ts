import { type Compilable, sql } from 'kysely'
import type { Migration } from './migration.ts'

/**
 * Builds the indexes for searches on SQLite again, so that they find users in the order of a list; see decision 38. The
 * followers take all users into the lists once more. PostgreSQL keeps its index. Both engines get totals of a whole
 * provider, with 0 as the organization.
 */
export const userSearch: Migration = {
  version: 27,
  name: 'user-search',
  up: (_schema, { engine }, db) =>
    (engine === 'sqlite' ? SQLITE : POSTGRES).map(
      (text): Compilable => ({ compile: () => sql.raw(text).compile(db) }),
    ),
}

/** The users who are found by words and groups: by name, and by e-mail. */
const ORDERS = [
  ['name', 'new.name_key'],
  ['email', "coalesce(new.email_key, '\u{10ffff}')"],
] as const

/** The label of the first block; see store/sqlite/user-places.ts. */
const FIRST_LABEL = 1 << 20
/** How many users enter a block before it is divided. */
const ROOM = 256

/** The text that stands for a primary key in `facets`; see `toFacet`. */
const facet = (kind: number, pk: string): string =>
  `char(${0xf0000 + kind}, ${0xf0010} + (${pk} >> 15), ${0xf0010} + (${pk} & 32767))`

const FACETS = `${facet(0, 'users.provider_pk')} || coalesce((
  select group_concat(${facet(1, 'memberships.group_pk')}, '') from memberships where user_pk = users.pk), '')`

function leave(order: string, row: string): string {
  return `delete from user_search_${order}
    where rowid = (select id from user_places_${order} where user_pk = ${row});`
}

function enter(order: string, row: string): string {
  return `insert into user_search_${order} (rowid, text, facets)
    select place.id, users.name_key, ${FACETS}
    from user_places_${order} as place join users on users.pk = place.user_pk where place.user_pk = ${row};`
}

function place(order: string, key: string): string {
  const block = `select label from user_blocks_${order} where start <= ${key} order by start desc limit 1`
  return `insert into user_places_${order} (id, user_pk)
      select (label << 20) + next, new.pk from user_blocks_${order}
      where label = (${block}) and new.deleted_at is null and next < 1048575;
    update user_blocks_${order} set next = next + 1, room = room - 1
      where label = (${block}) and new.deleted_at is null;`
}

const KEY = 'provider_pk, organization_pk, reseller_pk, deleted'
const keysOf = (row: string): readonly string[] =>
  [`${row}.organization_pk, coalesce(${row}.reseller_pk, 0)`, '0, 0'].map(
    (rest) => `${row}.provider_pk, ${rest}, ${row}.deleted_at is not null`,
  )

const SQLITE = [
  'drop trigger users_counted',
  `create trigger users_counted after update of provider_pk, organization_pk, reseller_pk, deleted_at on users
    when old.listed = 1 and (${keysOf('old')[0]}) is not (${keysOf('new')[0]}) begin
      ${keysOf('old')
        .map((key) => `update user_totals set total = total - 1 where (${KEY}) = (${key});`)
        .join('\n')}
      ${keysOf('new')
        .map(
          (key) => `insert into user_totals values (${key}, 1) on conflict do update set total = total + 1;`,
        )
        .join('\n')}
    end`,
  'drop trigger users_searched',
  'drop table user_search',
  ...ORDERS.flatMap(([order, key]) => [
    `create virtual table user_search_${order} using fts5(
      text, facets, content='', contentless_delete=1, tokenize='trigram case_sensitive 1')`,
    `create table user_places_${order} (id integer primary key, user_pk integer not null unique)`,
    `create table user_blocks_${order} (
      start text primary key, label integer not null unique, next integer not null, room integer not null
    ) without rowid`,
    `insert into user_blocks_${order} values ('', ${FIRST_LABEL}, 0, ${ROOM})`,
    `create index user_blocks_${order}_full on user_blocks_${order} (label) where room <= 0`,
    `create trigger users_searched_${order} after update of provider_pk, deleted_at, name_key, email_key on users
      when old.listed = 1 and (old.provider_pk, old.deleted_at is null, old.name_key, old.email_key)
        is not (new.provider_pk, new.deleted_at is null, new.name_key, new.email_key) begin
        ${leave(order, 'old.pk')}
        delete from user_places_${order} where user_pk = old.pk;
        ${place(order, key)}
        ${enter(order, 'new.pk')}
      end`,
    `create trigger users_left_group_${order} after delete on memberships when old.listed = 1 begin
        ${leave(order, 'old.user_pk')}
        ${enter(order, 'old.user_pk')}
      end`,
    `create trigger users_joined_group_${order} after update of listed on memberships
      when old.listed = 0 and new.listed = 1 begin
        ${leave(order, 'new.user_pk')}
        ${enter(order, 'new.user_pk')}
      end`,
  ]),
  // In vain for users who are in no list; then there is nothing to forget.
  'update users set listed = 0 where listed = 1',
  'update memberships set listed = 0 where listed = 1',
  'delete from user_totals',
  'delete from user_ranks',
]

const changes = (columns: string, one: string): string => `
  select ${columns.replaceAll('sign', '-1')} from old_users where listed = 1 ${one}
  union all select ${columns.replaceAll('sign', '1')} from new_users where listed = 1 ${one}`

const POSTGRES = [
  `insert into user_totals (${KEY}, total)
    select provider_pk, 0, 0, deleted, sum(total) from user_totals group by provider_pk, deleted`,
  `create or replace function count_users() returns trigger language plpgsql as $$ begin
    insert into user_totals (${KEY}, total)
    select ${KEY}, sum(change) from (
      ${changes('provider_pk, organization_pk, coalesce(reseller_pk, 0) as reseller_pk, (deleted_at is not null)::integer as deleted, sign as change', '')}
      union all
      ${changes('provider_pk, 0, 0, (deleted_at is not null)::integer, sign', '')}
    ) as changes group by ${KEY} having sum(change) <> 0;
    insert into user_ranks (provider_pk, sort, start, prefix, total)
    select provider_pk, sort, substr(key, 1, 3), substr(key, 1, 8), sum(change) from (
      ${ORDERS.map(([order, key]) =>
        changes(
          `provider_pk, '${order}' as sort, ${key.replaceAll('new.', '')} as key, sign as change`,
          'and deleted_at is null',
        ),
      ).join(' union all ')}
    ) as changes group by 1, 2, 3, 4 having sum(change) <> 0;
    return null;
  end $$`,
]
