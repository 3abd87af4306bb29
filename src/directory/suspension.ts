import type { Context } from '../model/context.ts'
import { updateSuspended } from '../store/tables/companies.ts'
import { countPendingAccounts } from '../store/tables/deleted-organizations.ts'
import { lockOrganization } from '../store/tables/organizations.ts'
import { getRecord } from './companies.ts'
import { type Directory, forgetCached } from './directory.ts'
import { followStatus } from './following.ts'
import { getProvider, getReachableOrganization } from './reach.ts'
import { runUnit } from './unit.ts'

/** A customer after its suspension or its end. */
export interface Suspension {
  /** ISO 8601; null for a customer that is not suspended. */
  readonly suspendedAt: string | null
  /** How many accounts of the customer the platform does not have in their new state yet. */
  readonly pendingAccounts: number
}

/**
 * Suspends a customer: its clients are refused, and its accounts stop working on the platform. Repeating the call only
 * adds an audit entry.
 * @throws {DirectoryError} `not_permitted`, `customer_not_found`, `store_unavailable`
 */
export function suspendCustomer(dir: Directory, ctx: Context, customerId: string): Promise<Suspension> {
  return setSuspended(dir, ctx, { operation: 'SuspendCustomer', customerId, suspends: true })
}

/**
 * Ends the suspension of a customer: its clients and accounts work as they did before.
 * @throws {DirectoryError} `not_permitted`, `customer_not_found`, `store_unavailable`
 */
export function resumeCustomer(dir: Directory, ctx: Context, customerId: string): Promise<Suspension> {
  return setSuspended(dir, ctx, { operation: 'ResumeCustomer', customerId, suspends: false })
}

async function setSuspended(
  dir: Directory,
  ctx: Context,
  request: { operation: 'SuspendCustomer' | 'ResumeCustomer'; customerId: string; suspends: boolean },
): Promise<Suspension> {
  const { operation, customerId: organization, suspends } = request
  const result = await runUnit(dir, ctx, { operation, organization }, async (unit) => {
    const { tx, now } = unit
    const customer = await getReachableOrganization(unit, { id: organization, kind: 'customer' })
    await lockOrganization(tx, customer.pk)
    const { suspendedAt: before } = await getRecord(unit, customer)
    const after = suspends ? (before ?? now) : null
    const about = { organization: customer.id, target: customer.id }
    if (before === after) await unit.audit({ outcome: 'repeated', ...about })
    else {
      await updateSuspended(tx, customer.pk, after)
      const outcome = suspends ? 'suspended' : 'resumed'
      await unit.audit({ outcome, ...about, changes: [{ name: 'suspendedAt', before, after }] })
      // The job belongs to the provider: it must end although the calling reseller may be deleted meanwhile.
      await followStatus({ ...unit, ctx: { ...ctx, organization: await getProvider(unit) } }, customer)
    }
    return { suspendedAt: after, pendingAccounts: await countPendingAccounts(tx, customer.pk) }
  })
  forgetCached(dir)
  return result
}
