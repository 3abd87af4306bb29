import { type Compilable, type SqlBool, sql } from 'kysely'
import type { Migration } from './migration.ts'

/**
 * Keeps why accounts failed, the attempts to apply them, the owners of keys that no longer exist, and when removed
 * accounts were gone. All of it is written after a failure or a removal, so that creates do not pay for it.
 */
export const attempts: Migration = {
  version: 25,
  name: 'attempts',
  up: (schema, { engine, pk, ref, number, text }, db) => [
    schema.alterTable('accounts').addColumn('cause', text),
    schema.alterTable('accounts').addColumn('gone_at', text),
    db.updateTable('accounts').set({ cause: 'other' }).where('last_error', 'is not', null),
    // An account is in these indexes only while it fails.
    ...(
      [
        ['accounts_failed', ['provider_pk', 'pk'], 'cause'],
        ['accounts_by_cause', ['provider_pk', 'cause', 'pk'], 'cause'],
        ['accounts_failed_of_tenant', ['tenant_pk', 'pk'], 'cause'],
        ['accounts_parked', ['provider_pk', 'pk'], 'parked_at'],
      ] as const
    ).map(([name, columns, column]) =>
      schema
        .createIndex(name)
        .on('accounts')
        .columns([...columns])
        .where(sql<SqlBool>`${sql.ref(column)} is not null`),
    ),
    schema
      .createTable('attempts')
      .addColumn('pk', ...pk)
      .addColumn('account_pk', ref, (c) => c.notNull().references('accounts.pk'))
      .addColumn('first_at', text, (c) => c.notNull())
      .addColumn('last_at', text, (c) => c.notNull())
      .addColumn('count', number, (c) => c.notNull())
      .addColumn('outcome', text, (c) => c.notNull())
      .addColumn('cause', text)
      .addColumn('error', text)
      .addColumn('version', number, (c) => c.notNull())
      .addColumn('changed_at', text, (c) => c.notNull())
      .addColumn('node', text, (c) => c.notNull())
      .addColumn('ms', number, (c) => c.notNull()),
    schema.createIndex('attempts_of_account').on('attempts').columns(['account_pk', 'pk']),
    schema.createIndex('attempts_by_age').on('attempts').column('last_at'),
    schema.createIndex('attempts_of_change').on('attempts').column('changed_at'),
    schema
      .createTable('removed_keys')
      .addColumn('access_key', text, (c) => c.primaryKey())
      .addColumn('account_pk', ref, (c) => c.notNull().references('accounts.pk')),
    schema.createIndex('removed_keys_of_account').on('removed_keys').column('account_pk'),
    // Entries about keys lead to the users of the keys.
    db
      .insertInto('audit_ids')
      .columns(['id', 'entry_pk'])
      .expression(
        db
          .selectFrom('credentials')
          .innerJoin('accounts', 'accounts.pk', 'credentials.account_pk')
          .innerJoin('users', 'users.pk', 'accounts.user_pk')
          .innerJoin('audit_ids', (join) =>
            join.on(sql`audit_ids.id`, '=', sql`lower(credentials.access_key)`),
          )
          .select([sql<string>`lower(users.id)`.as('id'), 'audit_ids.entry_pk'])
          .distinct(),
      )
      .onConflict((conflict) => conflict.doNothing()),
    ...KEEP_OWNERS[engine].map((text): Compilable => ({ compile: () => sql.raw(text).compile(db) })),
  ],
}

/** Triggers, so that no statement that deletes keys can forget it. */
const KEEP_OWNERS = {
  sqlite: [
    `create trigger credentials_removed after delete on credentials begin
      insert into removed_keys (access_key, account_pk)
        select old.access_key, pk from accounts where pk = old.account_pk on conflict do nothing;
    end`,
  ],
  postgres: [
    `create function keep_removed_keys() returns trigger language plpgsql as $$ begin
      insert into removed_keys (access_key, account_pk)
        select access_key, account_pk from old_credentials join accounts on accounts.pk = account_pk
        on conflict do nothing;
      return null;
    end $$`,
    `create trigger credentials_removed after delete on credentials
      referencing old table as old_credentials for each statement execute function keep_removed_keys()`,
  ],
} as const
