import { type Selectable, type SqlBool, sql } from 'kysely'
import type { Account, AccountRole } from '../../model/accounts.ts'
import type { QueryBuilder, Tx } from '../port.ts'
import type { Tables } from '../schema.ts'
import { statement } from '../statement.ts'
import { toActive } from './status.ts'

/**
 * The condition that the customer of an account was not deleted. The accounts of a deleted customer are hidden,
 * although a job still removes them, or they own data and stay on the platform.
 */
export const isOfLiveCustomer = sql<SqlBool>`not exists (
  select 1 from organizations
  where organizations.pk = tenants.organization_pk and organizations.deleted_at is not null)`

interface AccountParams {
  readonly tenant: number
  readonly user: number
  readonly madeUser: number
  readonly platform: string
  readonly canonicalUserId: string
  readonly orgId: string
  readonly orgUserId: string
  readonly username: string
  readonly email: string | null
  readonly role: string
  readonly enabled: number
  readonly attempts: number
  readonly until: string | null
  readonly by: string | null
  readonly now: string
}

const insert = statement((db, p: AccountParams) =>
  db.insertInto('accounts').values({
    provider_pk: db.selectFrom('tenants').select('provider_pk').where('pk', '=', p.tenant),
    tenant_pk: p.tenant,
    user_pk: p.user,
    made_user: p.madeUser,
    platform: p.platform,
    canonical_user_id: p.canonicalUserId,
    org_id: p.orgId,
    org_user_id: p.orgUserId,
    username: p.username,
    email: p.email,
    role: p.role,
    enabled: p.enabled,
    active: toActive(db, p),
    wanted: 1,
    desired_version: 1,
    applied_version: 0,
    attempts: p.attempts,
    leased_until: p.until,
    leased_by: p.by,
    desired_at: p.now,
    due_at: p.now,
    created_at: p.now,
  }),
)

/**
 * Inserts an account and returns its primary key.
 * @throws {ConstraintError} when the Cloud Director user has an account in the tenant, or the user has one on the
 *   platform
 */
export async function insertAccount(
  tx: Tx,
  account: {
    tenant: number
    user: number
    /** Whether the user was created for the account, and is deleted with it. */
    madeUser: boolean
    platform: string
    canonicalUserId: string
    orgId: string
    orgUserId: string
    username: string
    email: string | null
    role: AccountRole
    /** The account's own status. */
    enabled: boolean
    /** Claims the account for its first attempt, as `claimAccount` does. */
    lease?: { readonly until: string; readonly by: string } | undefined
    now: string
  },
): Promise<number> {
  const { lease, ...values } = account
  const flags = { enabled: account.enabled ? 1 : 0, madeUser: account.madeUser ? 1 : 0 }
  const claimed = { attempts: lease ? 1 : 0, until: lease?.until ?? null, by: lease?.by ?? null }
  return (await tx.insert(insert, { ...values, ...flags, ...claimed })) as number
}

/** For the column `wanted`. A literal, because a bound 1 would keep SQLite from using the partial indexes. */
export const YES = sql.lit(1)
/** See `YES`. */
export const NO = sql.lit(0)

/** Values that reset the counts of failed attempts. */
export const RESET_ATTEMPTS = { attempts: 0, own_failures: 0, parked_at: null } as const

/** An account with the ids of its tenant and its user. */
export type AccountRow = Selectable<Tables['accounts']> & {
  tenant_id: string
  user_id: string
  user_email: string | null
}

/** Converts a row to an account of the model. */
export function toAccount(row: AccountRow): Account {
  return {
    pk: row.pk,
    providerPk: row.provider_pk,
    tenantPk: row.tenant_pk,
    tenantId: row.tenant_id,
    userPk: row.user_pk,
    userId: row.user_id,
    platform: row.platform,
    canonicalUserId: row.canonical_user_id,
    orgId: row.org_id,
    orgUserId: row.org_user_id,
    username: row.username,
    // An account without Cloud Director has no e-mail of its own, so it shows that of its user.
    email: row.org_id === '' ? row.user_email : row.email,
    role: row.role as AccountRole,
    enabled: row.enabled === 1,
    active: row.active === 1,
    desiredVersion: row.desired_version,
    appliedVersion: row.applied_version,
    createdAt: row.created_at,
  }
}

/** Starts a query for accounts, with the ids of their tenants and users. */
export function selectAccounts(db: QueryBuilder) {
  return db
    .selectFrom('accounts')
    .innerJoin('tenants', 'tenants.pk', 'accounts.tenant_pk')
    .innerJoin('users', 'users.pk', 'accounts.user_pk')
    .selectAll('accounts')
    .select(['tenants.id as tenant_id', 'users.id as user_id', 'users.email as user_email'])
}

