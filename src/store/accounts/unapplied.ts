import type { CauseCount, UnappliedAccount, UnappliedState } from '../../model/backlog.ts'
import { parseCause } from '../../model/causes.ts'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { RESET_ATTEMPTS } from './accounts.ts'
import { readCause } from './attempts.ts'

/** The most accounts that one call looks at. If few of them match, a page is short although there are more. */
const MAX_EXAMINED = 5_000
/** The most accounts that are counted for one cause. */
const MAX_COUNTED = 5_000

/** Which unapplied accounts of a provider a list has. Members that are left out match any. */
export interface UnappliedFilter {
  /** The primary keys of the provider and of a tenant. */
  readonly provider: number
  readonly tenant?: number | undefined
  readonly state?: UnappliedState | undefined
  /** As `formatCause` returns it, or a code alone. */
  readonly cause?: string | undefined
}

/** A place in the list: failed accounts come first, by primary key; then those that wait, the oldest first. */
export interface UnappliedPlace {
  readonly waits: boolean
  readonly pk: number
  /** For accounts that wait: when the account is due, ISO 8601. */
  readonly dueAt: string
}

/** The place before the first account. */
export const UNAPPLIED_START: UnappliedPlace = { waits: false, pk: 0, dueAt: '' }

/** A part of the list. */
export interface UnappliedPart {
  readonly pks: readonly number[]
  /** Where the next part begins; null after the last one. */
  readonly next: UnappliedPlace | null
}

/** Returns the primary keys of the next unapplied accounts that match, at most `limit`. */
export async function selectUnapplied(
  tx: Tx,
  filter: UnappliedFilter,
  page: { readonly from: UnappliedPlace; readonly limit: number },
): Promise<UnappliedPart> {
  const { from, limit } = page
  const { state, cause } = filter
  const waits = state === 'waiting' || from.waits
  if (!waits) {
    const failed = await selectPart(tx, filter, page)
    if (failed.next || state !== undefined || cause !== undefined) return failed
    // An account that waits has no cause.
    const rest = { from: { waits: true, pk: 0, dueAt: '' }, limit: limit - failed.pks.length }
    if (rest.limit === 0) return { pks: failed.pks, next: rest.from }
    const waiting = await selectPart(tx, filter, rest)
    return { pks: [...failed.pks, ...waiting.pks], next: waiting.next }
  }
  if (cause !== undefined || (state !== undefined && state !== 'waiting')) return { pks: [], next: null }
  return selectPart(tx, filter, { from: { ...from, waits: true }, limit })
}

interface Row {
  readonly pk: number
  readonly provider: number
  readonly cause: string | null
  readonly parkedAt: string | null
  readonly dueAt: string
}

/** Looks at the next failed or waiting accounts, and returns those that match. */
async function selectPart(
  tx: Tx,
  filter: UnappliedFilter,
  { from, limit }: { readonly from: UnappliedPlace; readonly limit: number },
): Promise<UnappliedPart> {
  const rows = from.waits ? await selectWaiting(tx, filter, from) : await selectFailed(tx, filter, from)
  const pks: number[] = []
  for (const row of rows) {
    if (!matches(row, filter, from.waits)) continue
    if (pks.length === limit) return { pks, next: placeAfter(rows, pks.at(-1) ?? 0, from) }
    pks.push(row.pk)
  }
  const isEnd = rows.length < MAX_EXAMINED
  return { pks, next: isEnd ? null : placeAfter(rows, rows.at(-1)?.pk ?? 0, from) }
}

function placeAfter(rows: readonly Row[], pk: number, { waits }: UnappliedPlace): UnappliedPlace {
  return { waits, pk, dueAt: waits ? (rows.find((row) => row.pk === pk)?.dueAt ?? '') : '' }
}

function matches({ provider, cause, parkedAt }: Row, filter: UnappliedFilter, waits: boolean): boolean {
  if (provider !== filter.provider) return false
  if (waits) return cause === null
  if (filter.state === 'parked' && parkedAt === null) return false
  if (filter.state === 'failing' && parkedAt !== null) return false
  return (
    filter.cause === undefined || cause === filter.cause || cause?.startsWith(`${filter.cause}:`) === true
  )
}

const COLUMNS = [
  'pk',
  'provider_pk as provider',
  'cause',
  'parked_at as parkedAt',
  'due_at as dueAt',
] as const

/** Each filter has an index that has failed accounts alone. */
function selectFailed(
  tx: Tx,
  { provider, tenant, state, cause }: UnappliedFilter,
  { pk }: UnappliedPlace,
): Promise<Row[]> {
  return tx.query((db) => {
    const failed = db
      .selectFrom('accounts')
      .select(COLUMNS)
      .where('pk', '>', pk)
      .orderBy('pk')
      .limit(MAX_EXAMINED)
    if (tenant !== undefined) return failed.where('tenant_pk', '=', tenant).where('cause', 'is not', null)
    const own = failed.where('provider_pk', '=', provider)
    if (state === 'parked') return own.where('parked_at', 'is not', null)
    const isWhole = cause !== undefined && (cause.includes(':') || parseCause(cause).code !== 'refused')
    return isWhole ? own.where('cause', '=', cause) : own.where('cause', 'is not', null)
  })
}

