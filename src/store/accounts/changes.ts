import { type ExpressionBuilder, sql } from 'kysely'
import type { Tx } from '../port.ts'
import type { Tables } from '../schema.ts'
import { statement } from '../statement.ts'
import { FIRST_ATTEMPT, WANTED } from './accounts.ts'

/** What every change of the wanted state does beside: a new version, to be applied at once, with its own attempts. */
function raised(eb: ExpressionBuilder<Tables, 'accounts'>, now: string) {
  return {
    ...FIRST_ATTEMPT,
    last_error: null,
    desired_version: eb('desired_version', '+', 1),
    desired_at: now,
    due_at: now,
  }
}

const raise = statement((db, p: { pk: number; now: string }) =>
  db
    .updateTable('accounts')
    .set((eb) => raised(eb, p.now))
    .where('pk', '=', p.pk),
)

/** Wants an account applied anew, after its credentials have changed. */
export async function requestApply(tx: Tx, pk: number, now: string): Promise<void> {
  await tx.run(raise, { pk, now })
}

const setActive = statement((db, p: { pk: number; active: number; now: string }) =>
  db
    .updateTable('accounts')
    .set((eb) => ({ ...raised(eb, p.now), active: p.active }))
    .where('pk', '=', p.pk),
)

/** Wants an account active or suspended. The status of each of its credentials stays what it is. */
export async function updateAccountActive(
  tx: Tx,
  pk: number,
  change: { active: boolean; now: string },
): Promise<void> {
  await tx.run(setActive, { pk, active: change.active ? 1 : 0, now: change.now })
}

const remove = statement((db, p: { pk: number; purge: number; now: string }) =>
  db
    .updateTable('accounts')
    .set((eb) => ({ ...raised(eb, p.now), wanted: 0, purge: p.purge }))
    .where('pk', '=', p.pk),
)

const hideCredentials = statement((db, p: { account: number }) =>
  db
    .updateTable('credentials')
    .set({ wanted: -1 })
    .where('account_pk', '=', p.account)
    .where('wanted', '=', WANTED),
)

/** Wants an account gone; with `purge` its data too. */
export async function markAccountRemoved(
  tx: Tx,
  pk: number,
  removal: { purge: boolean; now: string },
): Promise<void> {
  await tx.run(remove, { pk, purge: removal.purge ? 1 : 0, now: removal.now })
  await tx.run(hideCredentials, { account: pk })
}

const selectOfUser = statement((db, p: { user: number }) =>
  db.selectFrom('accounts').select('pk').where('user_pk', '=', p.user).where('wanted', '=', WANTED),
)

/** Wants every account of a user gone, but no data. */
export async function markAccountsOfUserRemoved(tx: Tx, user: number, now: string): Promise<void> {
  for (const { pk } of await tx.all(selectOfUser, { user }))
    await markAccountRemoved(tx, pk, { purge: false, now })
}

const removeOfTenant = statement((db, p: { tenant: number; now: string }) =>
  db
    .updateTable('accounts')
    .set((eb) => ({ ...raised(eb, p.now), wanted: 0, purge: 1 }))
    .where('tenant_pk', '=', p.tenant)
    .where((eb) => eb.or([eb('wanted', '=', WANTED), eb('applied_version', '<', eb.ref('desired_version'))])),
)

const hideCredentialsOfTenant = statement((db, p: { tenant: number }) =>
  db
    .updateTable('credentials')
    .set({ wanted: -1 })
    .where('tenant_pk', '=', p.tenant)
    .where('wanted', '=', WANTED),
)

/** Wants every account of a tenant gone, and its data too. */
export async function markAccountsOfTenantRemoved(tx: Tx, tenant: number, now: string): Promise<void> {
  await tx.run(removeOfTenant, { tenant, now })
  await tx.run(hideCredentialsOfTenant, { tenant })
}

// A user who was deleted must not come back to life with the account: it stays suspended, and keeps the data.
const restore = statement((db, p: { pk: number; now: string }) =>
  db
    .updateTable('accounts')
    .set((eb) => ({
      ...raised(eb, p.now),
      wanted: 1,
      leased_until: null,
      active: eb
        .case()
        .when(
          eb.exists(
            eb
              .selectFrom('users')
              .select('users.pk')
              .whereRef('users.pk', '=', 'accounts.user_pk')
              .where('users.deleted_at', 'is not', null),
          ),
        )
        .then(sql.lit(0))
        .else(eb.ref('active'))
        .end(),
    }))
    .where('pk', '=', p.pk)
    .where('wanted', '=', sql.lit(0))
    .where('purge', '=', sql.lit(0)),
)

const showCredentials = statement((db, p: { account: number }) =>
  db
    .updateTable('credentials')
    .set({ wanted: 1 })
    .where('account_pk', '=', p.account)
    .where('wanted', '=', sql.lit(-1)),
)

/**
 * Wants an account back whose removal met data that nobody said to remove.
 * @returns false when its data is to be removed by now
 * @throws {ConstraintError} when its Cloud Director user has another account by now
 */
export async function markAccountRestored(tx: Tx, pk: number, now: string): Promise<boolean> {
  if ((await tx.run(restore, { pk, now })) === 0) return false
  await tx.run(showCredentials, { account: pk })
  return true
}

