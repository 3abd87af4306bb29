import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely'
import { foldEmail } from '../../model/email.ts'
import type { User } from '../../model/users.ts'
import type { Tx, UserArea } from '../port.ts'
import type { Tables } from '../schema.ts'
import { toUser } from './users.ts'

/** Which users count: live ones, deleted ones, or both. */
export type UserState = 'live' | 'deleted' | 'any'

/** Returns the condition that a user is in an area. */
export function isInArea(eb: ExpressionBuilder<Tables, 'users'>, area: UserArea): Expression<SqlBool> {
  const { providerPk, organizationPk, resellerPk, ofDeleted = false } = area
  const organization = eb
    .selectFrom('organizations')
    .select('organizations.pk')
    .whereRef('organizations.pk', '=', 'users.organization_pk')
    .where('organizations.deleted_at', 'is', null)
  // The sign keeps SQLite from reading all users of the provider: an id or an address finds fewer.
  const provider = sql<number>`+${sql.ref('users.provider_pk')}`
  const conditions: Expression<SqlBool>[] = [eb(provider, '=', providerPk)]
  if (!ofDeleted) conditions.push(eb.exists(organization))
  if (organizationPk !== undefined) conditions.push(eb('users.organization_pk', '=', organizationPk))
  if (resellerPk !== undefined) conditions.push(isInContext(eb, resellerPk))
  return eb.and(conditions)
}

function isInContext(eb: ExpressionBuilder<Tables, 'users'>, reseller: number): Expression<SqlBool> {
  const relation = eb
    .selectFrom('customer_resellers as relation')
    .select('relation.customer_pk')
    .whereRef('relation.customer_pk', '=', 'users.organization_pk')
    .where('relation.reseller_pk', '=', reseller)
  const isForReseller = eb.or([eb('users.reseller_pk', 'is', null), eb('users.reseller_pk', '=', reseller)])
  return eb.or([eb('users.organization_pk', '=', reseller), eb.and([isForReseller, eb.exists(relation)])])
}

/**
 * Returns users of an area: the one with an id, or those with an e-mail, compared without case. Deleted ones are
 * ordered: the one who was deleted last comes first.
 * @param named.limit the most users to return
 */
export async function selectUsersInArea(
  tx: Tx,
  area: UserArea,
  named: ({ readonly id: string } | { readonly email: string }) & { state: UserState; limit: number },
): Promise<User[]> {
  const rows = await tx.query((db) =>
    db
      .selectFrom('users')
      .selectAll()
      .where(
        'id' in named ? 'users.id' : 'users.email_key',
        '=',
        'id' in named ? named.id : foldEmail(named.email),
      )
      .$if(named.state !== 'any', (query) =>
        query.where('users.deleted_at', named.state === 'live' ? 'is' : 'is not', null),
      )
      .where((eb) => isInArea(eb, area))
      // Without an order the search ends at the limit, however many organizations have a user with the e-mail.
      .$if(named.state === 'deleted', (query) => query.orderBy(sql`users.deleted_at desc, users.pk desc`))
      .limit(sql.lit(named.limit)),
  )
  return rows.map(toUser)
}
