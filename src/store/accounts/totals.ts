import { type Condition, toEqualities } from '../../model/conditions.ts'
import type { Tx } from '../port.ts'

/** The fields that the store keeps totals for. */
interface TotalsKey {
  readonly tenant?: number
  readonly orgId?: string
  readonly active?: boolean
}

/**
 * Returns the stored total, or undefined if the condition is not about equal values of fields that totals are kept for.
 * @param of.provider the primary key of the provider
 * @param of.hidden primary keys of tenants that do not count
 */
export async function selectTotal<F extends object>(
  tx: Tx,
  table: 'account_totals' | 'credential_totals',
  { provider, where, hidden = [] }: { provider: number; where: Condition<F>; hidden?: readonly number[] },
): Promise<number | undefined> {
  const equalities = toEqualities(where)
  if (!equalities) return undefined
  const { tenant, orgId, active, ...more } = equalities as TotalsKey
  if (Object.keys(more).length > 0) return undefined
  const rows = await tx.query((db) => {
    let query = db.selectFrom(table).select((eb) => eb.fn.sum<number | null>('total').as('total'))
    // A tenant belongs to one provider.
    query =
      tenant === undefined ? query.where('provider_pk', '=', provider) : query.where('tenant_pk', '=', tenant)
    if (hidden.length > 0) query = query.where('tenant_pk', 'not in', [...hidden])
    if (orgId !== undefined) query = query.where('org_id', '=', orgId)
    return active === undefined ? query : query.where('active', '=', active ? 1 : 0)
  })
  return Number(rows[0]?.total ?? 0)
}
