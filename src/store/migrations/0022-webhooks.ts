import type { Migration } from './migration.ts'

/** Adds webhooks, and the events that their receivers have not accepted. */
export const webhooks: Migration = {
  version: 22,
  name: 'webhooks',
  up: (schema, { pk, ref, number, text }) => [
    schema
      .createTable('webhooks')
      .addColumn('pk', ...pk)
      .addColumn('id', text, (c) => c.notNull().unique())
      .addColumn('provider_pk', ref, (c) => c.notNull())
      .addColumn('organization_pk', ref, (c) => c.notNull())
      .addColumn('organization_id', text, (c) => c.notNull())
      .addColumn('url', text, (c) => c.notNull())
      .addColumn('name', text)
      .addColumn('operations', text)
      .addColumn('sealed_secret', text, (c) => c.notNull())
      .addColumn('cursor_block', ref, (c) => c.notNull())
      .addColumn('cursor_pk', ref, (c) => c.notNull())
      .addColumn('failures', number, (c) => c.notNull())
      .addColumn('error', text)
      .addColumn('delivered_at', text)
      .addColumn('due_at', text)
      .addColumn('leased_until', text)
      .addColumn('leased_by', text)
      .addColumn('created_at', text, (c) => c.notNull()),
    schema
      .createTable('deliveries')
      .addColumn('pk', ...pk)
      .addColumn('webhook_pk', ref, (c) => c.notNull().references('webhooks.pk'))
      .addColumn('block', ref, (c) => c.notNull())
      .addColumn('entry_pk', ref, (c) => c.notNull())
      .addColumn('organization', text, (c) => c.notNull())
      .addColumn('attempts', number, (c) => c.notNull())
      .addColumn('first_failed_at', text)
      .addColumn('due_at', text, (c) => c.notNull())
      .addColumn('error', text)
      .addColumn('dead_at', text)
      .addUniqueConstraint('deliveries_entry', ['webhook_pk', 'entry_pk']),
    schema
      .createIndex('deliveries_order')
      .on('deliveries')
      .columns(['webhook_pk', 'dead_at', 'organization', 'block', 'entry_pk']),
  ],
}
