import { type SqlBool, sql } from 'kysely'
import type { OrganizationKind } from '../../model/organizations.ts'
import type { Group, User } from '../../model/users.ts'
import type { Tx } from '../port.ts'
import type { LiveAt } from './sessions.ts'
import { toUser } from './users.ts'

/** Which people a list has: those of one organization, or those of all resellers of a provider. */
export type PeopleArea = { readonly organizationPk: number } | { readonly resellersOf: number }

/** Where a person is in the order of a list: by the name of the organization, then by their own. */
export interface PersonPosition {
  readonly ownerKey: string
  readonly ownerPk: number
  readonly nameKey: string
  readonly id: string
}

/** A person of a list. */
export interface ListedPerson {
  readonly user: User
  readonly organization: { readonly id: string; readonly name: string; readonly kind: OrganizationKind }
  readonly position: PersonPosition
}

/** What a page of people has. */
interface PeoplePage {
  /** The primary keys of the groups that let people enter. */
  readonly groups: readonly number[]
  /** Only the user with this id. */
  readonly only?: string | undefined
  readonly after?: PersonPosition | undefined
  readonly limit: number
}

/** Returns live users of an area who are in one of some groups, suspended ones too, at most `limit`. */
export async function selectPeoplePage(
  tx: Tx,
  area: PeopleArea,
  { groups, only, after, limit }: PeoplePage,
): Promise<ListedPerson[]> {
  if (groups.length === 0) return []
  const rows = await tx.query((db) =>
    db
      .selectFrom('organizations as owner')
      .innerJoin('users', 'users.organization_pk', 'owner.pk')
      .selectAll('users')
      .select(['owner.id as ownerId', 'owner.name as ownerName', 'owner.kind as ownerKind'])
      .select((eb) => [eb.ref('owner.name_key').as('ownerKey'), eb.ref('owner.pk').as('ownerPk')])
      .where('owner.deleted_at', 'is', null)
      .where(toAreaSql(area))
      .where('users.deleted_at', 'is', null)
      // A literal, as in the condition of the index.
      .where(sql<SqlBool>`users.listed = 1`)
      .where(sql<SqlBool>`exists (select 1 from memberships
        where memberships.user_pk = users.pk and memberships.group_pk in (${sql.join(groups)}))`)
      .$if(only !== undefined, (query) => query.where('users.id', '=', only ?? ''))
      .$if(after !== undefined, (query) => query.where(toAfterSql(after as PersonPosition)))
      .orderBy('owner.name_key')
      .orderBy('owner.pk')
      .orderBy('users.name_key')
      .orderBy('users.id')
      .limit(limit),
  )
  return rows.map(({ ownerId, ownerName, ownerKind, ownerKey, ownerPk, ...row }) => ({
    user: toUser(row),
    organization: { id: ownerId, name: ownerName, kind: ownerKind },
    position: { ownerKey, ownerPk, nameKey: row.name_key, id: row.id },
  }))
}

function toAreaSql(area: PeopleArea) {
  if ('organizationPk' in area) return sql<SqlBool>`owner.pk = ${area.organizationPk}`
  return sql<SqlBool>`owner.provider_pk = ${area.resellersOf} and owner.kind = 'reseller'`
}

/** The first term lets an engine begin in the index; the tuple alone is of two tables. */
function toAfterSql({ ownerKey, ownerPk, nameKey, id }: PersonPosition) {
  return sql<SqlBool>`owner.name_key >= ${ownerKey} and (owner.name_key > ${ownerKey} or owner.pk > ${ownerPk}
    or (owner.pk = ${ownerPk} and (users.name_key, users.id) > (${nameKey}, ${id})))`
}

/** How a person enters the console. */
export interface PersonAccess {
  readonly groups: readonly Group[]
  readonly issuers: readonly string[]
  /** Until when the longest of their unused links is good, ISO 8601; null for none. */
  readonly linkUntil: string | null
  readonly sessions: number
  /** When a session that there still is was last used; null for none. */
  readonly seenAt: string | null
}

/** Returns how people enter the console, by the primary keys of their users. */
export async function selectAccessOf(
  tx: Tx,
  pks: readonly number[],
  { now, idleSince }: LiveAt,
): Promise<(pk: number) => PersonAccess> {
  if (pks.length === 0) return () => NO_ACCESS
  const groups = await selectGroupsOf(tx, pks)
  const issuers = await tx.query((db) =>
    db.selectFrom('identities').select(['user_pk', 'issuer']).distinct().where('user_pk', 'in', pks),
  )
  const links = await tx.query((db) =>
    db
      .selectFrom('sign_in_links')
      .select(['user_pk', (eb) => eb.fn.max('expires_at').as('until')])
      .where('user_pk', 'in', pks)
      .where('used_at', 'is', null)
      .where('expires_at', '>', now)
      .groupBy('user_pk'),
  )
  const sessions = await tx.query((db) =>
    db
      .selectFrom('sessions')
      .select(['user_pk', (eb) => eb.fn.countAll().as('count'), (eb) => eb.fn.max('seen_at').as('seen')])
      .where('user_pk', 'in', pks)
      .where('expires_at', '>', now)
      .where('seen_at', '>', idleSince)
      .groupBy('user_pk'),
  )
  return (pk) => ({
    groups: groups.filter((row) => row.user_pk === pk).map(({ pk, id, name }) => ({ pk, id, name })),
    issuers: issuers.filter((row) => row.user_pk === pk).map(({ issuer }) => issuer),
    linkUntil: links.find((row) => row.user_pk === pk)?.until ?? null,
    sessions: Number(sessions.find((row) => row.user_pk === pk)?.count ?? 0),
    seenAt: sessions.find((row) => row.user_pk === pk)?.seen ?? null,
  })
}

function selectGroupsOf(tx: Tx, pks: readonly number[]) {
  return tx.query((db) =>
    db
      .selectFrom('memberships')
      .innerJoin('groups', 'groups.pk', 'memberships.group_pk')
      .select(['memberships.user_pk', 'groups.pk', 'groups.id', 'groups.name'])
      .where('memberships.user_pk', 'in', pks)
      .where('groups.organization_pk', 'is', null)
      .orderBy('groups.name'),
  )
}

const NO_ACCESS: PersonAccess = { groups: [], issuers: [], linkUntil: null, sessions: 0, seenAt: null }
