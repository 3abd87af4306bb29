import { type Compilable, sql } from 'kysely'
import type { Migration } from './migration.ts'

/**
 * Gives the indexes by name all that lists compare, and PostgreSQL's the primary keys, which SQLite's have anyway: so
 * lists read the rows of no other users than those of the page.
 */
export const indexedKeys: Migration = {
  version: 34,
  name: 'indexed-keys',
  up: (_schema, { engine }, db) => {
    const columns = 'users (provider_pk, name_key, id, organization_pk, reseller_pk)'
    const withKeys = engine === 'sqlite' ? columns : `${columns} include (pk)`
    return [
      'drop index users_deleted',
      `create index users_deleted on ${withKeys} where deleted_at is not null and listed = 1`,
      ...(engine === 'sqlite'
        ? []
        : [
            'drop index users_name',
            `create index users_name on ${withKeys} where deleted_at is null and listed = 1`,
          ]),
    ].map((text): Compilable => ({ compile: () => sql.raw(text).compile(db) }))
  },
}
