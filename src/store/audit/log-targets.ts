import { sql } from 'kysely'
import type { TargetKind } from '../../model/audit.ts'
import { ACCESS_KEY_LENGTH } from '../../model/credentials.ts'
import type { OrganizationKind } from '../../model/organizations.ts'
import { toFullName } from '../../model/users.ts'
import type { Tx } from '../port.ts'
import { query } from '../raw-query.ts'
import { isInArea, toAreaParameters } from '../tables/areas.ts'
import { isOf, type LogReader } from './log-names.ts'

/** What the target of an entry is. */
export interface LogTarget {
  readonly kind: TargetKind
  readonly id: string
  readonly name: string | null
  /** The user: themself, or whose key it is; null for others. */
  readonly userId: string | null
}

/** An organization as entries show it. */
export interface LogOrganization {
  readonly id: string
  readonly name: string
  readonly kind: OrganizationKind
}

/**
 * Returns the organizations with these ids that the reader may know, deleted ones too, by their ids.
 */
export async function selectLogOrganizations(
  tx: Tx,
  ids: readonly string[],
  { providerPk, reseller }: LogReader,
): Promise<Map<string, LogOrganization>> {
  if (ids.length === 0) return new Map()
  const seen = reseller
    ? isOf(reseller.pk)
    : sql`coalesce(organizations.provider_pk, organizations.pk) = ${providerPk}`
  const rows = await query<LogOrganization>(
    tx,
    sql`select id, name, kind from organizations where id in (${sql.join(ids)}) and ${seen}`,
  )
  return new Map(rows.map((row) => [row.id, row]))
}

/**
 * Returns what the targets of entries are, by the targets: users, organizations, clients and keys that the reader
 * reaches, deleted ones too. Others are left out.
 */
export async function selectTargets(
  tx: Tx,
  targets: readonly string[],
  reader: LogReader,
): Promise<Map<string, LogTarget>> {
  const unique = [...new Set(targets)]
  const keys = unique.filter((one) => one.length === ACCESS_KEY_LENGTH)
  const ids = unique.filter((one) => one.length !== ACCESS_KEY_LENGTH)
  const organizations = await selectLogOrganizations(tx, ids, reader)
  return new Map([
    ...[...organizations].map(([id, { name }]) => [id, of('organization', id, name)] as const),
    ...(await selectClients(tx, ids, reader)),
    ...(await selectUsers(tx, ids, reader)),
    ...(await selectKeys(tx, keys, reader)),
  ])
}

function of(kind: TargetKind, id: string, name: string | null, userId: string | null = null): LogTarget {
  return { kind, id, name, userId }
}

async function selectUsers(
  tx: Tx,
  ids: readonly string[],
  { providerPk, reseller }: LogReader,
): Promise<[string, LogTarget][]> {
  if (ids.length === 0) return []
  const rows = await tx.query((db) =>
    db
      .selectFrom('users')
      .select(['id', 'first_name', 'last_name', 'email'])
      .where('id', 'in', ids)
      .where(isInArea(toAreaParameters({ providerPk, resellerPk: reseller?.pk, ofDeleted: true }))),
  )
  return rows.map((row) => [row.id, of('user', row.id, nameOf(row), row.id)])
}

async function selectKeys(
  tx: Tx,
  keys: readonly string[],
  { providerPk, reseller }: LogReader,
): Promise<[string, LogTarget][]> {
  if (keys.length === 0) return []
  const owners = sql`select access_key, account_pk from credentials where access_key in (${sql.join(keys)})
    union all select access_key, account_pk from removed_keys where access_key in (${sql.join(keys)})`
  const owned = await query<{ access_key: string; user_pk: number }>(
    tx,
    sql`select owner.access_key, accounts.user_pk from (${owners}) as owner
      join accounts on accounts.pk = owner.account_pk`,
  )
  if (owned.length === 0) return []
  const users = await tx.query((db) =>
    db
      .selectFrom('users')
      .select(['pk', 'id', 'first_name', 'last_name', 'email'])
      .where('pk', 'in', [...new Set(owned.map(({ user_pk }) => user_pk))])
      .where(isInArea(toAreaParameters({ providerPk, resellerPk: reseller?.pk, ofDeleted: true }))),
  )
  const byPk = new Map(users.map((user) => [user.pk, user]))
  return owned.flatMap(({ access_key, user_pk }): [string, LogTarget][] => {
    const user = byPk.get(user_pk)
    return user ? [[access_key, of('key', access_key, nameOf(user), user.id)]] : []
  })
}

/** Clients are known to their own organization, and to the provider. */
async function selectClients(
  tx: Tx,
  ids: readonly string[],
  { providerPk, reseller }: LogReader,
): Promise<[string, LogTarget][]> {
  if (ids.length === 0) return []
  const owner = reseller
    ? sql`organizations.pk = ${reseller.pk}`
    : sql`coalesce(organizations.provider_pk, organizations.pk) = ${providerPk}`
  const rows = await query<{ id: string; name: string }>(
    tx,
    sql`select clients.id, clients.name from clients
      join organizations on organizations.pk = clients.organization_pk
      where clients.id in (${sql.join(ids)}) and ${owner}`,
  )
  return rows.map(({ id, name }) => [id, of('client', id, name)])
}

interface Named {
  readonly first_name: string | null
  readonly last_name: string | null
  readonly email: string | null
}

function nameOf({ first_name, last_name, email }: Named): string | null {
  return toFullName({ firstName: first_name, lastName: last_name }) ?? email
}
