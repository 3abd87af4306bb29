import { sql } from 'kysely'
import type { Group } from '../../model/users.ts'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'

const groupsOfProvider = statement((db, p: { provider: number }) =>
  db
    .selectFrom('groups')
    .select(['pk', 'id', 'name'])
    .where('provider_pk', '=', p.provider)
    .where('organization_pk', 'is', null)
    .orderBy('name'),
)

/** Returns the groups that all organizations of a provider share, ordered by name. */
export async function selectGroups(tx: Tx, provider: number): Promise<Group[]> {
  return tx.all(groupsOfProvider, { provider })
}

const insert = statement((db, p: { id: string; provider: number; name: string; now: string }) =>
  db
    .insertInto('groups')
    .values({ id: p.id, provider_pk: p.provider, name: p.name, created_at: p.now, updated_at: p.now }),
)

/** Inserts a group of a provider. */
export async function insertGroup(
  tx: Tx,
  group: { id: string; provider: number; name: string; now: string },
): Promise<void> {
  await tx.run(insert, group)
}

/** Inserts the row of a membership. */
export const insertMembership = statement((db, p: { user: number; group: number }) =>
  db.insertInto('memberships').values({ user_pk: p.user, group_pk: p.group }),
)

/** Adds a user to groups. */
async function insertMemberships(tx: Tx, user: number, groups: readonly Group[]): Promise<void> {
  for (const group of groups) await tx.run(insertMembership, { user, group: group.pk })
}

const deleteMemberships = statement((db, p: { user: number }) =>
  db.deleteFrom('memberships').where('user_pk', '=', p.user),
)

/** Puts a user in these groups, and removes the user from all others. */
export async function replaceMemberships(tx: Tx, user: number, groups: readonly Group[]): Promise<void> {
  await tx.run(deleteMemberships, { user })
  await insertMemberships(tx, user, groups)
  await tx.run(copyListed, { user })
}

const copyListed = statement((db, p: { user: number }) =>
  db
    .updateTable('memberships')
    .set((eb) => ({ listed: eb.selectFrom('users').select('users.listed').where('users.pk', '=', p.user) }))
    .where('user_pk', '=', p.user),
)

const groupsOfUser = statement((db, p: { user: number }) =>
  db
    .selectFrom('memberships')
    .innerJoin('groups', 'groups.pk', 'memberships.group_pk')
    .select(['groups.pk', 'groups.id', 'groups.name'])
    .where('memberships.user_pk', '=', p.user)
    .orderBy('groups.name'),
)

/** Returns the groups of a user, ordered by name. */
export async function selectMemberships(tx: Tx, user: number): Promise<Group[]> {
  return tx.all(groupsOfUser, { user })
}

/**
 * Returns the primary keys of the live, active users of an organization who are in a group of the provider.
 * @param group.name one of `GROUP_NAMES`
 * @param page.limit the most users to return
 */
export async function selectActiveMembers(
  tx: Tx,
  group: { provider: number; name: string },
  page: { organization: number; limit: number },
): Promise<number[]> {
  const members: number[] = []
  // Each of the two indexes of live users has a part of them.
  for (const listed of [1, 0]) {
    const limit = page.limit - members.length
    if (limit > 0) members.push(...(await selectMembers(tx, group, { ...page, listed, limit })))
  }
  return members
}

async function selectMembers(
  tx: Tx,
  group: { provider: number; name: string },
  { organization, listed, limit }: { organization: number; listed: number; limit: number },
): Promise<number[]> {
  const rows = await tx.query((db) =>
    db
      .selectFrom('users')
      .innerJoin('memberships', 'memberships.user_pk', 'users.pk')
      .innerJoin('groups', 'groups.pk', 'memberships.group_pk')
      .select('users.pk')
      .where('users.organization_pk', '=', organization)
      .where('users.deleted_at', 'is', null)
      .$if(listed === 1, (query) => query.where('users.listed', '=', sql.lit(1)))
      // SQLite would read all users of the store for the few that no list has yet.
      .$if(listed === 0, (query) =>
        query.where('users.pk', 'in', (eb) =>
          eb.selectFrom('users as tail').select('tail.pk').where('tail.listed', '=', sql.lit(0)),
        ),
      )
      .where('users.active', '=', 1)
      .where('groups.provider_pk', '=', group.provider)
      .where('groups.organization_pk', 'is', null)
      .where('groups.name', '=', group.name)
      .limit(sql.lit(limit)),
  )
  return rows.map(({ pk }) => pk)
}
