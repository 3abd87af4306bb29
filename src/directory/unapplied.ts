import type { Backlog, CauseCount, UnappliedAccount, UnappliedState } from '../model/backlog.ts'
import type { Context } from '../model/context.ts'
import { formatCursor, parseNumbers } from '../model/cursors.ts'
import { DirectoryError, type Issue, toInvalid } from '../model/error.ts'
import { foldId } from '../model/ids.ts'
import { hasHadAccount, markAccountsOfUserDue } from '../store/accounts/backlog.ts'
import {
  markUnappliedDue,
  selectCauses,
  selectUnapplied,
  selectUnappliedDetails,
  UNAPPLIED_START,
  type UnappliedFilter,
  type UnappliedPlace,
} from '../store/accounts/unapplied.ts'
import { countBacklog } from './backlog.ts'
import type { Directory } from './directory.ts'
import { findTenantIncludingRemoved, getUserOfAnyState, type Scope } from './reach.ts'
import { runRead, runUnit } from './unit.ts'

/** Which unapplied accounts a caller asks for. Members that are left out match any. */
export interface UnappliedRequest {
  readonly state?: UnappliedState | undefined
  /** As `formatCause` returns it, or a code alone. */
  readonly cause?: string | undefined
  readonly tenantId?: string | undefined
}

/** A page of a list. It may have fewer items than its limit, although there are more. */
export interface UnappliedPage {
  readonly items: readonly UnappliedAccount[]
  /** The cursor of the next page; null on the last one. */
  readonly next: string | null
}

/**
 * Lists the accounts that are not applied, with names: failing and parked ones first, then those that wait.
 * @param request.after `next` of the page before
 * @throws {DirectoryError} `not_permitted`, `invalid` for a cursor of another list, `tenant_not_found`,
 *   `store_unavailable`
 */
export function listUnapplied(
  dir: Directory,
  ctx: Context,
  request: UnappliedRequest & { readonly after?: string | undefined; readonly limit: number },
): Promise<UnappliedPage> {
  return runRead(dir, ctx, 'ListUnapplied', async (scope) => {
    const filter = await toFilter(scope, request)
    const about = ['unapplied', request.state ?? null, request.cause ?? null, request.tenantId ?? null]
    const page = { from: readPlace(request.after, about), limit: request.limit }
    const { pks, next } = await selectUnapplied(scope.tx, filter, page)
    const items = await selectUnappliedDetails(scope.tx, pks)
    const place = next && [next.waits ? 1 : 0, next.pk, next.dueAt === '' ? 0 : Date.parse(next.dueAt)]
    return { items, next: place && formatCursor(place, about) }
  })
}

function readPlace(after: string | undefined, about: readonly unknown[]): UnappliedPlace {
  if (after === undefined) return UNAPPLIED_START
  const [waits, pk, due] = parseNumbers(after, about, 3) ?? []
  if (waits === undefined || pk === undefined || due === undefined)
    throw toInvalid([{ path: 'after', rule: 'cursor', message: 'must be a cursor of this list' }])
  return { waits: waits === 1, pk, dueAt: due === 0 ? '' : new Date(due).toISOString() }
}

async function toFilter(
  scope: Scope,
  { state, cause, tenantId }: UnappliedRequest,
): Promise<UnappliedFilter> {
  const { providerPk: provider } = scope.ctx.organization
  if (tenantId === undefined) return { provider, state, cause }
  const found = await findTenantIncludingRemoved(scope, tenantId)
  if (!found) throw new DirectoryError('tenant_not_found', `There is no tenant with the id ${tenantId}.`)
  return { provider, state, cause, tenant: found.tenant.pk }
}

/**
 * Counts the accounts that are not applied, by state, and the failing and parked ones by cause.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export async function countUnapplied(
  dir: Directory,
  ctx: Context,
): Promise<Backlog & { readonly causes: readonly CauseCount[] }> {
  const { providerPk } = ctx.organization
  const causes = await runRead(dir, ctx, 'ListUnapplied', ({ tx }) => selectCauses(tx, providerPk))
  return { ...(await countBacklog(dir, providerPk)), causes }
}

/** The most accounts that one unit makes due. An outage may leave very many, and other units wait for this one. */
const PAGE = 1_000
/** The most users whose accounts one call makes due by their ids. */
export const MAX_RETRIED_USERS = 200

