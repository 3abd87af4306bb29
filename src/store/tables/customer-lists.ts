import { type SqlBool, sql } from 'kysely'
import { listSpellings } from '../../model/ids.ts'
import type { CustomerRecord, OrganizationRecord } from '../../model/organizations.ts'
import type { Page, PageRequest } from '../../model/pages.ts'
import { foldKey } from '../../model/text.ts'
import { toPattern } from '../conditions.ts'
import { countMatching, planPage } from '../paging.ts'
import type { QueryBuilder, Tx } from '../port.ts'
import { RECORD_COLUMNS, type RecordRow, toRecord } from './companies.ts'

/**
 * What a list looks for: a part of a text, compared without case; the whole id of a tenant or of its org; or something
 * that no organization has.
 */
export type CompanySearch = 'name' | 'domain' | 'identifier' | 'tenant' | 'nothing'

/** Which organizations a list has. */
interface CompanyCriteria {
  readonly provider: number
  readonly search?: { readonly by: CompanySearch; readonly text: string } | undefined
}

/** Which customers a list has. */
export interface CustomerCriteria extends CompanyCriteria {
  /** Only customers that are related to this reseller, as this relation shows them. */
  readonly reseller?: { readonly pk: number; readonly id: string } | undefined
  readonly includeDeleted: boolean
}

/** Which resellers a list has. */
export interface ResellerCriteria extends CompanyCriteria {
  /** Only resellers that this customer is related to. */
  readonly customer?: number | undefined
}

/** A page, by name in one direction or the other. */
export interface CompanyPage extends PageRequest {
  readonly ascending: boolean
}

/** Matches a text that contains another one. Both are keys, or in lower case. */
function contains(column: string, part: string) {
  return sql<SqlBool>`${sql.ref(column)} like ${toPattern(part)} escape '\\'`
}

function selectMatching(
  db: QueryBuilder,
  kind: 'customer' | 'reseller',
  { provider, search }: CompanyCriteria,
) {
  const query = db
    .selectFrom('organizations')
    .where('organizations.provider_pk', '=', provider)
    .where('organizations.kind', '=', kind)
  if (search?.by === 'name') return query.where(contains('organizations.name_key', foldKey(search.text)))
  if (search?.by === 'domain')
    return query.where(contains('organizations.email_domain', foldKey(search.text)))
  if (search?.by === 'nothing') return query.where(sql<SqlBool>`1 = 0`)
  if (search?.by !== 'tenant') return query
  const ids = listSpellings(search.text)
  const mapped = db
    .selectFrom('tenant_orgs')
    .select('tenant_pk')
    .where('provider_pk', '=', provider)
    .where('org_id', 'in', ids)
  const tenants = db
    .selectFrom('tenants')
    .select('organization_pk')
    .where('provider_pk', '=', provider)
    .where('deleted_at', 'is', null)
    .where((eb) => eb.or([eb('id', 'in', ids), eb('pk', 'in', mapped)]))
  return query.where('organizations.pk', 'in', tenants)
}

function selectCustomers(db: QueryBuilder, criteria: CustomerCriteria) {
  const { reseller, search, includeDeleted } = criteria
  let query = selectMatching(db, 'customer', criteria)
  if (!includeDeleted) query = query.where('organizations.deleted_at', 'is', null)
  const identifier = search?.by === 'identifier' ? foldKey(search.text) : undefined
  if (!reseller)
    return identifier === undefined
      ? query
      : query.where(contains('organizations.identifier_key', identifier))
  return query.where('organizations.pk', 'in', (eb) => {
    const related = eb
      .selectFrom('customer_resellers')
      .select('customer_resellers.customer_pk')
      .where('customer_resellers.reseller_pk', '=', reseller.pk)
    return identifier === undefined
      ? related
      : related.where(contains('customer_resellers.identifier_key', identifier))
  })
}

function selectResellers(db: QueryBuilder, criteria: ResellerCriteria) {
  const { customer, search } = criteria
  const query = selectMatching(db, 'reseller', criteria).where('organizations.deleted_at', 'is', null)
  const found =
    search?.by === 'identifier'
      ? query.where(contains('organizations.identifier_key', foldKey(search.text)))
      : query
  if (customer === undefined) return found
  return found.where('organizations.pk', 'in', (eb) =>
    eb
      .selectFrom('customer_resellers')
      .select('customer_resellers.reseller_pk')
      .where('customer_resellers.customer_pk', '=', customer),
  )
}

