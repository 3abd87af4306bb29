import { sql } from 'kysely'
import type { ListedUser } from '../../model/user-lists.ts'
import type { Tx } from '../port.ts'
import { query } from '../raw-query.ts'
import { toKeyList } from '../tables/key-lists.ts'
import { selectMembershipsOf } from '../tables/memberships.ts'
import { toUser, type UserRow } from '../tables/users.ts'

const USER_COLUMNS: readonly (keyof UserRow)[] = [
  'pk',
  'id',
  'organization_pk',
  'provider_pk',
  'reseller_pk',
  'first_name',
  'last_name',
  'email',
  'active',
  'version',
  'created_at',
  'updated_at',
  'deleted_at',
]

const COLUMNS = sql.join(USER_COLUMNS.map((column) => sql.ref(`users.${column}`)))

/** A user with their organization and the reseller in whose context they are. */
type ListedRow = UserRow & {
  readonly owner_id: string
  readonly owner_kind: ListedUser['organization']['kind']
  readonly context_id: string | null
}

/**
 * Returns users with their groups and organizations, in the order of the primary keys. It takes two queries, however
 * many users there are.
 */
export async function selectListedUsers(tx: Tx, pks: readonly number[]): Promise<ListedUser[]> {
  if (pks.length === 0) return []
  const rows = await query<ListedRow>(
    tx,
    sql`select ${COLUMNS}, owner.id as owner_id, owner.kind as owner_kind, context.id as context_id
      from users join organizations as owner on owner.pk = users.organization_pk
      left join organizations as context on context.pk = users.reseller_pk
      where users.pk in (${toKeyList(pks)})`,
  )
  const groups = await selectMembershipsOf(tx, pks)
  const listed = new Map<number, ListedUser>()
  for (const row of rows) {
    const { pk, organization_pk, owner_id: id, owner_kind: kind, context_id } = row
    const resellerId = kind === 'reseller' ? id : context_id
    const organization = { pk: organization_pk, id, kind }
    listed.set(pk, { user: toUser(row), organization, groups: groups.get(pk) ?? [], resellerId })
  }
  return pks.flatMap((pk) => listed.get(pk) ?? [])
}
