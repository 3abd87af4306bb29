import { type SelectQueryBuilder, sql } from 'kysely'
import type { ListedUser } from '../../model/user-lists.ts'
import type { Group } from '../../model/users.ts'
import type { QueryBuilder, Tx } from '../port.ts'
import { query, queryArrays } from '../raw-query.ts'
import type { Tables } from '../schema.ts'

/** The columns of a user, and the primary keys of their groups with commas between. */
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
  groups: string | null,
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

const GROUPS = sql<string | null>`(select string_agg(cast(group_pk as text), ',') from memberships
  where user_pk = users.pk)`.as('groups')

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
  const found = await tx.queryArrays((db) => find(db).select(COLUMNS).select(GROUPS))
  const rows = found as unknown[] as ListedRow[]
  if (rows.length === 0) return []
  const parts: RowParts = {
    organizations: await selectOwners(tx, rows),
    groups: await selectSetsOfGroups(tx, new Set(rows.map((row) => row[13]))),
  }
  return rows.map((row) => toListedUser(row, parts))
}

type Owner = ListedUser['organization']

/** What users of a page share. Each is looked up once. */
interface RowParts {
  /** By primary key: the organizations of the users, and the resellers in whose context they are. */
  readonly organizations: ReadonlyMap<number | null, Owner>
  /** The groups by name, for each set of primary keys. */
  readonly groups: ReadonlyMap<string | null, readonly Group[]>
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

async function selectSetsOfGroups(tx: Tx, sets: ReadonlySet<string | null>): Promise<RowParts['groups']> {
  const pksOf = (set: string | null): number[] => set?.split(',').map(Number) ?? []
  const pks = new Set([...sets].flatMap(pksOf))
  if (pks.size === 0) return new Map()
  const groups = await query<Group>(
    tx,
    sql`select pk, id, name from groups where ${tx.isOneOf('pk', [...pks])} order by name`,
  )
  return new Map(
    [...sets].map((set) => {
      const members = new Set(pksOf(set))
      return [set, groups.filter(({ pk }) => members.has(pk))]
    }),
  )
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
    groups: groups.get(row[13]) ?? [],
    resellerId: organization.kind === 'reseller' ? organization.id : (organizations.get(row[4])?.id ?? null),
  }
}
