import { type Compilable, sql } from 'kysely'
import type { Migration } from './migration.ts'

/**
 * Takes the keys of users who were deleted by an Usher that kept them: they came back with an account that owns data.
 * An account that an administrator has enabled since keeps its keys.
 */
export const keysOfDeletedUsers: Migration = {
  version: 35,
  name: 'keys-of-deleted-users',
  up: (_schema, _types, db) => {
    const now = new Date().toISOString()
    const deleted = sql`(select pk from users where deleted_at is not null)`
    const isBack = sql`wanted = 1 and enabled = 0 and user_pk in ${deleted}`
    return [
      // The removal has not ended, so it is not known whether the account owns data.
      sql`update accounts set enabled = 0 where wanted = 0 and user_pk in ${deleted}`,
      sql`update credentials set wanted = 0
        where wanted = -1 and account_pk in (select pk from accounts where user_pk in ${deleted})`,
      sql`update accounts set desired_version = desired_version + 1, desired_at = ${now}, due_at = ${now},
          attempts = 0, own_failures = 0, parked_at = null, last_error = null, cause = null
        where ${isBack} and exists (
          select 1 from credentials where credentials.account_pk = accounts.pk and credentials.wanted = 1)`,
      sql`update credentials set wanted = 0
        where wanted = 1 and account_pk in (select pk from accounts where ${isBack})`,
    ].map((text): Compilable => ({ compile: () => text.compile(db) }))
  },
}
