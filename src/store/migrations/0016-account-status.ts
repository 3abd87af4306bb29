import { sql } from 'kysely'
import type { Migration } from './migration.ts'

/**
 * Lets accounts follow their person and their customer. `active` stays what the platform must have; `enabled` holds the
 * account's own status. A tenant says who gets an account. Customers can be suspended and deleted.
 */
export const accountStatus: Migration = {
  version: 16,
  name: 'account-status',
  up: (schema, { number, text }, db) => [
    schema.alterTable('accounts').addColumn('enabled', number, (c) => c.notNull().defaultTo(1)),
    db.updateTable('accounts').set({ enabled: sql`active` }),
    schema.alterTable('tenants').addColumn('accounts', text, (c) => c.notNull().defaultTo('named')),
    schema.alterTable('organizations').addColumn('suspended_at', text),
    schema.alterTable('organizations').addColumn('deleted_at', text),
  ],
}
