import type { ExpressionBuilder } from 'kysely'
import type { Tx } from '../port.ts'
import type { Tables } from '../schema.ts'
import { statement } from '../statement.ts'
import { RESET_ATTEMPTS, YES } from './accounts.ts'
import { bumpVersion, markAccountRemoved } from './changes.ts'
import { toActive } from './status.ts'

/** An account whose desired state the platform has. */
interface AppliedAccount {
  readonly pk: number
  /** Whether the account was applied for the first time. */
  readonly isFirst: boolean
  readonly now: string
}

/** What all leases of a process have in common. */
export interface LeaseTerms {
  /** Names the process, which makes one attempt at a time. */
  readonly by: string
  /** How long a lease lasts, in milliseconds. */
  readonly ms: number
}

/** The exclusive right of a process to reconcile an account, from now until a time. Times are ISO 8601. */
export interface Lease {
  readonly now: string
  readonly until: string
  readonly by: string
}

/** An account and the process that claimed it. Once another process has the lease, this one stores no result. */
export interface Claimed {
  readonly pk: number
  readonly by: string
}

/**
 * Matches accounts that this process may claim: no other process has a lease. A process may take over its own lease,
 * because its earlier attempt has ended.
 */
function isFree(eb: ExpressionBuilder<Tables, 'accounts'>, { now, by }: Pick<Lease, 'now' | 'by'>) {
  return eb.or([eb('leased_until', 'is', null), eb('leased_until', '<', now), eb('leased_by', '=', by)])
}

// The condition is part of the update, so that of two concurrent claims only one succeeds.
const claim = statement((db, p: Lease & { pk: number }) =>
  db
    .updateTable('accounts')
    .set((eb) => ({ leased_until: p.until, leased_by: p.by, attempts: eb('attempts', '+', 1) }))
    .where('pk', '=', p.pk)
    .whereRef('applied_version', '<', 'desired_version')
    .where((eb) => isFree(eb, p)),
)

/**
 * Claims an account for one attempt.
 * @returns false if the desired state is applied, or another process has a lease of the account
 */
export async function claimAccount(tx: Tx, pk: number, lease: Lease): Promise<boolean> {
  return (await tx.run(claim, { pk, ...lease })) === 1
}

const dropAllLeases = statement((db) =>
  db
    .updateTable('accounts')
    .set({ leased_until: null, leased_by: null })
    .where('leased_until', 'is not', null),
)

/** Ends all leases. To be used only if no other process uses the store. */
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

/** Returns the primary keys of accounts that are due and can be claimed; the account that waits longest comes first. */
export async function selectDueAccounts(
  tx: Tx,
  due: Pick<Lease, 'now' | 'by'> & { limit: number },
): Promise<number[]> {
  return (await tx.all(selectDue, due)).map((row) => row.pk)
}

const markApplied = statement((db, p: Claimed & { version: number }) =>
  db
    .updateTable('accounts')
    .set((eb) => ({
      ...RESET_ATTEMPTS,
      applied_version: p.version,
      applied_at: eb
        .case()
        .when('desired_version', '=', p.version)
        .then(eb.ref('desired_at'))
        .else(eb.ref('applied_at'))
        .end(),
      leased_until: null,
      leased_by: null,
      last_error: null,
      cause: null,
    }))
    .where('pk', '=', p.pk)
    .where('leased_by', '=', p.by)
    .where('applied_version', '<', p.version),
)

/** Records that the platform has the state of this version. If the desired version is newer, the account stays due. */
export async function markAccountApplied(tx: Tx, claimed: Claimed, version: number): Promise<void> {
  await tx.run(markApplied, { ...claimed, version })
}

const selectLate = statement((db, p: { pk: number }) =>
  db
    .selectFrom('accounts')
    .innerJoin('tenants', 'tenants.pk', 'accounts.tenant_pk')
    .select((eb) => [
      'tenants.deleted_at as tenantDeletedAt',
      eb.case().when('accounts.active', '<>', toActive(db)).then(1).else(0).end().as('differs'),
    ])
    .where('accounts.pk', '=', p.pk)
    .where('accounts.wanted', '=', YES),
)

const followOne = statement((db, p: { pk: number; now: string }) =>
  db
    .updateTable('accounts')
    .set((eb) => ({ ...bumpVersion(eb, p.now), active: toActive(db) }))
    .where('pk', '=', p.pk)
    .where('wanted', '=', YES),
)

/** Returns a lease that starts now. */
export function newLease({ by, ms }: LeaseTerms, now: Date): Lease {
  return { now: now.toISOString(), until: new Date(now.getTime() + ms).toISOString(), by }
}

/**
 * Lets an account that was applied follow what happened meanwhile to its person, its customer and its tenant. A unit that
 * changes the account does not lock their rows, so that accounts do not wait for each other: on PostgreSQL it may miss a
 * suspension of the customer at the same moment, and the suspension may miss the account. A new account whose tenant was
 * deleted is removed: it cannot own data yet.
 */
export async function settleApplied(tx: Tx, { pk, isFirst, now }: AppliedAccount): Promise<void> {
  const found = await tx.get(selectLate, { pk })
  if (!found) return
  if (isFirst && found.tenantDeletedAt !== null) await markAccountRemoved(tx, pk, { purge: false, now })
  else if (found.differs === 1) await tx.run(followOne, { pk, now })
}

/** The failed attempts since the desired state last changed or was applied. */
export interface Failures {
  readonly attempts: number
  /** The attempts that failed while the platform was healthy. */
  readonly ownFailures: number
  /** When the account was parked, ISO 8601; null if it is not parked. */
  readonly parkedAt: string | null
  /** The desired version, and when it was wanted, ISO 8601. */
  readonly version: number
  readonly changedAt: string
}

const selectFailures = statement((db, p: { pk: number }) =>
  db
    .selectFrom('accounts')
    .select(['attempts', 'own_failures as ownFailures', 'parked_at as parkedAt'])
    .select(['desired_version as version', 'desired_at as changedAt'])
    .where('pk', '=', p.pk),
)

/** Returns the failures of an account; zeros if there is no such account. */
export async function selectFailureCounts(tx: Tx, pk: number): Promise<Failures> {
  const none = { attempts: 0, ownFailures: 0, parkedAt: null, version: 0, changedAt: '' }
  return (await tx.get(selectFailures, { pk })) ?? none
}

interface Failure {
  readonly error: string
  /** As `formatCause` returns it. */
  readonly cause: string
  /** When the next attempt is due, ISO 8601. */
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
      cause: p.cause,
      due_at: p.dueAt,
      own_failures: p.ownFailures,
      parked_at: p.parkedAt,
    })
    .where('pk', '=', p.pk)
    .where('leased_by', '=', p.by),
)

/**
 * Records why an attempt failed, and when the next one is due.
 * @returns false, with nothing recorded, if another process has claimed the account meanwhile
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

/** Ends the lease of an interrupted attempt. The attempt is counted, because the platform may have carried it out. */
export async function releaseAccount(tx: Tx, claimed: Claimed): Promise<void> {
  await tx.run(release, claimed)
}
