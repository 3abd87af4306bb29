import type { Migration } from './migration.ts'

/** Lets secrets of webhooks overlap: when the secret was replaced, and until when one before it signs, too. */
export const webhookSecrets: Migration = {
  version: 33,
  name: 'webhook-secrets',
  up: (schema, { text }) => [
    schema.alterTable('webhooks').addColumn('secret_at', text),
    schema.alterTable('webhooks').addColumn('old_secret_until', text),
  ],
}