/** Returns a page of organizations by name, and how many there are. */
async function selectPage(
  tx: Tx,
  select: (db: QueryBuilder) => ReturnType<typeof selectMatching>,
  page: CompanyPage,
): Promise<Page<OrganizationRecord>> {
  const total = await countMatching(tx, select)
  const plan = planPage(page, total)
  if (!plan) return { items: [], total }
  const direction = page.ascending === (plan.direction === 'asc') ? 'asc' : 'desc'
  // The inner query reads the index alone, however many rows it skips.
  const rows = await tx.query((db) =>
    db
      .selectFrom('organizations')
      .select(RECORD_COLUMNS)
      .where(
        'organizations.pk',
        'in',
        select(db)
          .select('organizations.pk')
          .orderBy('organizations.name_key', direction)
          .orderBy('organizations.pk', direction)
          .limit(plan.limit)
          .offset(plan.offset),
      )
      .orderBy('organizations.name_key', page.ascending ? 'asc' : 'desc')
      .orderBy('organizations.pk', page.ascending ? 'asc' : 'desc'),
  )
  return { items: rows.map((row) => toRecord(row as RecordRow)), total }
}

/** Returns a page of the matching customers by name, with their tenants, and the exact number of all that match. */
export async function selectCustomerPage(
  tx: Tx,
  criteria: CustomerCriteria,
  page: CompanyPage,
): Promise<Page<CustomerRecord>> {
  const { items, total } = await selectPage(tx, (db) => selectCustomers(db, criteria), page)
  return { items: await asRelated(tx, items, criteria.reseller ?? null), total }
}

/** Returns a page of the matching resellers by name, and the exact number of all that match. */
export async function selectResellerPage(
  tx: Tx,
  criteria: ResellerCriteria,
  page: CompanyPage,
): Promise<Page<OrganizationRecord>> {
  return selectPage(tx, (db) => selectResellers(db, criteria), page)
}

/**
 * Returns customers as one relation shows them.
 * @param reseller the reseller of the relation; null for the provider's
 */
export async function asRelated(
  tx: Tx,
  customers: readonly OrganizationRecord[],
  reseller: { readonly pk: number; readonly id: string } | null,
): Promise<CustomerRecord[]> {
  if (customers.length === 0) return []
  const pks = customers.map(({ pk }) => pk)
  const identifiers = reseller && (await selectIdentifiers(tx, reseller.pk, pks))
  const tenants = await selectTenants(tx, pks)
  return customers.map((customer) => ({
    ...customer,
    resellerId: reseller?.id ?? null,
    internalIdentifier: identifiers ? (identifiers.get(customer.pk) ?? null) : customer.internalIdentifier,
    tenants: tenants
      .filter(({ organization_pk }) => organization_pk === customer.pk)
      .map(({ id, platform, name }) => ({ id, platform, name })),
  }))
}

async function selectIdentifiers(
  tx: Tx,
  reseller: number,
  customers: readonly number[],
): Promise<Map<number, string | null>> {
  const rows = await tx.query((db) =>
    db
      .selectFrom('customer_resellers')
      .select(['customer_pk', 'internal_identifier'])
      .where('reseller_pk', '=', reseller)
      .where('customer_pk', 'in', customers),
  )
  return new Map(rows.map((row) => [row.customer_pk, row.internal_identifier]))
}

function selectTenants(tx: Tx, customers: readonly number[]) {
  return tx.query((db) =>
    db
      .selectFrom('tenants')
      .select(['organization_pk', 'id', 'platform', 'name'])
      .where('organization_pk', 'in', customers)
      .where('deleted_at', 'is', null)
      .orderBy('pk'),
  )
}

/** Returns the domains of the portals of each reseller, oldest first. */
export async function selectPortalsOf(
  tx: Tx,
  resellers: readonly number[],
): Promise<{ organization: number; domain: string }[]> {
  if (resellers.length === 0) return []
  return tx.query((db) =>
    db
      .selectFrom('portals')
      .select(['organization_pk as organization', 'domain'])
      .where('organization_pk', 'in', resellers)
      .orderBy('pk'),
  )
}
