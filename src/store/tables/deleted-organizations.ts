import { sql } from 'kysely'
import { markAccountRemoved } from '../accounts/changes.ts'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'

// What a deleted organization leaves behind, for the job that removes it in small steps.

const deleteClients = statement((db, p: { organization: number; now: string }) =>
  db
    .updateTable('clients')
    .set({ deleted_at: p.now, secret_hash: null, previous_secrets: null })
    .where('organization_pk', '=', p.organization)
    .where('deleted_at', 'is', null),
)

/** Marks the clients of an organization as deleted, and deletes their secrets. Returns how many. */
export async function markClientsOfOrganizationDeleted(
  tx: Tx,
  organization: number,
  now: string,
): Promise<number> {
  return tx.run(deleteClients, { organization, now })
}

const deletePortals = statement((db, p: { organization: number }) =>
  db.deleteFrom('portals').where('organization_pk', '=', p.organization),
)

/** Deletes the portals of an organization. */
export async function deletePortalsOfOrganization(tx: Tx, organization: number): Promise<void> {
  await tx.run(deletePortals, { organization })
}

const selectTenants = statement((db, p: { organization: number }) =>
  db
    .selectFrom('tenants')
    .select(['pk', 'id', 'deleted_at as deletedAt'])
    .where('organization_pk', '=', p.organization)
    .orderBy('pk'),
)

/** Returns the tenants of an organization, deleted ones included. */
export async function selectTenantsOfOrganization(
  tx: Tx,
  organization: number,
): Promise<{ readonly pk: number; readonly id: string; readonly deletedAt: string | null }[]> {
  return tx.all(selectTenants, { organization })
}

// Users are in one of two indexes: users_of_organization, or users_unlisted for those that no list has yet. A query
// that uses neither reads the users of all organizations.

const countListed = statement((db, p: { organization: number }) =>
  db
    .selectFrom('users')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('organization_pk', '=', p.organization)
    .where('deleted_at', 'is', null)
    .where('listed', '=', sql.lit(1)),
)

const countUnlisted = statement((db, p: { organization: number }) =>
  db
    .selectFrom('users')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('pk', 'in', (eb) =>
      eb.selectFrom('users as tail').select('tail.pk').where('tail.listed', '=', sql.lit(0)),
    )
    .where('organization_pk', '=', p.organization)
    .where('deleted_at', 'is', null),
)

const countAccounts = statement((db, p: { organization: number }) =>
  db
    .selectFrom('account_totals')
    .select((eb) => eb.fn.coalesce(eb.fn.sum<number>('total'), sql.lit(0)).as('count'))
    .where('tenant_pk', 'in', (eb) =>
      eb.selectFrom('tenants').select('tenants.pk').where('organization_pk', '=', p.organization),
    ),
)

/** Counts the users and the accounts of an organization that were not deleted. */
export async function countContents(
  tx: Tx,
  organization: number,
): Promise<{ users: number; accounts: number }> {
  const listed = await tx.get(countListed, { organization })
  const unlisted = await tx.get(countUnlisted, { organization })
  const accounts = await tx.get(countAccounts, { organization })
  const users = Number(listed?.count ?? 0) + Number(unlisted?.count ?? 0)
  return { users, accounts: Number(accounts?.count ?? 0) }
}

const selectAccounts = statement((db, p: { organization: number; after: number; limit: number }) =>
  db
    .selectFrom('accounts')
    .innerJoin('tenants', 'tenants.pk', 'accounts.tenant_pk')
    .innerJoin('users', 'users.pk', 'accounts.user_pk')
    .select(['accounts.pk', 'accounts.platform', 'tenants.id as tenantId', 'users.id as userId'])
    .where('tenants.organization_pk', '=', p.organization)
    .where('accounts.wanted', '=', sql.lit(1))
    .where('accounts.pk', '>', p.after)
    .orderBy('accounts.pk')
    .limit(p.limit),
)

/** An account by the ids by which callers know it. */
export interface NamedAccount {
  readonly pk: number
  readonly platform: string
  readonly tenantId: string
  readonly userId: string
}

