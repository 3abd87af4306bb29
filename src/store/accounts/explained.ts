import { sql } from 'kysely'
import type { Cause } from '../../model/causes.ts'
import type { AccountPolicy } from '../../model/tenants.ts'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { readCause } from './attempts.ts'

/** An account with everything that decides whether it works. Times are ISO 8601. */
export interface ExplainedAccount {
  readonly pk: number
  readonly platform: string
  readonly tenantId: string
  readonly canonicalUserId: string
  /** What its secrets are bound to; see `credentialIdentity`. */
  readonly userId: string
  /** Whether Cloud Director knows it. */
  readonly isNamed: boolean
  /** False if it was removed. */
  readonly exists: boolean
  readonly purge: boolean
  readonly enabled: boolean
  readonly desiredVersion: number
  readonly appliedVersion: number
  /** When the desired state last changed. */
  readonly changedAt: string
  readonly attempts: number
  readonly parkedAt: string | null
  readonly dueAt: string
  readonly error: string | null
  readonly cause: Cause | null
  /** What it stores, as it was last read; null if it was not read yet. */
  readonly content: {
    readonly usedBytes: number
    readonly quotaBytes: number | null
    readonly readAt: string | null
  } | null
}

const selectOfUser = statement((db, p: { user: number }) =>
  db
    .selectFrom('accounts')
    .innerJoin('tenants', 'tenants.pk', 'accounts.tenant_pk')
    .innerJoin('users', 'users.pk', 'accounts.user_pk')
    .leftJoin('contents', 'contents.account_pk', 'accounts.pk')
    .selectAll('accounts')
    .select(['tenants.id as tenant_id', 'users.id as user_id'])
    .select(['contents.used_bytes', 'contents.quota_bytes', 'contents.read_at'])
    .where('accounts.user_pk', '=', p.user)
    .orderBy('accounts.wanted', 'desc')
    .orderBy('accounts.pk'),
)

/** Returns the accounts that a user has or had, at most one on each platform: those that exist first. */
export async function selectExplainedAccounts(tx: Tx, user: number): Promise<ExplainedAccount[]> {
  const rows = await tx.all(selectOfUser, { user })
  return rows.map((row) => ({
    pk: row.pk,
    platform: row.platform,
    tenantId: row.tenant_id,
    canonicalUserId: row.canonical_user_id,
    userId: row.user_id,
    isNamed: row.org_id !== '',
    exists: row.wanted === 1,
    purge: row.purge === 1,
    enabled: row.enabled === 1,
    desiredVersion: row.desired_version,
    appliedVersion: row.applied_version,
    changedAt: row.desired_at,
    attempts: row.attempts,
    parkedAt: row.parked_at,
    dueAt: row.due_at,
    error: row.last_error,
    cause: readCause(row.cause),
    content:
      row.used_bytes === null
        ? null
        : { usedBytes: row.used_bytes, quotaBytes: row.quota_bytes, readAt: row.read_at },
  }))
}

const selectPlace = statement((db, p: { organization: number }) =>
  db
    .selectFrom('tenants')
    .select(['id', 'platform', 'accounts'])
    .select((eb) =>
      eb
        .selectFrom('tenant_orgs')
        .select(eb.fn.countAll<number>().as('orgs'))
        .whereRef('tenant_orgs.tenant_pk', '=', 'tenants.pk')
        .as('orgs'),
    )
    .where('organization_pk', '=', p.organization)
    .where('deleted_at', 'is', null)
    .orderBy('pk')
    .limit(sql.lit(1)),
)

/** The tenant of a customer, and how many Cloud Director orgs are mapped to it. */
export interface ExplainedTenant {
  readonly id: string
  readonly platform: string
  readonly accounts: AccountPolicy
  readonly orgs: number
}

/** Returns the oldest tenant of an organization; undefined if it has none. */
export async function selectExplainedTenant(
  tx: Tx,
  organization: number,
): Promise<ExplainedTenant | undefined> {
  const row = await tx.get(selectPlace, { organization })
  return row && { ...row, orgs: Number(row.orgs ?? 0) }
}
