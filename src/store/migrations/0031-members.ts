import { type Compilable, sql } from 'kysely'
import type { Migration } from './migration.ts'

/**
 * Gives PostgreSQL the members of groups in the order of lists; SQLite has the groups in its indexes for searches. The
 * membership of a live user who is in the lists has a copy of what lists are ordered and narrowed by. Creates do not
 * pay for it: the follower makes the copy, and triggers follow later changes. See decision 38.
 *
 * The index of the users of an organization gets their primary keys, so that their rows need not be read.
 */
export const members: Migration = {
  version: 31,
  name: 'members',
  up: (_schema, { engine }, db) =>
    (engine === 'sqlite' ? [] : POSTGRES).map(
      (text): Compilable => ({ compile: () => sql.raw(text).compile(db) }),
    ),
}

/** What a membership has of its user: the names there, and in `users`. */
const COPIED = [
  ['user_id', 'id'],
  ['name_key', 'name_key'],
  ['email_key', 'email_key'],
  ['organization_pk', 'organization_pk'],
  ['reseller_pk', 'reseller_pk'],
] as const
const NAMES = COPIED.map(([, from]) => from).join(', ')

/** Copies from users that are in the lists. */
const copyFrom = (users: string): string => `update memberships
  set ${COPIED.map(([to, from]) => `${to} = case when users.deleted_at is null then users.${from} end`).join(', ')}
  from ${users} as users
  where memberships.user_pk = users.pk and memberships.listed = 1 and users.listed = 1`

const POSTGRES = [
  // In the order in which units lock them. Otherwise users who change meanwhile would not reach the copy.
  'lock table users, memberships in access exclusive mode',
  `alter table memberships add column user_id text collate "C", add column name_key text collate "C",
    add column email_key text collate "C", add column organization_pk bigint, add column reseller_pk bigint`,
  'drop index memberships_of_group',
  copyFrom('users'),
  `create index memberships_by_name on memberships (group_pk, name_key, user_id)
    include (organization_pk, reseller_pk, user_pk) where name_key is not null`,
  `create index memberships_by_email on memberships (group_pk, email_key, organization_pk, user_pk)
    include (reseller_pk) where name_key is not null`,
  `create index memberships_of_organization on memberships (group_pk, organization_pk, name_key, user_id)
    include (reseller_pk, user_pk) where name_key is not null`,
  'drop index users_of_organization',
  `create index users_of_organization on users (organization_pk, name_key, id, reseller_pk) include (pk)
    where deleted_at is null and listed = 1`,
  `create function copy_to_membership() returns trigger language plpgsql as $$ begin
    select ${NAMES} into ${COPIED.map(([to]) => `new.${to}`).join(', ')}
      from users where pk = new.user_pk and deleted_at is null;
    return new;
  end $$`,
  `create trigger memberships_listed before update of listed on memberships
    for each row when (new.listed = 1 and new.name_key is null) execute function copy_to_membership()`,
  // `execute` plans the statement for the number of users that have changed.
  `create function copy_to_memberships() returns trigger language plpgsql as $$ begin
    if exists (
      select pk, deleted_at is null, ${NAMES} from old_users where listed = 1
      except select pk, deleted_at is null, ${NAMES} from new_users
    ) then
      execute '${copyFrom('new_users')}';
    end if;
    return null;
  end $$`,
  `create trigger users_copied after update on users
    referencing old table as old_users new table as new_users
    for each statement execute function copy_to_memberships()`,
]
