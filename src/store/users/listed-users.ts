import { type SelectQueryBuilder, sql } from 'kysely'
import type { ListedUser } from '../../model/user-lists.ts'
import type { Group } from '../../model/users.ts'
import type { QueryBuilder, Tx } from '../port.ts'
import { queryArrays } from '../raw-query.ts'
import type { Tables } from '../schema.ts'

/** The columns of a user. */
type ListedRow = readonly [
  pk: number,
  id: string,
  organizationPk: number,
  providerPk: number,
  resellerPk: number | null,
  firstName: string | null,
  lastName: string | null,
  email: string | null,
  active: number,
  version: number,
  createdAt: string,
  updatedAt: string,
  deletedAt: string | null,
]

const COLUMNS = [
  'users.pk',
  'users.id',
  'users.organization_pk',
  'users.provider_pk',
  'users.reseller_pk',
  'users.first_name',
  'users.last_name',
  'users.email',
  'users.active',
  'users.version',
  'users.created_at',
  'users.updated_at',
  'users.deleted_at',
] as const

/** Returns users with their groups and organizations, in the order of the primary keys. */
export async function selectListedUsers(tx: Tx, pks: readonly number[]): Promise<ListedUser[]> {
  if (pks.length === 0) return []
  const users = await listFound(tx, (db) => db.selectFrom('users').where(tx.isOneOf('users.pk', pks)))
  const byPk = new Map(users.map((listed) => [listed.user.pk, listed]))
  return pks.flatMap((pk) => byPk.get(pk) ?? [])
}

/**
 * Returns the users that a query finds, with their groups and organizations, in the order of the query. It takes three
 * queries, however many users there are.
 * @param find a query for users that selects nothing yet
 */
export async function listFound(
  tx: Tx,
  find: (db: QueryBuilder) => SelectQueryBuilder<Tables, 'users', object>,
): Promise<ListedUser[]> {
  const found = await tx.queryArrays((db) => find(db).select(COLUMNS))
  const rows = found as unknown[] as ListedRow[]
  if (rows.length === 0) return []
  const [organizations, groups] = await Promise.all([selectOwners(tx, rows), selectGroupsOf(tx, rows)])
  const parts: RowParts = { organizations, groups }
  return rows.map((row) => toListedUser(row, parts))
}

type Owner = ListedUser['organization']

/** What belongs to the users of a page, by primary keys. */
interface RowParts {
  /** The organizations of the users, and the resellers in whose context they are. */
  readonly organizations: ReadonlyMap<number | null, Owner>
  /** The groups of each user who is in one, by name. */
  readonly groups: ReadonlyMap<number, readonly Group[]>
}

async function selectOwners(tx: Tx, rows: readonly ListedRow[]): Promise<RowParts['organizations']> {
  const pks = new Set<number>()
  for (const [, , organizationPk, , resellerPk] of rows) {
    pks.add(organizationPk)
    if (resellerPk !== null) pks.add(resellerPk)
  }
  const found = await queryArrays<[pk: number, id: string, kind: Owner['kind']]>(
    tx,
    sql`select pk, id, kind from organizations where ${tx.isOneOf('pk', [...pks])}`,
  )
  return new Map(found.map(([pk, id, kind]) => [pk, { pk, id, kind }]))
}

async function selectGroupsOf(tx: Tx, rows: readonly ListedRow[]): Promise<RowParts['groups']> {
  const pks = rows.map(([pk]) => pk)
  // One row for each group: a query for each user takes PostgreSQL twice as long (docs/performance.md).
  const found = await queryArrays<[pk: number, id: string, name: string, users: string]>(
    tx,
    sql`select groups.pk, groups.id, groups.name, members.users from (
        select group_pk, string_agg(cast(user_pk as text), ',') as users
        from memberships where ${tx.isOneOf('user_pk', pks)} group by group_pk) as members
      join groups on groups.pk = members.group_pk order by groups.name`,
  )
  const groups = new Map<number, Group[]>()
  for (const [pk, id, name, users] of found) {
    const group = { pk, id, name }
    for (const user of users.split(',').map(Number)) {
      const others = groups.get(user)
      if (others) others.push(group)
      else groups.set(user, [group])
    }
  }
  return groups
}

function toListedUser(row: ListedRow, { organizations, groups }: RowParts): ListedUser {
  const organization = organizations.get(row[2]) as Owner
  return {
    user: {
      pk: row[0],
      id: row[1],
      organizationPk: row[2],
      providerPk: row[3],
      resellerPk: row[4],
      firstName: row[5],
      lastName: row[6],
      email: row[7],
      active: row[8] === 1,
      version: row[9],
      createdAt: row[10],
      updatedAt: row[11],
      deletedAt: row[12],
    },
    organization,
    groups: groups.get(row[0]) ?? [],
    resellerId: organization.kind === 'reseller' ? organization.id : (organizations.get(row[4])?.id ?? null),
  }
}
