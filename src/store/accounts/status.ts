import { type Expression, sql } from 'kysely'
import type { QueryBuilder } from '../port.ts'

// An account works while the account, its person and its customer are active. The column `enabled` is the account's own
// status; `active` is the result, which the platform must have. The functions in following.ts keep it up to date.

/** Literals, because bound values would keep SQLite from using the partial indexes. */
const ON = sql.lit(1)

/**
 * Returns the value of `accounts.active`, 1 or 0, for the row of `accounts` that a statement changes.
 * @param changed the values that the statement sets, or those of the row that it inserts
 */
export function toActive(
  db: QueryBuilder,
  changed: { readonly user?: number; readonly enabled?: number } = {},
): Expression<number> {
  const { user, enabled } = changed
  const owner = db
    .selectFrom('users')
    .innerJoin('organizations', 'organizations.pk', 'users.organization_pk')
    .select('users.pk')
    .where('users.pk', '=', user ?? sql.ref<number>('accounts.user_pk'))
    .where('users.active', '=', ON)
    .where('users.deleted_at', 'is', null)
    .where('organizations.suspended_at', 'is', null)
    .where('organizations.deleted_at', 'is', null)
  const own = enabled ?? sql.ref<number>('accounts.enabled')
  return sql<number>`case when ${own} = 1 and exists ${owner} then 1 else 0 end`
}