const deleteCredentials = statement((db, p: { account: number }) =>
  db.deleteFrom('credentials').where('account_pk', '=', p.account),
)

const deleteMadeUser = statement((db, p: { account: number; now: string }) =>
  db
    .updateTable('users')
    .set({ deleted_at: p.now, updated_at: p.now })
    .where('pk', '=', (eb) =>
      eb
        .selectFrom('accounts')
        .select('accounts.user_pk')
        .where('accounts.pk', '=', p.account)
        .where('accounts.made_user', '=', sql.lit(1)),
    )
    .where('deleted_at', 'is', null)
    .whereRef('updated_at', '=', 'created_at')
    .where((eb) =>
      eb.not(
        eb.exists(
          eb.selectFrom('memberships').select('user_pk').whereRef('memberships.user_pk', '=', 'users.pk'),
        ),
      ),
    ),
)

/**
 * Forgets what belonged to an account that the platform no longer has: its secrets, and the user that was made for
 * its sake, unless somebody has changed that user since. The row stays: its ids are never given to another.
 */
export async function deleteRemovedAccount(tx: Tx, pk: number, now: string): Promise<void> {
  await tx.run(deleteCredentials, { account: pk })
  await tx.run(deleteMadeUser, { account: pk, now })
}

const deleteForgotten = statement((db, p: { account: number }) =>
  db
    .deleteFrom('credentials')
    .where('account_pk', '=', p.account)
    .where('wanted', '=', sql.lit(0))
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('accounts')
          .select('accounts.pk')
          .where('accounts.pk', '=', p.account)
          .whereRef('accounts.applied_version', '>=', 'accounts.desired_version'),
      ),
    ),
)

/** Forgets the deleted credentials of an account, if the platform has all that is wanted, and so no longer has them. */
export async function deleteRemovedCredentials(tx: Tx, account: number): Promise<void> {
  await tx.run(deleteForgotten, { account })
}

const selectUnapplied = statement((db, p: { tenant: number; limit: number }) =>
  db
    .selectFrom('accounts')
    .select('pk')
    .where('tenant_pk', '=', p.tenant)
    .whereRef('applied_version', '<', 'desired_version')
    .orderBy('pk')
    .limit(p.limit),
)

/** Accounts of a tenant whose wanted state has not been applied. */
export async function selectUnappliedAccounts(tx: Tx, tenant: number, limit: number): Promise<number[]> {
  return (await tx.all(selectUnapplied, { tenant, limit })).map((row) => row.pk)
}

const selectWantedOfTenant = statement((db, p: { tenant: number }) =>
  db
    .selectFrom('accounts')
    .select('pk')
    .where('tenant_pk', '=', p.tenant)
    .where('wanted', '=', WANTED)
    .limit(sql.lit(1)),
)

/** Whether a tenant has an account, or one whose removal is not finished and might yet meet data. */
export async function hasAccounts(tx: Tx, tenant: number): Promise<boolean> {
  if (await tx.get(selectWantedOfTenant, { tenant })) return true
  return (await selectUnappliedAccounts(tx, tenant, 1)).length > 0
}

const selectAllWantedOfTenant = statement((db, p: { tenant: number }) =>
  db.selectFrom('accounts').select('pk').where('tenant_pk', '=', p.tenant).where('wanted', '=', WANTED),
)

/**
 * Wants those accounts gone, too, that were given to a tenant by somebody who did not see its deletion yet. Nothing
 * locks a tenant against the two: that would let creates in one tenant wait for each other.
 * @returns how many
 */
export async function markLateAccountsRemoved(
  tx: Tx,
  tenant: number,
  removal: { purge: boolean; now: string },
): Promise<number> {
  const late = await tx.all(selectAllWantedOfTenant, { tenant })
  for (const { pk } of late) await markAccountRemoved(tx, pk, removal)
  return late.length
}

const selectLate = statement((db, p: { pk: number }) =>
  db
    .selectFrom('accounts')
    .innerJoin('tenants', 'tenants.pk', 'accounts.tenant_pk')
    .select('accounts.pk')
    .where('accounts.pk', '=', p.pk)
    .where('accounts.wanted', '=', WANTED)
    .where('tenants.deleted_at', 'is not', null),
)

/** The same for one account, when its tenant has been deleted. Nobody has put data into it yet. */
export async function markLateAccountRemoved(tx: Tx, pk: number, now: string): Promise<void> {
  if (await tx.get(selectLate, { pk })) await markAccountRemoved(tx, pk, { purge: false, now })
}

const selectBeingRemoved = statement((db, p: { tenant: number; org: string; user: string }) =>
  db
    .selectFrom('accounts')
    .select('pk')
    .where('tenant_pk', '=', p.tenant)
    .where('org_id', '=', p.org)
    .where('org_user_id', '=', p.user)
    .where('wanted', '=', sql.lit(0))
    .where('purge', '=', sql.lit(0))
    .whereRef('applied_version', '<', 'desired_version'),
)

/** Whether an account of a Cloud Director user is being removed that would come back if it owned data. */
export async function isBeingRemoved(
  tx: Tx,
  tenant: number,
  orgUser: { orgId: string; id: string },
): Promise<boolean> {
  return (await tx.get(selectBeingRemoved, { tenant, org: orgUser.orgId, user: orgUser.id })) !== undefined
}
