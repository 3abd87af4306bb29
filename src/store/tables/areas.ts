import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { UserArea } from '../port.ts'

/** The parameters of an area. One statement serves all areas, so that PostgreSQL can keep its plan. */
export interface AreaParameters {
  readonly provider: number
  readonly organization: number | null
  readonly reseller: number | null
  readonly ofDeleted: 0 | 1
}

/** Returns the parameters that stand for an area. */
export function toAreaParameters(area: UserArea): AreaParameters {
  const { providerPk, organizationPk, resellerPk, ofDeleted } = area
  const [organization, reseller] = [organizationPk ?? null, resellerPk ?? null]
  return { provider: providerPk, organization, reseller, ofDeleted: ofDeleted ? 1 : 0 }
}

/**
 * Returns the condition that a user is in an area.
 * @param p.ofDeleted whether users of deleted organizations are
 */
export function isInArea(p: AreaParameters): RawBuilder<SqlBool> {
  const reseller = toPk(p.reseller)
  // The sign keeps SQLite from reading all users of the provider: an id or an address finds fewer.
  return sql`+users.provider_pk = ${p.provider}
    and (cast(${p.ofDeleted} as integer) = 1 or exists (select 1 from organizations
      where organizations.pk = users.organization_pk and organizations.deleted_at is null))
    and ${isOrganizationInArea(p, sql`users.organization_pk`)}
    and (${reseller} is null or users.organization_pk = ${reseller} or users.reseller_pk is null
      or users.reseller_pk = ${reseller})`
}

/** Returns the condition that an organization of the provider, by its primary key, is in an area. */
export function isOrganizationInArea(p: AreaParameters, pk: RawBuilder<unknown>): RawBuilder<SqlBool> {
  const [organization, reseller] = [toPk(p.organization), toPk(p.reseller)]
  return sql`(${organization} is null or ${pk} = ${organization})
    and (${reseller} is null or ${pk} = ${reseller} or exists (select 1 from customer_resellers as relation
      where relation.customer_pk = ${pk} and relation.reseller_pk = ${reseller}))`
}

/** Gives a parameter that may be null its type: PostgreSQL cannot tell it. */
export function toPk(pk: number | null): RawBuilder<unknown> {
  return sql`cast(${pk} as bigint)`
}
