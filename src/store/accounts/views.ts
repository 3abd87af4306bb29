import { sql } from 'kysely'
import type { AccountRemoval, InactiveReason, PersonAccount } from '../../model/accounts.ts'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { YES } from './accounts.ts'
import { readCause } from './attempts.ts'

const selectOfUser = statement((db, p: { user: number }) =>
  db
    .selectFrom('accounts')
    .innerJoin('tenants', 'tenants.pk', 'accounts.tenant_pk')
    .innerJoin('users', 'users.pk', 'accounts.user_pk')
    .innerJoin('organizations', 'organizations.pk', 'users.organization_pk')
    .select([
      ...([
        'accounts.pk',
        'accounts.platform',
        'accounts.wanted',
        'accounts.enabled',
        'accounts.active',
      ] as const),
      ...(['accounts.desired_version', 'accounts.applied_version', 'accounts.desired_at'] as const),
      ...(['accounts.parked_at', 'accounts.last_error', 'accounts.canonical_user_id'] as const),
      ...(['accounts.cause', 'accounts.attempts', 'accounts.due_at'] as const),
      ...(['accounts.org_id', 'accounts.org_user_id', 'accounts.username'] as const),
      ...(['tenants.id as tenant_id', 'users.active as user_active', 'users.deleted_at'] as const),
      ...(['organizations.suspended_at', 'organizations.deleted_at as organization_deleted_at'] as const),
    ])
    .select((eb) =>
      eb
        .selectFrom('credentials')
        .select(eb.fn.countAll<number>().as('total'))
        .whereRef('credentials.account_pk', '=', 'accounts.pk')
        .where('credentials.wanted', '=', sql.lit(1))
        .as('credentials'),
    )
    .where('accounts.user_pk', '=', p.user)
    .where((eb) =>
      eb.or([
        eb('accounts.wanted', '=', YES),
        eb('accounts.applied_version', '<', eb.ref('accounts.desired_version')),
      ]),
    )
    .orderBy('accounts.platform'),
)

/**
 * Returns what a user has on platforms, and whether it works, ordered by platform. An account that was removed is among
 * them until its platform has removed it.
 */
export async function selectPersonAccounts(tx: Tx, user: number): Promise<PersonAccount[]> {
  const rows = await tx.all(selectOfUser, { user })
  return rows.map((row) => ({
    pk: row.pk,
    platform: row.platform,
    tenantId: row.tenant_id,
    canonicalUserId: row.canonical_user_id,
    ...toOrgUser(row),
    state: row.wanted === 0 ? 'removed' : row.active === 1 ? 'active' : 'suspended',
    reason: row.wanted === 0 || row.active === 1 ? null : toReason(row),
    platformState:
      row.applied_version >= row.desired_version ? 'applied' : row.parked_at === null ? 'pending' : 'failed',
    error: row.last_error,
    cause: readCause(row.cause),
    attempts: row.attempts,
    dueAt: row.due_at,
    parkedAt: row.parked_at,
    enabled: row.enabled === 1,
    credentials: Number(row.credentials ?? 0),
    changedAt: row.desired_at,
    desiredVersion: row.desired_version,
    appliedVersion: row.applied_version,
  }))
}

interface OrgUser {
  readonly org_id: string
  readonly org_user_id: string
  readonly username: string
}

/** An account without Cloud Director has no org. The id of its user stands in for the other names. */
function toOrgUser({ org_id, org_user_id, username }: OrgUser) {
  if (org_id === '') return { orgId: null, orgUserId: null, username: null }
  return { orgId: org_id, orgUserId: org_user_id, username }
}

interface Owners {
  readonly user_active: number
  readonly deleted_at: string | null
  readonly suspended_at: string | null
  readonly organization_deleted_at: string | null
}

/** Returns the first reason, from the customer down to the account. */
function toReason(row: Owners): InactiveReason {
  if (row.organization_deleted_at !== null) return 'customer_deleted'
  if (row.suspended_at !== null) return 'customer_suspended'
  if (row.deleted_at !== null) return 'user_deleted'
  return row.user_active === 0 ? 'user_suspended' : 'account_suspended'
}

const selectRemovals = statement((db, p: { user: number }) =>
  db
    .selectFrom('accounts')
    .select((eb) => [
      ...(['pk', 'platform', 'canonical_user_id', 'wanted', 'purge', 'desired_at', 'gone_at'] as const),
      ...(['desired_version', 'applied_version', 'last_error', 'cause'] as const),
      eb
        .selectFrom('removed_keys')
        .select(eb.fn.countAll<number>().as('total'))
        .whereRef('removed_keys.account_pk', '=', 'accounts.pk')
        .as('removedKeys'),
      eb
        .selectFrom('credentials')
        .select(eb.fn.countAll<number>().as('total'))
        .whereRef('credentials.account_pk', '=', 'accounts.pk')
        .as('keys'),
    ])
    .where('user_pk', '=', p.user)
    .orderBy('pk'),
)

/** Returns what became of the accounts that a user has, or has had, ordered by primary key. */
export async function selectRemovalsOfUser(tx: Tx, user: number): Promise<AccountRemoval[]> {
  const rows = await tx.all(selectRemovals, { user })
  return rows.map((row) => {
    const isApplied = row.applied_version >= row.desired_version
    const exists = row.wanted === 1
    return {
      pk: row.pk,
      platform: row.platform,
      canonicalUserId: row.canonical_user_id,
      state: exists ? 'kept' : isApplied ? 'removed' : 'removing',
      isPurged: !exists && row.purge === 1,
      toldAt: exists ? null : row.desired_at,
      goneAt: row.gone_at,
      error: row.last_error,
      cause: readCause(row.cause),
      removedKeys: Number(row.removedKeys ?? 0),
      keys: Number(row.keys ?? 0),
    }
  })
}
