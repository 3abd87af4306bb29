import { sql } from 'kysely'
import { foldEmail } from '../../model/email.ts'
import type { Organization } from '../../model/organizations.ts'
import type { Group, User } from '../../model/users.ts'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { selectOrganizationByPk } from './organizations.ts'
import { toUser } from './users.ts'

const selectByPk = statement((db, p: { pk: number }) =>
  db.selectFrom('users').selectAll().where('pk', '=', p.pk),
)

/** Returns the user with this primary key, deleted or not. */
export async function selectUserByPk(tx: Tx, pk: number): Promise<User | undefined> {
  const row = await tx.get(selectByPk, { pk })
  return row && toUser(row)
}

const providerGroups = statement((db, p: { user: number }) =>
  db
    .selectFrom('memberships')
    .innerJoin('groups', 'groups.pk', 'memberships.group_pk')
    .select(['groups.pk', 'groups.id', 'groups.name'])
    .where('memberships.user_pk', '=', p.user)
    .where('groups.organization_pk', 'is', null)
    .orderBy('groups.name'),
)

/** A user with what decides whether they may enter the console. */
export interface PersonRow {
  readonly user: User
  readonly organization: Organization
  /** The groups of the provider that they are in. Groups of one organization give no permission. */
  readonly groups: readonly Group[]
}

/** Returns a live, active user of a provider or a reseller that was not deleted. */
export async function selectPerson(tx: Tx, userPk: number): Promise<PersonRow | undefined> {
  const user = await selectUserByPk(tx, userPk)
  if (!user?.active || user.deletedAt !== null) return undefined
  const organization = await selectOrganizationByPk(tx, user.organizationPk)
  if (!organization || organization.kind === 'customer') return undefined
  return { user, organization, groups: await tx.all(providerGroups, { user: userPk }) }
}

/** The most organizations in which one person is looked for. */
const MAX_ORGANIZATIONS = 100

const selectByEmail = statement((db, p: { emailKey: string }) =>
  db
    .selectFrom('users')
    .innerJoin('organizations', 'organizations.pk', 'users.organization_pk')
    .select('users.pk')
    .where('users.email_key', '=', p.emailKey)
    .where('users.deleted_at', 'is', null)
    .where('organizations.deleted_at', 'is', null)
    .where('organizations.kind', 'in', ['provider', 'reseller'])
    .orderBy('organizations.kind')
    .orderBy('users.pk')
    .limit(sql.lit(MAX_ORGANIZATIONS)),
)

/**
 * Returns the primary keys of live users of providers and resellers with an e-mail, compared without case; those of
 * providers first.
 */
export async function selectPeopleByEmail(tx: Tx, email: string): Promise<number[]> {
  const rows = await tx.all(selectByEmail, { emailKey: foldEmail(email) })
  return rows.map(({ pk }) => pk)
}
