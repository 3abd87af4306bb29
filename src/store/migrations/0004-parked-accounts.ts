import type { Migration } from './migration.ts'

/** Adds columns that distinguish accounts that fail by themselves from those that wait for an unhealthy platform. */
export const parkedAccounts: Migration = {
  version: 4,
  name: 'parked-accounts',
  up: (schema, { number, text }) => [
    schema.alterTable('accounts').addColumn('own_failures', number, (c) => c.notNull().defaultTo(0)),
    schema.alterTable('accounts').addColumn('parked_at', text),
  ],
}
