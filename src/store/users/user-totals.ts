import { sql } from 'kysely'
import type { Tx } from '../port.ts'
import { selectWithCustomers } from '../tables/relations.ts'
import type { UserCriteria } from './user-sql.ts'
import { isNarrow } from './user-sql.ts'

/**
 * Returns the exact number of users in an area, from stored totals. Conditions do not count.
 * @param criteria.deleted counts the deleted users instead of the others
 */
export async function selectUserTotal(
  tx: Tx,
  { area, deleted, beingDeleted }: Pick<UserCriteria, 'area' | 'deleted' | 'beingDeleted'>,
): Promise<number> {
  const { providerPk, organizationPk, resellerPk } = area
  const isAll = !isNarrow(area)
  const [row] = await tx.query((db) => {
    let query = db
      .selectFrom('user_totals')
      .select((eb) => eb.fn.sum<number | null>('total').as('total'))
      .where('deleted', '=', deleted ? 1 : 0)
    if (organizationPk !== undefined) query = query.where('organization_pk', '=', organizationPk)
    else if (resellerPk === undefined)
      query = query.where('provider_pk', '=', providerPk).where('organization_pk', '=', WHOLE)
    else query = query.where('organization_pk', 'in', sql<number>`(${selectWithCustomers(resellerPk)})`)
    if (resellerPk !== undefined) query = query.where('reseller_pk', 'in', [0, resellerPk])
    return beingDeleted.length === 0 ? query : query.where('organization_pk', 'not in', beingDeleted)
  })
  const total = Number(row?.total ?? 0)
  if (!isAll || beingDeleted.length === 0) return total
  const [hidden] = await tx.query((db) =>
    db
      .selectFrom('user_totals')
      .select((eb) => eb.fn.sum<number | null>('total').as('total'))
      .where('deleted', '=', deleted ? 1 : 0)
      .where('provider_pk', '=', providerPk)
      .where('organization_pk', 'in', beingDeleted),
  )
  return total - Number(hidden?.total ?? 0)
}

/** Stands for all organizations of a provider. */
const WHOLE = 0
