import { type ExpressionBuilder, sql } from 'kysely'
import type { Tx } from '../port.ts'
import type { Tables } from '../schema.ts'
import { statement } from '../statement.ts'
import { NO, RESET_ATTEMPTS, YES } from './accounts.ts'
import { deleteContent, updateContentsPlatform } from './contents.ts'
import { toActive } from './status.ts'

/**
 * Returns the columns that every change of the desired state sets: a new version, due at once, without attempts yet.
 */
export function bumpVersion(eb: ExpressionBuilder<Tables, 'accounts'>, now: string) {
  return {
    ...RESET_ATTEMPTS,
    last_error: null,
    cause: null,
    gone_at: null,
    desired_version: eb('desired_version', '+', 1),
    desired_at: now,
    due_at: now,
  }
}

const bump = statement((db, p: { pk: number; now: string }) =>
  db
    .updateTable('accounts')
    .set((eb) => bumpVersion(eb, p.now))
    .where('pk', '=', p.pk),
)

/** Requests that an account is applied again, because its credentials have changed. */
export async function requestApply(tx: Tx, pk: number, now: string): Promise<void> {
  await tx.run(bump, { pk, now })
}

const setEnabled = statement((db, p: { pk: number; enabled: number; now: string }) =>
  db
    .updateTable('accounts')
    .set((eb) => ({
      ...bumpVersion(eb, p.now),
      enabled: p.enabled,
      active: toActive(db, { enabled: p.enabled }),
    }))
    .where('pk', '=', p.pk),
)

/**
 * Sets an account's own status. It works if its person and its customer are active too. Its credentials keep their
 * status.
 */
export async function updateAccountEnabled(
  tx: Tx,
  pk: number,
  change: { enabled: boolean; now: string },
): Promise<void> {
  await tx.run(setEnabled, { pk, enabled: change.enabled ? 1 : 0, now: change.now })
}

const remove = statement((db, p: { pk: number; purge: number; now: string }) =>
  db
    .updateTable('accounts')
    .set((eb) => ({ ...bumpVersion(eb, p.now), wanted: 0, purge: p.purge }))
    .where('pk', '=', p.pk),
)

/**
 * The value of `wanted` in credentials whose account is being removed: they work again if the account turns out to own
 * data.
 */
const HIDDEN = sql.lit(-1)

const hideCredentials = statement((db, p: { account: number }) =>
  db
    .updateTable('credentials')
    .set({ wanted: HIDDEN })
    .where('account_pk', '=', p.account)
    .where('wanted', '=', YES),
)

/** Removes an account, and with `purge` also its data. The row stays, because its ids must not be used again. */
export async function markAccountRemoved(
  tx: Tx,
  pk: number,
  removal: { purge: boolean; now: string },
): Promise<void> {
  await tx.run(remove, { pk, purge: removal.purge ? 1 : 0, now: removal.now })
  await tx.run(hideCredentials, { account: pk })
}

const selectOfUser = statement((db, p: { user: number }) =>
  db.selectFrom('accounts').select('pk').where('user_pk', '=', p.user).where('wanted', '=', YES),
)

const disableRemoved = statement((db, p: { user: number }) =>
  db.updateTable('accounts').set({ enabled: NO }).where('user_pk', '=', p.user).where('wanted', '=', NO),
)

const dropHiddenCredentials = statement((db, p: { user: number }) =>
  db
    .updateTable('credentials')
    .set({ wanted: 0 })
    .where('account_pk', 'in', (eb) =>
      eb.selectFrom('accounts').select('accounts.pk').where('accounts.user_pk', '=', p.user),
    )
    .where('wanted', '=', HIDDEN),
)

/**
 * Removes all accounts of a user who is deleted, but no data. An account that owns data will come back suspended and
 * without keys, also if the user is restored before the platform finds the data. Also takes the keys of accounts whose
 * removal had begun.
 */
export async function markAccountsOfUserRemoved(tx: Tx, user: number, now: string): Promise<void> {
  for (const { pk } of await tx.all(selectOfUser, { user }))
    await markAccountRemoved(tx, pk, { purge: false, now })
  await tx.run(disableRemoved, { user })
  await tx.run(dropHiddenCredentials, { user })
}

const removeOfTenant = statement((db, p: { tenant: number; now: string }) =>
  db
    .updateTable('accounts')
    .set((eb) => ({ ...bumpVersion(eb, p.now), wanted: 0, purge: 1 }))
    .where('tenant_pk', '=', p.tenant)
    .where((eb) => eb.or([eb('wanted', '=', YES), eb('applied_version', '<', eb.ref('desired_version'))])),
)

const hideCredentialsOfTenant = statement((db, p: { tenant: number }) =>
  db
    .updateTable('credentials')
    .set({ wanted: HIDDEN })
    .where('tenant_pk', '=', p.tenant)
    .where('wanted', '=', YES),
)

/** Removes all accounts of a tenant, and their data. */
export async function markAccountsOfTenantRemoved(tx: Tx, tenant: number, now: string): Promise<void> {
  await tx.run(removeOfTenant, { tenant, now })
  await tx.run(hideCredentialsOfTenant, { tenant })
}