/**
 * Makes the failing and parked accounts that match due now, as if they had not failed before, in several commits if
 * there are many. Each commit has an audit entry; with `userIds`, each user has one.
 * @param request.userIds only accounts of these users, at most MAX_RETRIED_USERS. Ids of unknown users are ignored
 * @returns the number of accounts
 * @throws {DirectoryError} `not_permitted`, `invalid`, `tenant_not_found`; `store_unavailable`, after which some of the
 *   accounts may be due
 */
export async function retryAccounts(
  dir: Directory,
  ctx: Context,
  request: UnappliedRequest & { readonly userIds?: readonly string[] | undefined } = {},
): Promise<number> {
  // The call is repeatable without an idempotency key, which only one unit may use.
  const caller = { ...ctx, idempotency: undefined }
  const { userIds, ...filter } = request
  if (userIds) return retryUsers(dir, caller, userIds)
  let total = 0
  for (let from: UnappliedPlace | null = UNAPPLIED_START; from !== null; ) {
    const page: { from: UnappliedPlace; limit: number } = { from, limit: PAGE }
    const done = await retryPage(dir, caller, { filter, page })
    total += done.retried
    from = done.next
  }
  return total
}

function retryPage(
  dir: Directory,
  ctx: Context,
  { filter, page }: { filter: UnappliedRequest; page: { from: UnappliedPlace; limit: number } },
): Promise<{ retried: number; next: UnappliedPlace | null }> {
  const { tenantId: target } = filter
  return runUnit(dir, ctx, { operation: 'RetryAccounts', target: target ?? null }, async (unit) => {
    const { pks, next } = await selectUnapplied(unit.tx, await toFilter(unit, filter), page)
    const retried = await markUnappliedDue(unit.tx, pks, unit.now)
    if (retried > 0) await unit.audit({ outcome: 'retried' })
    // Accounts that wait are due already.
    return { retried, next: next?.waits ? null : next }
  })
}

function retryUsers(dir: Directory, ctx: Context, userIds: readonly string[]): Promise<number> {
  const ids = [...new Set(userIds.map(foldId))]
  const message = `must have at most ${MAX_RETRIED_USERS} ids`
  const issues: Issue[] =
    ids.length > MAX_RETRIED_USERS
      ? [{ path: 'userIds', rule: 'maxItems', params: { max: MAX_RETRIED_USERS }, message }]
      : []
  return runUnit(dir, ctx, { operation: 'RetryAccounts', issues }, async (unit) => {
    const { providerPk: provider } = ctx.organization
    let total = 0
    for (const target of ids) {
      const retried = await markAccountsOfUserDue(unit.tx, { provider, user: target }, unit.now)
      if (retried > 0) await unit.audit({ outcome: 'retried', target })
      total += retried
    }
    return total
  })
}

/**
 * Makes the failing or parked accounts of a user within reach due now, as if they had not failed before; also of a
 * deleted user.
 * @returns the number of accounts
 * @throws {DirectoryError} `not_permitted`; `user_not_found`, also if the user has never had an account;
 *   `store_unavailable`
 */
export function retryUser(dir: Directory, ctx: Context, id: string): Promise<number> {
  const target = foldId(id)
  return runUnit(dir, ctx, { operation: 'RetryUser', target }, async (unit) => {
    const { user, organization } = await getUserOfAnyState(unit, target)
    const named = { provider: ctx.organization.providerPk, user: user.id }
    const retried = await markAccountsOfUserDue(unit.tx, named, unit.now)
    if (retried > 0) await unit.audit({ outcome: 'retried', target: user.id, organization: organization.id })
    else if (!(await hasHadAccount(unit.tx, user.id)))
      throw new DirectoryError('user_not_found', `There is no user with the id ${target} on a platform.`)
    return retried
  })
}
