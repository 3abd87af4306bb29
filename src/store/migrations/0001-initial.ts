import { type SqlBool, sql } from 'kysely'
import type { Migration } from './migration.ts'

/** The first schema. */
export const initial: Migration = {
  version: 1,
  name: 'initial',
  up: (schema, { pk, ref, number, text, hash, clustered }) => [
    schema
      .createTable('organizations')
      .addColumn('pk', ...pk)
      .addColumn('id', text, (c) => c.notNull().unique())
      .addColumn('kind', text, (c) => c.notNull())
      .addColumn('name', text, (c) => c.notNull())
      .addColumn('provider_pk', ref, (c) => c.references('organizations.pk'))
      .addColumn('created_at', text, (c) => c.notNull()),
    schema.createIndex('organizations_provider').on('organizations').columns(['provider_pk', 'kind', 'pk']),

    schema
      .createTable('customer_resellers')
      .addColumn('customer_pk', ref, (c) => c.notNull().references('organizations.pk'))
      .addColumn('reseller_pk', ref, (c) => c.notNull().references('organizations.pk'))
      .addColumn('created_at', text, (c) => c.notNull())
      .addPrimaryKeyConstraint('customer_resellers_pk', ['customer_pk', 'reseller_pk'])
      .$call(clustered),
    schema
      .createIndex('customer_resellers_reseller')
      .on('customer_resellers')
      .columns(['reseller_pk', 'customer_pk']),

    schema
      .createTable('portals')
      .addColumn('pk', ...pk)
      .addColumn('domain', text, (c) => c.notNull().unique())
      .addColumn('organization_pk', ref, (c) => c.notNull().references('organizations.pk'))
      .addColumn('created_at', text, (c) => c.notNull()),
    schema.createIndex('portals_organization').on('portals').column('organization_pk'),

    schema
      .createTable('groups')
      .addColumn('pk', ...pk)
      .addColumn('id', text, (c) => c.notNull().unique())
      .addColumn('provider_pk', ref, (c) => c.notNull().references('organizations.pk'))
      .addColumn('name', text, (c) => c.notNull())
      .addUniqueConstraint('groups_name', ['provider_pk', 'name']),

    schema
      .createTable('users')
      .addColumn('pk', ...pk)
      .addColumn('id', text, (c) => c.notNull().unique())
      .addColumn('organization_pk', ref, (c) => c.notNull().references('organizations.pk'))
      .addColumn('reseller_pk', ref, (c) => c.references('organizations.pk'))
      .addColumn('first_name', text)
      .addColumn('last_name', text)
      .addColumn('email', text)
      .addColumn('email_key', text)
      .addColumn('created_at', text, (c) => c.notNull())
      .addColumn('updated_at', text, (c) => c.notNull())
      .addColumn('deleted_at', text),
    // Two partial indexes: a deleted user does not reserve the e-mail, and can be found to be restored.
    schema
      .createIndex('users_email')
      .unique()
      .on('users')
      .columns(['organization_pk', 'email_key'])
      .where(sql<SqlBool>`deleted_at is null`),
    schema
      .createIndex('users_deleted_email')
      .on('users')
      .columns(['organization_pk', 'email_key', 'pk'])
      .where(sql<SqlBool>`deleted_at is not null`),

    schema
      .createTable('memberships')
      .addColumn('user_pk', ref, (c) => c.notNull().references('users.pk'))
      .addColumn('group_pk', ref, (c) => c.notNull().references('groups.pk'))
      .addPrimaryKeyConstraint('memberships_pk', ['user_pk', 'group_pk'])
      .$call(clustered),

    schema
      .createTable('tenants')
      .addColumn('pk', ...pk)
      .addColumn('id', text, (c) => c.notNull().unique())
      .addColumn('organization_pk', ref, (c) => c.notNull().references('organizations.pk'))
      .addColumn('platform', text, (c) => c.notNull())
      .addColumn('name', text, (c) => c.notNull())
      .addColumn('created_at', text, (c) => c.notNull())
      .addUniqueConstraint('tenants_organization', ['organization_pk', 'platform']),

    schema
      .createTable('tenant_orgs')
      .addColumn('pk', ...pk)
      .addColumn('tenant_pk', ref, (c) => c.notNull().references('tenants.pk'))
      .addColumn('provider_pk', ref, (c) => c.notNull().references('organizations.pk'))
      .addColumn('platform', text, (c) => c.notNull())
      .addColumn('org_id', text, (c) => c.notNull())
      .addUniqueConstraint('tenant_orgs_org', ['provider_pk', 'platform', 'org_id']),
    schema.createIndex('tenant_orgs_tenant').on('tenant_orgs').columns(['tenant_pk', 'pk']),

    schema
      .createTable('accounts')
      .addColumn('pk', ...pk)
      .addColumn('tenant_pk', ref, (c) => c.notNull().references('tenants.pk'))
      .addColumn('user_pk', ref, (c) => c.notNull().references('users.pk'))
      .addColumn('platform', text, (c) => c.notNull())
      .addColumn('canonical_user_id', text, (c) => c.notNull().unique())
      .addColumn('org_id', text, (c) => c.notNull())
      .addColumn('org_user_id', text, (c) => c.notNull())
      .addColumn('username', text, (c) => c.notNull())
      .addColumn('email', text)
      .addColumn('role', text, (c) => c.notNull())
      .addColumn('active', number, (c) => c.notNull())
      .addColumn('wanted', number, (c) => c.notNull())
      .addColumn('desired_version', number, (c) => c.notNull())
      .addColumn('applied_version', number, (c) => c.notNull())
      .addColumn('attempts', number, (c) => c.notNull())
      .addColumn('desired_at', text, (c) => c.notNull())
      .addColumn('due_at', text, (c) => c.notNull())
      .addColumn('leased_until', text)
      .addColumn('last_error', text)
      .addColumn('created_at', text, (c) => c.notNull())
      .addUniqueConstraint('accounts_user', ['user_pk', 'platform']),
    // A removed account does not reserve its Cloud Director user: a create makes a new account.
    schema
      .createIndex('accounts_org_user')
      .unique()
      .on('accounts')
      .columns(['tenant_pk', 'org_id', 'org_user_id'])
      .where(sql<SqlBool>`wanted = 1`),
    schema
      .createIndex('accounts_due')
      .on('accounts')
      .columns(['due_at', 'pk'])
      .where(sql<SqlBool>`applied_version < desired_version`),

    schema
      .createTable('credentials')
      .addColumn('pk', ...pk)
      .addColumn('account_pk', ref, (c) => c.notNull().references('accounts.pk'))
      .addColumn('access_key', text, (c) => c.notNull().unique())
      .addColumn('sealed_secret', text, (c) => c.notNull())
      .addColumn('active', number, (c) => c.notNull())
      .addColumn('created_at', text, (c) => c.notNull()),
    schema.createIndex('credentials_account').on('credentials').columns(['account_pk', 'pk']),

    schema
      .createTable('clients')
      .addColumn('pk', ...pk)
      .addColumn('id', text, (c) => c.notNull().unique())
      .addColumn('organization_pk', ref, (c) => c.notNull().references('organizations.pk'))
      .addColumn('name', text, (c) => c.notNull())
      .addColumn('permission', text, (c) => c.notNull())
      .addColumn('secret_hash', text)
      .addColumn('external_issuer', text)
      .addColumn('external_id', text)
      .addColumn('created_at', text, (c) => c.notNull())
      .addColumn('deleted_at', text),
    schema
      .createIndex('clients_external')
      .unique()
      .on('clients')
      .columns(['external_issuer', 'external_id'])
      .where(sql<SqlBool>`deleted_at is null`),

    schema
      .createTable('signing_keys')
      .addColumn('pk', ...pk)
      .addColumn('kid', text, (c) => c.notNull().unique())
      .addColumn('public_jwk', text, (c) => c.notNull())
      .addColumn('sealed_private', text, (c) => c.notNull())
      .addColumn('created_at', text, (c) => c.notNull()),

    schema
      .createTable('audit_entries')
      .addColumn('pk', ...pk)
      .addColumn('id', text, (c) => c.notNull())
      .addColumn('at', text, (c) => c.notNull())
      .addColumn('operation', text, (c) => c.notNull())
      .addColumn('status', text, (c) => c.notNull())
      .addColumn('outcome', text, (c) => c.notNull())
      .addColumn('client', text, (c) => c.notNull())
      .addColumn('portal', text)
      .addColumn('organization', text)
      .addColumn('target', text)
      .addColumn('correlation_id', text, (c) => c.notNull())
      .addColumn('changed_fields', text, (c) => c.notNull())
      .addColumn('block', ref)
      .addColumn('position', number)
      .addColumn('hash', hash),

    schema
      .createTable('audit_blocks')
      .addColumn('number', ref, (c) => c.primaryKey())
      .addColumn('first_pk', ref, (c) => c.notNull())
      .addColumn('last_pk', ref, (c) => c.notNull())
      .addColumn('entries', number, (c) => c.notNull())
      .addColumn('previous_hash', hash, (c) => c.notNull())
      .addColumn('hash', hash, (c) => c.notNull()),

    schema
      .createTable('idempotency_keys')
      .addColumn('client_pk', ref, (c) => c.notNull().references('clients.pk'))
      .addColumn('key', text, (c) => c.notNull())
      .addColumn('request_hash', hash, (c) => c.notNull())
      .addColumn('answer', text, (c) => c.notNull())
      .addColumn('expires_at', text, (c) => c.notNull())
      .addPrimaryKeyConstraint('idempotency_keys_pk', ['client_pk', 'key'])
      .$call(clustered),
    schema.createIndex('idempotency_keys_expiry').on('idempotency_keys').column('expires_at'),

    // Has one row. It is updated to find out whether the store accepts writes.
    schema
      .createTable('heartbeats')
      .addColumn('pk', ...pk)
      .addColumn('at', text, (c) => c.notNull()),
  ],
}
