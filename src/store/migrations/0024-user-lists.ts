import { type Compilable, type SqlBool, sql } from 'kysely'
import type { Migration } from './migration.ts'

/**
 * Adds totals of users, an index of the members of groups, and one for searches in names and e-mails. Creates do not
 * pay for them: users are added when they are taken into the lists. Triggers follow the later changes of these users,
 * so that no statement can forget it.
 *
 * SQLite searches with FTS5, whose tokens are trigrams. PostgreSQL uses pg_trgm, if the role may create this extension;
 * without it, a search reads the users in the order of the list. The row of a total would make concurrent changes on
 * PostgreSQL wait for each other, so there each statement adds rows, which are added up.
 */
export const userLists: Migration = {
  version: 24,
  name: 'user-lists',
  up: (schema, { engine, ref, number, text }, db) => [
    schema
      .createTable('user_totals')
      .addColumn('provider_pk', ref, (c) => c.notNull())
      .addColumn('organization_pk', ref, (c) => c.notNull())
      .addColumn('reseller_pk', ref, (c) => c.notNull())
      .addColumn('deleted', number, (c) => c.notNull())
      .addColumn('total', ref, (c) => c.notNull())
      .$call((table) =>
        engine === 'sqlite'
          ? table
              .addPrimaryKeyConstraint('user_totals_pk', [
                'provider_pk',
                'organization_pk',
                'reseller_pk',
                'deleted',
              ])
              .modifyEnd(sql`without rowid`)
          : table,
      ),
    schema
      .createIndex('user_totals_of_organization')
      .on('user_totals')
      .columns(['organization_pk', 'reseller_pk', 'deleted', 'total']),
    schema
      .createTable('user_ranks')
      .addColumn('provider_pk', ref, (c) => c.notNull())
      .addColumn('sort', text, (c) => c.notNull())
      .addColumn('start', text, (c) => c.notNull())
      .addColumn('prefix', text, (c) => c.notNull())
      .addColumn('total', ref, (c) => c.notNull())
      .$call((table) =>
        engine === 'sqlite'
          ? table
              .addPrimaryKeyConstraint('user_ranks_pk', ['provider_pk', 'sort', 'start', 'prefix'])
              .modifyEnd(sql`without rowid`)
          : table,
      ),
    ...(engine === 'postgres'
      ? [schema.createIndex('user_ranks_prefix').on('user_ranks').columns(RANK_COLUMNS)]
      : []),
    schema.alterTable('memberships').addColumn('listed', number, (c) => c.notNull().defaultTo(0)),
    schema
      .createIndex('memberships_of_group')
      .on('memberships')
      .columns(['group_pk', 'user_pk'])
      .where(sql<SqlBool>`listed = 1`),
    ...(engine === 'sqlite' ? SQLITE : POSTGRES).map(
      (text): Compilable => ({ compile: () => sql.raw(text).compile(db) }),
    ),
  ],
}

const RANK_COLUMNS = ['provider_pk', 'sort', 'start', 'prefix', 'total']

/** The keys of both orders. A missing e-mail sorts after all others. */
const SORTS = [
  ['name', 'name_key'],
  ['email', "coalesce(email_key, '\u{10ffff}')"],
] as const

/** Adds a number to the rows of `user_ranks` that count a user, if the user is live. */
function rankOnSqlite(row: 'old' | 'new', change: 1 | -1): string {
  return SORTS.map(([sort, key]) => {
    const of = key.replace(/(name|email)_key/, `${row}.$&`)
    return `insert into user_ranks
      select ${row}.provider_pk, '${sort}', substr(${of}, 1, 3), substr(${of}, 1, 8), ${change}
      where ${row}.deleted_at is null
      on conflict do update set total = total + excluded.total;`
  }).join('\n')
}

const KEY = 'provider_pk, organization_pk, reseller_pk, deleted'
const keyOf = (row: string): string =>
  `${row}.provider_pk, ${row}.organization_pk, coalesce(${row}.reseller_pk, 0), ${row}.deleted_at is not null`

const SQLITE = [
  `create virtual table user_search using fts5(
    text, content='', contentless_delete=1, tokenize='trigram case_sensitive 1')`,
  `create trigger users_counted after update of provider_pk, organization_pk, reseller_pk, deleted_at on users
    when old.listed = 1 and (${keyOf('old')}) is not (${keyOf('new')}) begin
      update user_totals set total = total - 1 where (${KEY}) = (${keyOf('old')});
      insert into user_totals values (${keyOf('new')}, 1) on conflict do update set total = total + 1;
    end`,
  `create trigger users_ranked after update of provider_pk, deleted_at, name_key, email_key on users
    when old.listed = 1 and (old.provider_pk, old.deleted_at is null, old.name_key, old.email_key)
      is not (new.provider_pk, new.deleted_at is null, new.name_key, new.email_key) begin
      ${rankOnSqlite('old', -1)}
      ${rankOnSqlite('new', 1)}
    end`,
  `create trigger users_searched after update of name_key on users
    when old.listed = 1 and old.name_key <> new.name_key begin
      delete from user_search where rowid = old.pk;
      insert into user_search (rowid, text) values (new.pk, new.name_key);
    end`,
]

const POSTGRES = [
  `do $$ begin
    create extension if not exists pg_trgm;
  exception when others then
    raise notice 'searches in lists of users are slow without the extension pg_trgm: %', sqlerrm;
  end $$`,
  `do $$ begin
    if exists (select 1 from pg_extension where extname = 'pg_trgm') then
      create index users_search on users using gin (name_key gin_trgm_ops) where deleted_at is null and listed = 1;
    end if;
  end $$`,
  `create function count_users() returns trigger language plpgsql as $$ begin
    insert into user_totals (${KEY}, total)
    select ${KEY}, sum(change) from (
      select provider_pk, organization_pk, coalesce(reseller_pk, 0) as reseller_pk,
        (deleted_at is not null)::integer as deleted, -1 as change from old_users where listed = 1
      union all
      select provider_pk, organization_pk, coalesce(reseller_pk, 0), (deleted_at is not null)::integer, 1
        from new_users where listed = 1
    ) as changes group by ${KEY} having sum(change) <> 0;
    insert into user_ranks (provider_pk, sort, start, prefix, total)
    select provider_pk, sort, substr(key, 1, 3), substr(key, 1, 8), sum(change) from (
      ${SORTS.map(
        ([sort, key]) => `
      select provider_pk, '${sort}' as sort, ${key} as key, -1 as change from old_users
        where listed = 1 and deleted_at is null
      union all
      select provider_pk, '${sort}', ${key}, 1 from new_users where listed = 1 and deleted_at is null`,
      ).join(' union all ')}
    ) as changes group by 1, 2, 3, 4 having sum(change) <> 0;
    return null;
  end $$`,
  `create trigger users_counted after update on users
    referencing old table as old_users new table as new_users
    for each statement execute function count_users()`,
]
