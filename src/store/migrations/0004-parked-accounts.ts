import type { Migration } from './migration.ts'

/** What tells accounts that fail by themselves from those that wait for a platform that is not well. */
export const parkedAccounts: Migration = {
  version: 4,
  name: 'parked-accounts',
  up: (schema, { number, text }) => [
    schema.alterTable('accounts').addColumn('own_failures', number, (c) => c.notNull().defaultTo(0)),
    schema.alterTable('accounts').addColumn('parked_at', text),
  ],
}
