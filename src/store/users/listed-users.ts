import type { ListedUser } from '../../model/user-lists.ts'
import type { Group } from '../../model/users.ts'
import type { Tx } from '../port.ts'
import { toUser } from '../tables/users.ts'

/**
 * Returns users with their groups and organizations, in the order of the primary keys. It takes two queries, however
 * many users there are.
 */
export async function selectListedUsers(tx: Tx, pks: readonly number[]): Promise<ListedUser[]> {
  if (pks.length === 0) return []
  const rows = await tx.query((db) =>
    db
      .selectFrom('users')
      .innerJoin('organizations', 'organizations.pk', 'users.organization_pk')
      .leftJoin('organizations as reseller', 'reseller.pk', 'users.reseller_pk')
      .selectAll('users')
      .select(['organizations.id as owner_id', 'organizations.kind as owner_kind'])
      .select('reseller.id as reseller_id')
      .where('users.pk', 'in', pks),
  )
  const groups = await selectGroupsOf(tx, pks)
  const listed = new Map(
    rows.map((row) => {
      const { pk, organization_pk, owner_id: id, owner_kind: kind, reseller_id } = row
      const resellerId = kind === 'reseller' ? id : reseller_id
      const organization = { pk: organization_pk, id, kind }
      return [pk, { user: toUser(row), organization, groups: groups.get(pk) ?? [], resellerId }]
    }),
  )
  return pks.flatMap((pk) => listed.get(pk) ?? [])
}

/** Returns the groups of several users, ordered by name, with the user's primary key as the key. */
async function selectGroupsOf(tx: Tx, users: readonly number[]): Promise<Map<number, Group[]>> {
  const rows = await tx.query((db) =>
    db
      .selectFrom('memberships')
      .innerJoin('groups', 'groups.pk', 'memberships.group_pk')
      .select(['memberships.user_pk as user', 'groups.pk', 'groups.id', 'groups.name'])
      .where('memberships.user_pk', 'in', users)
      .orderBy('groups.name'),
  )
  const groups = new Map<number, Group[]>()
  for (const { user, ...group } of rows) {
    const known = groups.get(user)
    if (known) known.push(group)
    else groups.set(user, [group])
  }
  return groups
}
