import type { Tx } from '../port.ts'

/** The criteria that the store keeps totals for; members that are left out match anything. */
export interface TotalsKey {
  readonly provider: number
  readonly tenant?: number
  readonly orgId?: string
  readonly active?: boolean
}

/** Returns the stored total, or undefined if the criteria have members that no totals are kept for. */
export async function selectTotal(
  tx: Tx,
  table: 'account_totals' | 'credential_totals',
  { provider, tenant, orgId, active, ...more }: TotalsKey,
): Promise<number | undefined> {
  if (Object.values(more).some((value) => value !== undefined)) return undefined
  const rows = await tx.query((db) => {
    let query = db.selectFrom(table).select((eb) => eb.fn.sum<number | null>('total').as('total'))
    // A tenant belongs to one provider.
    query =
      tenant === undefined ? query.where('provider_pk', '=', provider) : query.where('tenant_pk', '=', tenant)
    if (orgId !== undefined) query = query.where('org_id', '=', orgId)
    return active === undefined ? query : query.where('active', '=', active ? 1 : 0)
  })
  return Number(rows[0]?.total ?? 0)
}
