import { sql } from 'kysely'
import type { Group } from '../../model/users.ts'
import type { Tx } from '../port.ts'
import { query } from '../raw-query.ts'
import { toKeyList } from './key-lists.ts'

/** Returns the groups of several users, by the primary key of the user. A user in no group has no entry. */
export async function selectMembershipsOf(tx: Tx, users: readonly number[]): Promise<Map<number, Group[]>> {
  const groups = new Map<number, Group[]>()
  if (users.length === 0) return groups
  const rows = await query<{ user: number; group: number }>(
    tx,
    sql`select user_pk as "user", group_pk as "group" from memberships where user_pk in (${toKeyList(users)})`,
  )
  const found = await query<Group>(
    tx,
    sql`select pk, id, name from groups where pk in (${toKeyList([...new Set(rows.map(({ group }) => group))])})
      order by name`,
  )
  const places = new Map(found.map(({ pk }, i) => [pk, i]))
  const placeOf = ({ pk }: Pick<Group, 'pk'>): number => places.get(pk) ?? 0
  for (const { user, group: pk } of rows) {
    const [group, known] = [found[placeOf({ pk })], groups.get(user)]
    if (group && known) known.push(group)
    else if (group) groups.set(user, [group])
  }
  for (const several of groups.values())
    if (several.length > 1) several.sort((one, other) => placeOf(one) - placeOf(other))
  return groups
}