const restore = statement((db, p: { pk: number; now: string }) =>
  db
    .updateTable('accounts')
    .set((eb) => ({ ...bumpVersion(eb, p.now), wanted: 1, leased_until: null, active: toActive(db) }))
    .where('pk', '=', p.pk)
    .where('wanted', '=', NO)
    .where('purge', '=', NO),
)

const showCredentials = statement((db, p: { account: number }) =>
  db
    .updateTable('credentials')
    .set({ wanted: 1 })
    .where('account_pk', '=', p.account)
    .where('wanted', '=', HIDDEN),
)

/**
 * Restores an account whose removal found data that must not be deleted.
 * @returns false if a purge was requested meanwhile, so the account is not restored
 * @throws {ConstraintError} when its Cloud Director user has got another account meanwhile
 */
export async function markAccountRestored(tx: Tx, pk: number, now: string): Promise<boolean> {
  if ((await tx.run(restore, { pk, now })) === 0) return false
  await tx.run(showCredentials, { account: pk })
  return true
}

const selectGone = statement((db, p: { pk: number }) =>
  db.selectFrom('accounts').select('pk').where('pk', '=', p.pk).where('wanted', '=', NO),
)

const deleteCredentials = statement((db, p: { account: number }) =>
  db.deleteFrom('credentials').where('account_pk', '=', p.account),
)

const markGone = statement((db, p: { pk: number; now: string }) =>
  db.updateTable('accounts').set({ gone_at: p.now }).where('pk', '=', p.pk),
)

const deleteMadeUser = statement((db, p: { account: number; now: string }) =>
  db
    .updateTable('users')
    .set((eb) => ({ version: eb('version', '+', 1), deleted_at: p.now, updated_at: p.now }))
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
 * Deletes the credentials of an account that the platform no longer has. Also deletes the user that was created for
 * the account, unless the user has been changed since. The account's row stays, so that its ids are never used again.
 * Does nothing if the person was given the account again meanwhile.
 */
export async function deleteRemovedAccount(tx: Tx, pk: number, now: string): Promise<void> {
  if (!(await tx.get(selectGone, { pk }))) return
  await tx.run(markGone, { pk, now })
  await tx.run(deleteCredentials, { account: pk })
  await deleteContent(tx, pk)
  await tx.run(deleteMadeUser, { account: pk, now })
}

const deleteApplied = statement((db, p: { account: number }) =>
  db
    .deleteFrom('credentials')
    .where('account_pk', '=', p.account)
    .where('wanted', '=', NO)
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

/**
 * Deletes the removed credentials of an account, if its desired state is applied and the platform no longer has them.
 */
export async function deleteRemovedCredentials(tx: Tx, account: number): Promise<void> {
  await tx.run(deleteApplied, { account })
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

/** Returns the primary keys of a tenant's accounts whose desired state is not applied, oldest first. */
export async function selectUnappliedAccounts(tx: Tx, tenant: number, limit: number): Promise<number[]> {
  return (await tx.all(selectUnapplied, { tenant, limit })).map((row) => row.pk)
}

const setPlatform = statement((db, p: { tenant: number; platform: string; now: string }) =>
  db
    .updateTable('accounts')
    .set((eb) => ({ ...bumpVersion(eb, p.now), platform: p.platform, applied_version: 0 }))
    .where('tenant_pk', '=', p.tenant)
    .where('wanted', '=', YES),
)
const setPlatformOfRemoved = statement((db, p: { tenant: number; platform: string }) =>
  db
    .updateTable('accounts')
    .set({ platform: p.platform })
    .where('tenant_pk', '=', p.tenant)
    .where('wanted', '=', NO),
)

/** Puts all accounts of a tenant on another platform. Those that exist are applied there anew. */
export async function updateAccountsPlatform(
  tx: Tx,
  tenant: number,
  { platform, now }: { platform: string; now: string },
): Promise<void> {
  await tx.run(setPlatform, { tenant, platform, now })
  await tx.run(setPlatformOfRemoved, { tenant, platform })
  await updateContentsPlatform(tx, tenant, platform)
}

const selectOneOfTenant = statement((db, p: { tenant: number }) =>
  db
    .selectFrom('accounts')
    .select('pk')
    .where('tenant_pk', '=', p.tenant)
    .where('wanted', '=', YES)
    .limit(sql.lit(1)),
)

/** Returns whether a tenant has an account, or an account whose removal is not finished: it may still find data. */
export async function hasAccounts(tx: Tx, tenant: number): Promise<boolean> {
  if (await tx.get(selectOneOfTenant, { tenant })) return true
  return (await selectUnappliedAccounts(tx, tenant, 1)).length > 0
}

const selectAllOfTenant = statement((db, p: { tenant: number }) =>
  db.selectFrom('accounts').select('pk').where('tenant_pk', '=', p.tenant).where('wanted', '=', YES),
)

/**
 * Removes accounts that were created while their tenant was being deleted. The tenant's row is not locked, so that
 * creates in one tenant do not wait for each other.
 * @returns the number of accounts
 */
export async function markLateAccountsRemoved(
  tx: Tx,
  tenant: number,
  removal: { purge: boolean; now: string },
): Promise<number> {
  const late = await tx.all(selectAllOfTenant, { tenant })
  for (const { pk } of late) await markAccountRemoved(tx, pk, removal)
  return late.length
}
