import { type SqlBool, sql } from 'kysely'
import type { Migration } from './migration.ts'

/**
 * Adds what the whole OSIS API needs: lists and exact totals that are read from one index each, even with very many
 * users; removals that continue after a restart; and refresh tokens that can be revoked.
 */
export const osis: Migration = {
  version: 3,
  name: 'osis',
  up: (schema, { pk, ref, number, text }, db) => [
    schema.alterTable('tenants').addColumn('provider_pk', ref),
    schema.alterTable('tenants').addColumn('deleted_at', text),
    db.updateTable('tenants').set((eb) => ({
      provider_pk: eb
        .selectFrom('organizations')
        .select(sql<number>`organizations.provider_pk`.as('provider_pk'))
        .whereRef('organizations.pk', '=', 'tenants.organization_pk'),
    })),
    schema
      .createIndex('tenants_provider')
      .on('tenants')
      .columns(['provider_pk', 'pk'])
      .where(sql<SqlBool>`deleted_at is null`),

    schema.alterTable('accounts').addColumn('provider_pk', ref),
    schema.alterTable('accounts').addColumn('made_user', number, (c) => c.notNull().defaultTo(0)),
    schema.alterTable('accounts').addColumn('purge', number, (c) => c.notNull().defaultTo(0)),
    db.updateTable('accounts').set((eb) => ({
      provider_pk: eb
        .selectFrom('tenants')
        .select('tenants.provider_pk')
        .whereRef('tenants.pk', '=', 'accounts.tenant_pk'),
    })),
    // Each index ends with the columns for counting and paging, so that neither reads a row.
    ...[
      ['accounts_of_provider', 'provider_pk', 'pk', 'active'],
      ['accounts_of_tenant', 'tenant_pk', 'pk', 'active'],
      ['accounts_of_org', 'provider_pk', 'org_id', 'pk', 'tenant_pk', 'active'],
      ['accounts_by_org_user_id', 'provider_pk', 'org_user_id', 'pk'],
      ['accounts_by_username', 'provider_pk', 'username', 'pk'],
    ].map(([name = '', ...columns]) =>
      schema.createIndex(name).on('accounts').columns(columns).where(sql<SqlBool>`wanted = 1`),
    ),
    // Finds the accounts of a tenant that are not applied yet. The deletion of a tenant needs it, while a caller waits.
    schema
      .createIndex('accounts_unapplied')
      .on('accounts')
      .columns(['tenant_pk', 'pk'])
      .where(sql<SqlBool>`applied_version < desired_version`),

    schema.alterTable('credentials').addColumn('provider_pk', ref),
    schema.alterTable('credentials').addColumn('tenant_pk', ref),
    schema.alterTable('credentials').addColumn('org_id', text),
    schema.alterTable('credentials').addColumn('wanted', number, (c) => c.notNull().defaultTo(1)),
    db.updateTable('credentials').set((eb) => {
      const account = eb.selectFrom('accounts').whereRef('accounts.pk', '=', 'credentials.account_pk')
      return {
        provider_pk: account.select('accounts.provider_pk'),
        tenant_pk: account.select('accounts.tenant_pk'),
        org_id: account.select('accounts.org_id'),
        wanted: account.select('accounts.wanted'),
      }
    }),
    ...[
      ['credentials_of_provider', 'provider_pk', 'pk', 'active'],
      ['credentials_of_tenant', 'tenant_pk', 'pk', 'active'],
      ['credentials_of_org', 'provider_pk', 'org_id', 'pk', 'tenant_pk', 'active'],
      ['credentials_of_account', 'account_pk', 'pk', 'active'],
    ].map(([name = '', ...columns]) =>
      schema.createIndex(name).on('credentials').columns(columns).where(sql<SqlBool>`wanted = 1`),
    ),

    schema.alterTable('audit_entries').addColumn('changes', text),

    schema
      .createTable('refresh_tokens')
      .addColumn('pk', ...pk)
      .addColumn('id', text, (c) => c.notNull().unique())
      .addColumn('client_pk', ref, (c) => c.notNull().references('clients.pk'))
      .addColumn('created_at', text, (c) => c.notNull())
      .addColumn('expires_at', text, (c) => c.notNull())
      .addColumn('revoked_at', text),
    schema.createIndex('refresh_tokens_expiry').on('refresh_tokens').column('expires_at'),
  ],
}