function selectWaiting(tx: Tx, { tenant }: UnappliedFilter, { pk, dueAt }: UnappliedPlace): Promise<Row[]> {
  return tx.query((db) => {
    const unapplied = db
      .selectFrom('accounts')
      .select(COLUMNS)
      .whereRef('applied_version', '<', 'desired_version')
      .limit(MAX_EXAMINED)
    if (tenant !== undefined)
      return unapplied.where('tenant_pk', '=', tenant).where('pk', '>', pk).orderBy('pk')
    return unapplied
      .where((eb) => eb(eb.refTuple('due_at', 'pk'), '>', eb.tuple(eb.val(dueAt), eb.val(pk))))
      .orderBy('due_at')
      .orderBy('pk')
  })
}

/** Returns accounts that are not applied, with names, in the order of the given primary keys. */
export async function selectUnappliedDetails(tx: Tx, pks: readonly number[]): Promise<UnappliedAccount[]> {
  if (pks.length === 0) return []
  const rows = await tx.query((db) =>
    db
      .selectFrom('accounts')
      .innerJoin('tenants', 'tenants.pk', 'accounts.tenant_pk')
      .innerJoin('organizations', 'organizations.pk', 'tenants.organization_pk')
      .innerJoin('users', 'users.pk', 'accounts.user_pk')
      .select([
        ...(['accounts.pk', 'accounts.platform', 'accounts.canonical_user_id', 'accounts.wanted'] as const),
        ...(['accounts.cause', 'accounts.last_error', 'accounts.parked_at', 'accounts.attempts'] as const),
        ...(['accounts.desired_at', 'accounts.due_at', 'tenants.id as tenant_id'] as const),
        ...(['tenants.name as tenant_name', 'organizations.id as organization_id'] as const),
        ...(['organizations.name as organization_name', 'users.id as user_id'] as const),
        ...(['users.first_name', 'users.last_name', 'users.email'] as const),
      ])
      .where('accounts.pk', 'in', [...pks]),
  )
  const found = new Map(rows.map((row) => [row.pk, row]))
  return pks.flatMap((pk) => {
    const row = found.get(pk)
    return row ? [toUnapplied(row)] : []
  })
}

function toUnapplied(row: {
  readonly user_id: string
  readonly first_name: string | null
  readonly last_name: string | null
  readonly email: string | null
  readonly organization_id: string
  readonly organization_name: string
  readonly tenant_id: string
  readonly tenant_name: string
  readonly platform: string
  readonly canonical_user_id: string
  readonly wanted: number
  readonly cause: string | null
  readonly last_error: string | null
  readonly parked_at: string | null
  readonly attempts: number
  readonly desired_at: string
  readonly due_at: string
}): UnappliedAccount {
  return {
    user: { id: row.user_id, firstName: row.first_name, lastName: row.last_name, email: row.email },
    organization: { id: row.organization_id, name: row.organization_name, kind: 'customer' },
    tenant: { id: row.tenant_id, name: row.tenant_name },
    platform: row.platform,
    canonicalUserId: row.canonical_user_id,
    state: row.cause === null ? 'waiting' : row.parked_at === null ? 'failing' : 'parked',
    isRemoval: row.wanted === 0,
    cause: readCause(row.cause),
    error: row.last_error,
    attempts: row.attempts,
    changedAt: row.desired_at,
    dueAt: row.due_at,
  }
}

const selectNextCause = statement((db, p: { provider: number; after: string }) =>
  db
    .selectFrom('accounts')
    .select((eb) => eb.fn.min('cause').as('cause'))
    .where('provider_pk', '=', p.provider)
    .where('cause', '>', p.after),
)

const selectOfCause = statement((db, p: { provider: number; cause: string; limit: number }) =>
  db
    .selectFrom('accounts')
    .select(['desired_at as changedAt', 'parked_at as parkedAt', 'last_error as error'])
    .where('provider_pk', '=', p.provider)
    .where('cause', '=', p.cause)
    .limit(p.limit),
)

/**
 * Counts the failing and parked accounts of a provider by their cause, the most frequent one first. Looks at a limited
 * number of accounts for each cause.
 */
export async function selectCauses(tx: Tx, provider: number): Promise<CauseCount[]> {
  const counts: CauseCount[] = []
  for (let after = ''; ; ) {
    const cause = (await tx.get(selectNextCause, { provider, after }))?.cause ?? undefined
    if (cause === undefined) break
    const rows = await tx.all(selectOfCause, { provider, cause, limit: MAX_COUNTED + 1 })
    const counted = rows.slice(0, MAX_COUNTED)
    counts.push({
      cause: parseCause(cause),
      count: counted.length,
      more: rows.length > MAX_COUNTED,
      parked: counted.filter(({ parkedAt }) => parkedAt !== null).length,
      oldest: counted.reduce((least, one) => (one.changedAt < least ? one.changedAt : least), '9999'),
      error: rows[0]?.error ?? '',
    })
    after = cause
  }
  return counts.sort((one, other) => other.count - one.count)
}

/** Makes unapplied accounts due now, as if they had not failed before. Returns how many. */
export async function markUnappliedDue(tx: Tx, pks: readonly number[], now: string): Promise<number> {
  if (pks.length === 0) return 0
  const changed = await tx.query((db) =>
    db
      .updateTable('accounts')
      .set({ ...RESET_ATTEMPTS, due_at: now })
      .where('pk', 'in', [...pks])
      .whereRef('applied_version', '<', 'desired_version')
      .where('last_error', 'is not', null)
      .returning('pk'),
  )
  return changed.length
}
