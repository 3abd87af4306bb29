import { type SqlBool, sql } from 'kysely'
import type { Migration } from './migration.ts'

/**
 * Adds what accounts store on their platforms, as it was last read: to read it for each call would cost two calls of the
 * platform for each account of a tenant. An account without a row is new. Existing accounts get a row without figures,
 * which is due at once.
 */
export const contents: Migration = {
  version: 14,
  name: 'contents',
  up: (schema, { ref, number, text }, db) => [
    schema
      .createTable('contents')
      .addColumn('account_pk', ref, (c) => c.primaryKey().references('accounts.pk'))
      .addColumn('provider_pk', ref, (c) => c.notNull())
      .addColumn('tenant_pk', ref, (c) => c.notNull())
      .addColumn('platform', text, (c) => c.notNull())
      .addColumn('bucket_count', number, (c) => c.notNull())
      .addColumn('object_count', ref, (c) => c.notNull())
      .addColumn('used_bytes', ref, (c) => c.notNull())
      .addColumn('quota_bytes', ref)
      .addColumn('read_at', text)
      .addColumn('due_at', text, (c) => c.notNull()),
    db
      .insertInto('contents')
      .columns([...OF_ACCOUNT, 'bucket_count', 'object_count', 'used_bytes', 'due_at'])
      .expression(
        db
          .selectFrom('accounts')
          .select([
            'pk as account_pk',
            'provider_pk',
            'tenant_pk',
            'platform',
            ...['bucket_count', 'object_count', 'used_bytes'].map((name) => sql`0`.as(name)),
            sql`''`.as('due_at'),
          ])
          // A removal that finds data restores its account.
          .where(sql<SqlBool>`wanted = 1 or applied_version < desired_version`),
      ),
    schema.createIndex('contents_due').on('contents').columns(['platform', 'due_at']),
    schema.createIndex('contents_of_tenant').on('contents').columns(['tenant_pk', 'account_pk']),
    schema.createIndex('contents_of_provider').on('contents').columns(['provider_pk', 'platform']),
    schema
      .createTable('buckets')
      .addColumn('account_pk', ref, (c) => c.notNull().references('accounts.pk'))
      .addColumn('name', text, (c) => c.notNull())
      .addColumn('tenant_pk', ref, (c) => c.notNull())
      .addColumn('created_at', text, (c) => c.notNull())
      .addPrimaryKeyConstraint('buckets_pk', ['account_pk', 'name']),
    schema.createIndex('buckets_of_tenant').on('buckets').columns(['tenant_pk', 'name']),
  ],
}

const OF_ACCOUNT = ['account_pk', 'provider_pk', 'tenant_pk', 'platform']
