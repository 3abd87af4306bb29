import type { Migration } from './migration.ts'

/** Adds what lets people enter the console: sessions, one-time links, identities at an issuer, recorded answers. */
export const entering: Migration = {
  version: 26,
  name: 'entering',
  up: (schema, { pk, ref, text, hash }) => [
    schema
      .createTable('sessions')
      .addColumn('pk', ...pk)
      .addColumn('id', text, (c) => c.notNull().unique())
      .addColumn('token_hash', hash, (c) => c.notNull().unique())
      .addColumn('user_pk', ref, (c) => c.notNull().references('users.pk'))
      .addColumn('method', text, (c) => c.notNull())
      .addColumn('issuer', text)
      .addColumn('subject', text)
      .addColumn('address', text)
      .addColumn('agent', text)
      .addColumn('created_at', text, (c) => c.notNull())
      .addColumn('seen_at', text, (c) => c.notNull())
      .addColumn('expires_at', text, (c) => c.notNull()),
    schema.createIndex('sessions_user').on('sessions').column('user_pk'),
    schema
      .createTable('sign_in_links')
      .addColumn('pk', ...pk)
      .addColumn('id', text, (c) => c.notNull().unique())
      .addColumn('token_hash', hash, (c) => c.notNull().unique())
      .addColumn('user_pk', ref, (c) => c.references('users.pk'))
      .addColumn('created_at', text, (c) => c.notNull())
      .addColumn('expires_at', text, (c) => c.notNull())
      .addColumn('used_at', text),
    schema.createIndex('sign_in_links_user').on('sign_in_links').column('user_pk'),
    schema
      .createTable('identities')
      .addColumn('pk', ...pk)
      .addColumn('issuer', text, (c) => c.notNull())
      .addColumn('subject', text, (c) => c.notNull())
      .addColumn('user_pk', ref, (c) => c.notNull().references('users.pk'))
      .addColumn('created_at', text, (c) => c.notNull())
      .addUniqueConstraint('identities_subject', ['issuer', 'subject', 'user_pk']),
    schema.createIndex('identities_user').on('identities').column('user_pk'),
    schema
      .createTable('person_answers')
      .addColumn('person', text, (c) => c.notNull())
      .addColumn('key', text, (c) => c.notNull())
      .addColumn('request_hash', hash, (c) => c.notNull())
      .addColumn('answer', text, (c) => c.notNull())
      .addColumn('expires_at', text, (c) => c.notNull())
      .addPrimaryKeyConstraint('person_answers_pk', ['person', 'key']),
    schema.createIndex('person_answers_expiry').on('person_answers').column('expires_at'),
  ],
}
