import { type ExpressionBuilder, type Selectable, sql } from 'kysely'
import type { Account, AccountRole } from '../../model/accounts.ts'
import type { QueryBuilder, Tx } from '../port.ts'
import type { Tables } from '../schema.ts'
import { statement } from '../statement.ts'

/** A bound 1 would keep SQLite from using the indexes of accounts that are wanted. */
export const WANTED = sql.lit(1)

/** An account that begins to be tried anew: what was counted of earlier attempts is over. */
export const FIRST_ATTEMPT = { attempts: 0, own_failures: 0, parked_at: null } as const

export type AccountRow = Selectable<Tables['accounts']> & { tenant_id: string; user_id: string }

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
    email: row.email,
    role: row.role as AccountRole,
    active: row.active === 1,
    desiredVersion: row.desired_version,
    appliedVersion: row.applied_version,
    createdAt: row.created_at,
  }
}

const insert = statement(
  (
    db,
    p: {
      tenant: number
      user: number
      madeUser: number
      platform: string
      canonicalUserId: string
      orgId: string
      orgUserId: string
      username: string
      email: string | null
      role: string
      active: number
      attempts: number
      until: string | null
      by: string | null
      now: string
    },
  ) =>
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
      active: p.active,
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
 * Answers the new account's key.
 * @throws {ConstraintError} when the Cloud Director user has an account in the tenant, or the user has one on the platform
 */
export async function insertAccount(
  tx: Tx,
  account: {
    tenant: number
    user: number
    /** Whether the user was made with the account, and goes with it. */
    madeUser: boolean
    platform: string
    canonicalUserId: string
    orgId: string
    orgUserId: string
    username: string
    email: string | null
    role: AccountRole
    active: boolean
    /** Claims the account for its first attempt, as `claimAccount` does. */
    lease?: Pick<Lease, 'until' | 'by'> | undefined
    now: string
  },
): Promise<number> {
  const { lease, ...values } = account
  const flags = { active: account.active ? 1 : 0, madeUser: account.madeUser ? 1 : 0 }
  const claimed = { attempts: lease ? 1 : 0, until: lease?.until ?? null, by: lease?.by ?? null }
  return (await tx.insert(insert, { ...values, ...flags, ...claimed })) as number
}

/** Accounts with the ids of their tenants and users. */
export function selectAccounts(db: QueryBuilder) {
  return db
    .selectFrom('accounts')
    .innerJoin('tenants', 'tenants.pk', 'accounts.tenant_pk')
    .innerJoin('users', 'users.pk', 'accounts.user_pk')
    .selectAll('accounts')
    .select(['tenants.id as tenant_id', 'users.id as user_id'])
}

const selectByOrgUser = statement((db, p: { tenant: number; org: string; user: string }) =>
  selectAccounts(db)
    .where('accounts.tenant_pk', '=', p.tenant)
    .where('accounts.org_id', '=', p.org)
    .where('accounts.org_user_id', '=', p.user)
    .where('accounts.wanted', '=', WANTED),
)

/** The account of a Cloud Director user in a tenant. */
export async function selectAccountOfOrgUser(
  tx: Tx,
  tenant: number,
  orgUser: { orgId: string; id: string },
): Promise<Account | undefined> {
  const row = await tx.get(selectByOrgUser, { tenant, org: orgUser.orgId, user: orgUser.id })
  return row && toAccount(row)
}

const selectByUserId = statement((db, p: { provider: number; tenant: string; user: string }) =>
  selectAccounts(db)
    .where('users.id', '=', p.user)
    .where('tenants.id', '=', p.tenant)
    .where('accounts.provider_pk', '=', p.provider),
)

/** The account of a user in a tenant of the provider, or what is left of one whose removal is not finished. */
export async function selectAccountIncludingRemoved(
  tx: Tx,
  provider: number,
  ids: { tenantId: string; userId: string },
): Promise<{ account: Account; wanted: boolean } | undefined> {
  const row = await tx.get(selectByUserId, { provider, tenant: ids.tenantId, user: ids.userId })
  return row && { account: toAccount(row), wanted: row.wanted === 1 }
}

/** The account of a user in a tenant of the provider. */
export async function selectAccount(
  tx: Tx,
  provider: number,
  ids: { tenantId: string; userId: string },
): Promise<Account | undefined> {
  const found = await selectAccountIncludingRemoved(tx, provider, ids)
  return found?.wanted ? found.account : undefined
}

const selectOfUserId = statement((db, p: { provider: number; user: string }) =>
  selectAccounts(db)
    .where('users.id', '=', p.user)
    .where('accounts.provider_pk', '=', p.provider)
    .where('accounts.wanted', '=', WANTED),
)

/** The accounts of the provider whose user has this id: at most one on each platform, in no order. */
export async function selectAccountsOfUser(tx: Tx, provider: number, userId: string): Promise<Account[]> {
  return (await tx.all(selectOfUserId, { provider, user: userId })).map(toAccount)
}

const selectByCanonicalId = statement((db, p: { provider: number; canonical: string }) =>
  selectAccounts(db)
    .where('accounts.canonical_user_id', '=', p.canonical)
    .where('accounts.provider_pk', '=', p.provider)
    .where('accounts.wanted', '=', WANTED),
)

/** The account of the provider that its platform shows under this id. */
export async function selectAccountByCanonicalId(
  tx: Tx,
  provider: number,
  canonical: string,
): Promise<Account | undefined> {
  const row = await tx.get(selectByCanonicalId, { provider, canonical })
  return row && toAccount(row)
}

const selectByPk = statement((db, p: { pk: number }) => selectAccounts(db).where('accounts.pk', '=', p.pk))

export async function selectAccountByPk(tx: Tx, pk: number): Promise<Account | undefined> {
  const row = await tx.get(selectByPk, { pk })
  return row && toAccount(row)
}

/** An account with what the reconciler needs to know of it beside. */
export async function selectAccountToReconcile(
  tx: Tx,
  pk: number,
): Promise<
  | {
      account: Account
      wanted: boolean
      purge: boolean
      dueAt: string
      lastError: string | null
    }
  | undefined
> {
  const row = await tx.get(selectByPk, { pk })
  if (!row) return undefined
  const { due_at: dueAt, last_error: lastError } = row
  const [wanted, purge] = [row.wanted === 1, row.purge === 1]
  return { account: toAccount(row), wanted, purge, dueAt, lastError }
}

const selectOfUser = statement((db, p: { user: number; platform: string }) =>
  db.selectFrom('accounts').select('pk').where('user_pk', '=', p.user).where('platform', '=', p.platform),
)

/** Whether a user has, or once had, an account on a platform. */
export async function hasAccount(tx: Tx, user: number, platform: string): Promise<boolean> {
  return (await tx.get(selectOfUser, { user, platform })) !== undefined
}

// One claim at a time wins: the condition stands in the statement that takes the lease.
const claim = statement((db, p: Lease & { pk: number }) =>
  db
    .updateTable('accounts')
    .set((eb) => ({ leased_until: p.until, leased_by: p.by, attempts: eb('attempts', '+', 1) }))
    .where('pk', '=', p.pk)
    .whereRef('applied_version', '<', 'desired_version')
    .where((eb) => isFree(eb, p)),
)

/** What each lease of a process has in common. */
export interface LeaseTerms {
  /** The process, which makes one attempt at a time. */
  readonly by: string
  /** How long a lease lasts, in milliseconds. */
  readonly ms: number
}

/** Returns a lease that starts now. */
export function newLease({ by, ms }: LeaseTerms, now: Date): Lease {
  return { now: now.toISOString(), until: new Date(now.getTime() + ms).toISOString(), by }
}

/** The right to reconcile an account, taken now by a process, until a time. */
export interface Lease {
  readonly now: string
  readonly until: string
  /** Names the process, which makes one attempt at a time. */
  readonly by: string
}

/** Nobody else has the account. A process is not hindered by a lease of its own, left over from an attempt that has ended. */
function isFree(eb: ExpressionBuilder<Tables, 'accounts'>, { now, by }: Pick<Lease, 'now' | 'by'>) {
  return eb.or([eb('leased_until', 'is', null), eb('leased_until', '<', now), eb('leased_by', '=', by)])
}

/** Takes the right to reconcile an account. Answers false when it is applied, or somebody else has it. */
export async function claimAccount(tx: Tx, pk: number, lease: Lease): Promise<boolean> {
  return (await tx.run(claim, { pk, ...lease })) === 1
}

const dropAllLeases = statement((db) =>
  db
    .updateTable('accounts')
    .set({ leased_until: null, leased_by: null })
    .where('leased_until', 'is not', null),
)

/** Ends the leases of processes that are gone. Only for a store that one process has to itself. */
export async function dropLeases(tx: Tx): Promise<void> {
  await tx.run(dropAllLeases, {})
}

const selectDue = statement((db, p: Pick<Lease, 'now' | 'by'> & { limit: number }) =>
  db
    .selectFrom('accounts')
    .select('pk')
    .whereRef('applied_version', '<', 'desired_version')
    .where('due_at', '<=', p.now)
    .where((eb) => isFree(eb, p))
    .orderBy('due_at')
    .orderBy('pk')
    .limit(p.limit),
)

/** Accounts that wait to be reconciled, are due, and may be claimed, the longest waiting first. */
export async function selectDueAccounts(
  tx: Tx,
  due: Pick<Lease, 'now' | 'by'> & { limit: number },
): Promise<number[]> {
  return (await tx.all(selectDue, due)).map((row) => row.pk)
}

/** An account and who has claimed it. Once the lease has gone to somebody else, nothing is recorded. */
export interface Claimed {
  readonly pk: number
  readonly by: string
}

const markApplied = statement((db, p: Claimed & { version: number }) =>
  db
    .updateTable('accounts')
    .set({
      ...FIRST_ATTEMPT,
      applied_version: p.version,
      leased_until: null,
      leased_by: null,
      last_error: null,
    })
    .where('pk', '=', p.pk)
    .where('leased_by', '=', p.by)
    .where('applied_version', '<', p.version),
)

/** Records that the platform has the state of a version. A newer wanted version stays to be applied. */
export async function markAccountApplied(tx: Tx, claimed: Claimed, version: number): Promise<void> {
  await tx.run(markApplied, { ...claimed, version })
}

/** How attempts have failed since the wanted state last changed or was applied. */
export interface Failures {
  readonly attempts: number
  /** How many of them failed while the platform was well. */
  readonly ownFailures: number
  /** Since when it is parked; null when it is not. */
  readonly parkedAt: string | null
}

const selectFailures = statement((db, p: { pk: number }) =>
  db
    .selectFrom('accounts')
    .select(['attempts', 'own_failures as ownFailures', 'parked_at as parkedAt'])
    .where('pk', '=', p.pk),
)

export async function selectFailureCounts(tx: Tx, pk: number): Promise<Failures> {
  return (await tx.get(selectFailures, { pk })) ?? { attempts: 0, ownFailures: 0, parkedAt: null }
}

interface Failure {
  readonly error: string
  readonly dueAt: string
  readonly ownFailures: number
  readonly parkedAt: string | null
}

const markFailed = statement((db, p: Claimed & Failure) =>
  db
    .updateTable('accounts')
    .set({
      leased_until: null,
      leased_by: null,
      last_error: p.error,
      due_at: p.dueAt,
      own_failures: p.ownFailures,
      parked_at: p.parkedAt,
    })
    .where('pk', '=', p.pk)
    .where('leased_by', '=', p.by),
)

/**
 * Keeps why an attempt failed, and when the next one is due.
 * @returns false when somebody else has the account by now, and nothing was recorded
 */
export async function markAccountFailed(tx: Tx, claimed: Claimed, failure: Failure): Promise<boolean> {
  return (await tx.run(markFailed, { ...claimed, ...failure })) === 1
}

const release = statement((db, p: Claimed) =>
  db
    .updateTable('accounts')
    .set({ leased_until: null, leased_by: null })
    .where('pk', '=', p.pk)
    .where('leased_by', '=', p.by),
)

/** Gives an account back that was claimed and not attempted to the end. The attempt counts: it may have been carried out. */
export async function releaseAccount(tx: Tx, claimed: Claimed): Promise<void> {
  await tx.run(release, claimed)
}