/** Returns the accounts of an organization that were not removed, with a higher primary key than `after`, in order. */
export async function selectAccountsOfOrganization(
  tx: Tx,
  organization: number,
  page: { after: number; limit: number },
): Promise<NamedAccount[]> {
  return tx.all(selectAccounts, { organization, ...page })
}

/**
 * Removes some accounts of an organization.
 * @returns how many, and the primary key after which to continue; null if there are no more
 */
export async function markAccountsOfOrganizationRemoved(
  tx: Tx,
  organization: number,
  page: { after: number; limit: number; purge: boolean; now: string },
): Promise<{ removed: number; next: number | null }> {
  const { after, limit, purge, now } = page
  const some = await selectAccountsOfOrganization(tx, organization, { after, limit })
  for (const { pk } of some) await markAccountRemoved(tx, pk, { purge, now })
  return { removed: some.length, next: some.length < limit ? null : (some.at(-1)?.pk ?? null) }
}

const countPending = statement((db, p: { organization: number }) =>
  db
    .selectFrom('accounts')
    .innerJoin('tenants', 'tenants.pk', 'accounts.tenant_pk')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('tenants.organization_pk', '=', p.organization)
    .whereRef('accounts.applied_version', '<', 'accounts.desired_version'),
)

/** Counts the accounts of an organization whose desired state the platform does not have yet. */
export async function countPendingAccounts(tx: Tx, organization: number): Promise<number> {
  return Number((await tx.get(countPending, { organization }))?.count ?? 0)
}

const selectListed = statement((db, p: { organization: number; limit: number }) =>
  db
    .selectFrom('users')
    .select('pk')
    .where('organization_pk', '=', p.organization)
    .where('deleted_at', 'is', null)
    .where('listed', '=', sql.lit(1))
    .orderBy('name_key')
    .orderBy('id')
    .limit(p.limit),
)

const selectUnlisted = statement((db, p: { organization: number; limit: number }) =>
  db
    .selectFrom('users')
    .select('pk')
    .where('pk', 'in', (eb) =>
      eb.selectFrom('users as tail').select('tail.pk').where('tail.listed', '=', sql.lit(0)),
    )
    .where('organization_pk', '=', p.organization)
    .where('deleted_at', 'is', null)
    .limit(p.limit),
)

/** Returns some users of an organization that were not deleted. */
export async function selectUsersOfOrganization(
  tx: Tx,
  organization: number,
  limit: number,
): Promise<number[]> {
  const listed = await tx.all(selectListed, { organization, limit })
  const found = listed.length > 0 ? listed : await tx.all(selectUnlisted, { organization, limit })
  return found.map(({ pk }) => pk)
}

const clearContexts = statement((db, p: { reseller: number; limit: number; now: string }) =>
  db
    .updateTable('users')
    .set((eb) => ({ reseller_pk: null, version: eb('version', '+', 1), updated_at: p.now }))
    .where('pk', 'in', (eb) =>
      eb
        .selectFrom('users')
        .select('users.pk')
        .where('reseller_pk', '=', p.reseller)
        .orderBy('organization_pk')
        .orderBy('users.pk')
        .limit(p.limit),
    ),
)

/** Takes some users out of the context of a reseller, deleted ones included. Returns how many. */
export async function clearSomeContexts(
  tx: Tx,
  reseller: number,
  { limit, now }: { limit: number; now: string },
): Promise<number> {
  return tx.run(clearContexts, { reseller, limit, now })
}

const deleteRelations = statement((db, p: { reseller: number }) =>
  db.deleteFrom('customer_resellers').where('reseller_pk', '=', p.reseller),
)

/**
 * Deletes the relations of a reseller, with their internal identifiers. Returns how many.
 * @throws {ConstraintError} when a user was created in the context of the reseller meanwhile
 */
export async function deleteRelationsOfReseller(tx: Tx, reseller: number): Promise<number> {
  return tx.run(deleteRelations, { reseller })
}
