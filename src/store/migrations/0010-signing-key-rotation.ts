import type { Migration } from './migration.ts'

/**
 * Signing keys get the time from which they sign, and the time until which they are published. A refresh token gets the
 * hash of its text, so that a token that was forged with a leaked signing key is refused.
 */
export const signingKeyRotation: Migration = {
  version: 10,
  name: 'signing-key-rotation',
  up: (schema, { text, hash }, db) => [
    schema.alterTable('signing_keys').addColumn('signs_at', text),
    schema.alterTable('signing_keys').addColumn('expires_at', text),
    db.updateTable('signing_keys').set((eb) => ({ signs_at: eb.ref('created_at') })),
    schema.alterTable('refresh_tokens').addColumn('token_hash', hash),
    schema.createIndex('refresh_tokens_client').on('refresh_tokens').columns(['client_pk', 'pk']),
  ],
}
