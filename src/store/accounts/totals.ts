import type { Tx } from '../port.ts'

/** The terms that very many accounts or credentials may meet; what is left out may be anything. */
export interface TotalsKey {
  readonly provider: number
  readonly tenant?: number
  readonly orgId?: string
  readonly active?: boolean
}

/** How many match, as far as the store keeps that: undefined when more is asked for than a place. */
export async function selectTotal(
  tx: Tx,
  table: 'account_totals' | 'credential_totals',
  { provider, tenant, orgId, active, ...more }: TotalsKey,
): Promise<number | undefined> {
  if (Object.values(more).some((term) => term !== undefined)) return undefined
  const rows = await tx.query((db) => {
    let query = db.selectFrom(table).select((eb) => eb.fn.sum<number | null>('total').as('total'))
    // A tenant is the provider's already.
    query =
      tenant === undefined ? query.where('provider_pk', '=', provider) : query.where('tenant_pk', '=', tenant)
    if (orgId !== undefined) query = query.where('org_id', '=', orgId)
    return active === undefined ? query : query.where('active', '=', active ? 1 : 0)
  })
  return Number(rows[0]?.total ?? 0)
}