const selectByOrgUser = statement((db, p: { tenant: number; org: string; user: string }) =>
  selectAccounts(db)
    .where('accounts.tenant_pk', '=', p.tenant)
    .where('accounts.org_id', '=', p.org)
    .where('accounts.org_user_id', '=', p.user)
    .where('accounts.wanted', '=', YES),
)

/** Returns the account of a Cloud Director user in a tenant. */
export async function selectAccountOfOrgUser(
  tx: Tx,
  tenant: number,
  orgUser: { orgId: string; id: string },
): Promise<Account | undefined> {
  const row = await tx.get(selectByOrgUser, { tenant, org: orgUser.orgId, user: orgUser.id })
  return row && toAccount(row)
}

const selectBeingRemoved = statement((db, p: { tenant: number; org: string; user: string }) =>
  selectAccounts(db)
    .where('accounts.tenant_pk', '=', p.tenant)
    .where('accounts.org_id', '=', p.org)
    .where('accounts.org_user_id', '=', p.user)
    .where('accounts.wanted', '=', NO)
    .where('accounts.purge', '=', NO)
    .whereRef('accounts.applied_version', '<', 'accounts.desired_version'),
)

/**
 * Returns the account of a Cloud Director user whose removal without purge is running. If it owns data, it will be
 * restored.
 */
export async function selectAccountBeingRemoved(
  tx: Tx,
  tenant: number,
  orgUser: { orgId: string; id: string },
): Promise<Account | undefined> {
  const row = await tx.get(selectBeingRemoved, { tenant, org: orgUser.orgId, user: orgUser.id })
  return row && toAccount(row)
}

const selectByPk = statement((db, p: { pk: number }) => selectAccounts(db).where('accounts.pk', '=', p.pk))

/** Returns the account with this primary key, also if it was removed. */
export async function selectAccountByPk(tx: Tx, pk: number): Promise<Account | undefined> {
  const row = await tx.get(selectByPk, { pk })
  return row && toAccount(row)
}

const selectByUserId = statement((db, p: { provider: number; tenant: string; user: string }) =>
  selectAccounts(db)
    .where('users.id', '=', p.user)
    .where('tenants.id', '=', p.tenant)
    .where('accounts.provider_pk', '=', p.provider)
    .where(isOfLiveCustomer),
)

/** Returns the account of a user in a tenant of the provider; `exists` is false if it was removed. */
export async function selectAccountIncludingRemoved(
  tx: Tx,
  provider: number,
  ids: { tenantId: string; userId: string },
): Promise<{ account: Account; exists: boolean } | undefined> {
  const row = await tx.get(selectByUserId, { provider, tenant: ids.tenantId, user: ids.userId })
  return row && { account: toAccount(row), exists: row.wanted === 1 }
}

/** Returns the account of a user in a tenant of the provider, unless it was removed. */
export async function selectAccount(
  tx: Tx,
  provider: number,
  ids: { tenantId: string; userId: string },
): Promise<Account | undefined> {
  const found = await selectAccountIncludingRemoved(tx, provider, ids)
  return found?.exists ? found.account : undefined
}

const selectOfUserId = statement((db, p: { provider: number; user: string }) =>
  selectAccounts(db)
    .where('users.id', '=', p.user)
    // The sign keeps SQLite from reading all accounts of the provider.
    .where(sql<number>`+${sql.ref('accounts.provider_pk')}`, '=', p.provider)
    .where('accounts.wanted', '=', YES)
    .where(isOfLiveCustomer),
)

/** Returns the accounts of a user: at most one on each platform, in no particular order. */
export async function selectAccountsOfUser(tx: Tx, provider: number, userId: string): Promise<Account[]> {
  return (await tx.all(selectOfUserId, { provider, user: userId })).map(toAccount)
}

const selectByCanonicalId = statement((db, p: { provider: number; canonical: string }) =>
  selectAccounts(db)
    .where('accounts.canonical_user_id', '=', p.canonical)
    .where('accounts.provider_pk', '=', p.provider)
    .where('accounts.wanted', '=', YES)
    .where(isOfLiveCustomer),
)

/** Returns the provider's account with this canonical id. */
export async function selectAccountByCanonicalId(
  tx: Tx,
  provider: number,
  canonical: string,
): Promise<Account | undefined> {
  const row = await tx.get(selectByCanonicalId, { provider, canonical })
  return row && toAccount(row)
}
