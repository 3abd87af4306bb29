import type { ListedUser } from '../../model/user-lists.ts'
import type { Tx } from '../port.ts'
import { selectMembershipsOf } from '../tables/groups.ts'
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
  const groups = await selectMembershipsOf(tx, pks)
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
