import { type Compilable, type SqlBool, sql } from 'kysely'
import type { Migration } from './migration.ts'

/**
 * Replaces PostgreSQL's index for searches by one that leads to a page in the order of the list; see decision 38. It
 * needs no extension. SQLite has such an index since migration 27. Both engines get an index of deleted users by e-mail.
 *
 * The place of a user is the first two characters of their key, or, in other scripts than Latin, the range of 128 code
 * points of the first one. So there are some hundred places, in the order of the keys.
 */
export const userPlaces: Migration = {
  version: 29,
  name: 'user-places',
  up: (schema, { engine }, db) => [
    schema
      .createIndex('users_deleted_by_email')
      .on('users')
      .columns(['email_key', 'organization_pk', 'pk'])
      .where(sql<SqlBool>`deleted_at is not null and listed = 1`),
    ...(engine === 'sqlite' ? [] : POSTGRES).map(
      (text): Compilable => ({ compile: () => sql.raw(text).compile(db) }),
    ),
  ],
}

const KEY = 'provider_pk, organization_pk, reseller_pk, deleted'
/** A user without an e-mail comes after all others. */
const EMAIL_KEY = "coalesce(email_key, '\u{10ffff}')"
const ORDERS = [
  ['name', 'name_key'],
  ['email', EMAIL_KEY],
] as const

const changes = (columns: string, one: string): string => `
  select ${columns.replaceAll('sign', '-1')} from old_users where listed = 1 ${one}
  union all select ${columns.replaceAll('sign', '1')} from new_users where listed = 1 ${one}`

/** Adds the places of listed users to those that a provider has. */
const addPlaces = (users: string): string => `
  insert into user_places (provider_pk, sort, start)
  ${ORDERS.map(
    ([order, key]) => `select distinct provider_pk, '${order}', user_place(${key}) from ${users}
      where listed = 1 and deleted_at is null`,
  ).join(' union all ')}
  on conflict do nothing;`

const toPlace = (key: string): string =>
  `case when ascii(${key}) < 640 then substr(${key}, 1, 2) else chr(ascii(${key}) & ~127) end`

// The cost keeps the planner from computing the parts of each user in place of reading the index.
// The functions name no other ones of Usher: PostgreSQL builds indexes without the search path.
const POSTGRES = [
  'drop index if exists users_search',
  `create function user_place(key text) returns text language sql immutable parallel safe as $$
    select (${toPlace('key')}) collate "C" $$`,
  `create function user_parts(name_key text, email_key text) returns text[]
    language sql immutable parallel safe cost 10000 as $$
    select array_agg(place || substr(name_key, i, 3)) collate "C"
    from generate_series(1, char_length(name_key) - 2) as i,
      (values ('n' || ${toPlace('name_key')}), ('e' || ${toPlace(EMAIL_KEY)})) as places (place) $$`,
  `create table user_places (
    provider_pk bigint not null, sort text collate "C" not null, start text collate "C" not null,
    primary key (provider_pk, sort, start))`,
  addPlaces('users'),
  // Of its own form, so that the planner cannot take another index of these users.
  `create index users_parts on users using gin (user_parts(name_key, email_key)) with (fastupdate = off)
    where case when deleted_at is null then listed end = 1`,
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
        changes(`provider_pk, '${order}' as sort, ${key} as key, sign as change`, 'and deleted_at is null'),
      ).join(' union all ')}
    ) as changes group by 1, 2, 3, 4 having sum(change) <> 0;
    ${addPlaces('new_users')}
    return null;
  end $$`,
]
