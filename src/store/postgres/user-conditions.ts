import { type RawBuilder, type SqlBool, sql } from 'kysely'
import { toPattern } from '../conditions.ts'
import type { UserSearch } from '../port.ts'
import { toKeyList } from '../tables/key-lists.ts'

/** A literal, as in the conditions of the indexes. */
export const IS_LISTED = sql<SqlBool>`users.deleted_at is null and users.listed = 1`

/** Returns the condition that users have all words. */
export function haveWords({ words }: Pick<UserSearch, 'words'>): RawBuilder<SqlBool> {
  return and(words.map((word) => sql<SqlBool>`users.name_key like ${toPattern(word)}`))
}

/** Returns the condition that users are in one group of each list. */
export function areInGroups(groups: UserSearch['groups']): RawBuilder<SqlBool> {
  return and(
    groups.map(
      (some) => sql<SqlBool>`exists (select 1 from memberships
        where memberships.user_pk = users.pk and memberships.group_pk in (${toKeyList(some)}))`,
    ),
  )
}

/** Returns the condition that all conditions are met. */
export function and(conditions: readonly RawBuilder<SqlBool>[]): RawBuilder<SqlBool> {
  return sql`(${sql.join([sql`true`, ...conditions], sql` and `)})`
}

/** Returns the members of some groups, whose columns are named as those of `users`. */
export function membersOf(
  groups: readonly number[],
  { providerPk }: Pick<UserSearch, 'providerPk'>,
  areInArea = sql<SqlBool>`true`,
): RawBuilder<unknown> {
  return sql`(select user_pk as pk, user_id as id, name_key, email_key, organization_pk, reseller_pk,
      ${providerPk}::bigint as provider_pk
    from memberships where group_pk in (${toKeyList(groups)}) and name_key is not null and ${areInArea}) as users`
}
