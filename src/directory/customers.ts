import { diff } from '../model/audit.ts'
import { type CompanyChange, checkCompany, foldCompany } from '../model/companies.ts'
import { checkContactDomain, checkCustomerRules } from '../model/company-rules.ts'
import type { Context } from '../model/context.ts'
import { assertValid, type Issue } from '../model/error.ts'
import type { CustomerRecord, Organization } from '../model/organizations.ts'
import type { Page } from '../model/pages.ts'
import { loadPhoneCheck } from '../model/phone.ts'
import { checkText } from '../model/text.ts'
import { markAccountsOfOrganizationDue } from '../store/accounts/backlog.ts'
import { updateInternalIdentifier } from '../store/tables/companies.ts'
import {
  asRelated,
  type CompanyPage,
  type CompanySearch,
  selectCustomerPage,
} from '../store/tables/customer-lists.ts'
import { insertRelation, lockOrganizationsShared } from '../store/tables/organizations.ts'
import { selectDomainsOf, selectResellersOf } from '../store/tables/relations.ts'
import {
  applyCompanyChange,
  checkNewCompany,
  getRecord,
  insertNewCompany,
  listCompanyFields,
  type NewCompany,
  type PartOfCompany,
  pickChanges,
} from './companies.ts'
import type { Directory } from './directory.ts'
import { assertOwnReseller, getReachableOrganization, getReseller, type Scope } from './reach.ts'
import { runRead, runUnit } from './unit.ts'

export type { CompanyPage, CompanySearch }

/** A customer to create. */
export interface NewCustomer extends NewCompany {
  /** The reseller that the customer is related to. A calling reseller may leave out its own id. */
  readonly resellerId?: string | undefined
}

/** A customer as a relation shows it, and what the provider knows in addition. */
export interface CustomerView extends CustomerRecord {
  /** The resellers that the customer is related to; undefined for other callers than the provider. */
  readonly resellerIds?: readonly string[] | undefined
}

/** Checks a customer to create by the rules that need no look-up; it returns one issue for each that is broken. */
export async function checkNewCustomer(input: PartOfCompany): Promise<Issue[]> {
  return [...(await checkNewCompany(input)), ...checkCustomerRules(input.company)]
}

/**
 * Creates a customer. Names are not unique, so a repeated call creates another one.
 * @returns its id
 * @throws {DirectoryError} `not_permitted`, `invalid`, `id_taken`, `reseller_not_found`, `reseller_not_own`,
 *   `store_unavailable`
 */
export async function createCustomer(
  dir: Directory,
  ctx: Context,
  input: NewCustomer,
): Promise<{ id: string }> {
  const issues = await checkNewCustomer(input)
  return runUnit(
    dir,
    ctx,
    { operation: 'CreateCustomer', target: input.id ?? null, issues },
    async (unit) => {
      const { tx, now } = unit
      const reseller = await getReseller(unit, { id: input.resellerId })
      const domains = reseller ? await selectDomainsOf(tx, reseller.pk) : []
      assertValid(checkContactDomain(input.company.email, domains))
      const { pk, id } = await insertNewCompany(unit, 'customer', input)
      if (reseller) {
        await lockOrganizationsShared(tx, [reseller.pk])
        await insertRelation(tx, pk, { pk: reseller.pk, now })
      }
      const { internalIdentifier = null } = input
      if (internalIdentifier !== null)
        await updateInternalIdentifier(tx, { pk, reseller: reseller?.pk ?? null }, internalIdentifier)
      const fields = listCompanyFields(input)
      await unit.audit({
        ...{ outcome: 'created', organization: id, target: id, reseller: reseller?.id },
        changedFields: reseller ? [...fields, 'resellers'] : fields,
      })
      return { id }
    },
  )
}

/** A customer, and the reseller whose relation to it is meant. */
export interface CustomerRef {
  readonly customerId: string
  /** A calling reseller may leave out its own id. For a provider, its own relation is meant if there is none. */
  readonly resellerId?: string | undefined
}

/**
 * Returns a customer as a relation shows it.
 * @throws {DirectoryError} `not_permitted`, `customer_not_found`, `reseller_not_found`, `reseller_not_own`,
 *   `reseller_not_related`, `store_unavailable`
 */
export function getCustomer(dir: Directory, ctx: Context, ref: CustomerRef): Promise<CustomerView> {
  return runRead(dir, ctx, 'GetCustomer', async (scope) => {
    const { customer, reseller } = await getRelation(scope, ref)
    const record = await getRecord(scope, customer)
    const [view] = await asRelated(scope.tx, [record], reseller)
    if (!view) throw new Error('a record has no view')
    const { kind } = ctx.organization
    // A customer does not see what the provider or a reseller calls it.
    if (kind === 'customer') return { ...view, internalIdentifier: null, resellerId: null }
    if (kind === 'reseller') return view
    const resellerIds = (await selectResellersOf(scope.tx, customer.pk)).map(({ id }) => id)
    return { ...view, resellerIds }
  })
}

async function getRelation(
  scope: Scope,
  { customerId, resellerId }: CustomerRef,
): Promise<{ customer: Organization; reseller: Organization | null }> {
  assertOwnReseller(scope.ctx, resellerId)
  const customer = await getReachableOrganization(scope, { id: customerId, kind: 'customer' })
  return { customer, reseller: await getReseller(scope, { id: resellerId, customer }) }
}

/** Which customers to list. */
export interface CustomerFilter {
  readonly search?: { readonly by: CompanySearch; readonly text: string } | undefined
  readonly resellerId?: string | undefined
  readonly includeDeleted: boolean
}

/**
 * Lists a page of the customers that are related to the caller, by name.
 * @throws {DirectoryError} `not_permitted`, `reseller_not_found`, `reseller_not_own`, `store_unavailable`
 */
export function listCustomers(
  dir: Directory,
  ctx: Context,
  { filter, page }: { filter: CustomerFilter; page: CompanyPage },
): Promise<Page<CustomerRecord>> {
  return runRead(dir, ctx, 'ListCustomers', async (scope) => {
    const { search, includeDeleted } = filter
    const reseller = (await getReseller(scope, { id: filter.resellerId })) ?? undefined
    const provider = ctx.organization.providerPk
    return selectCustomerPage(scope.tx, { provider, search, includeDeleted, reseller }, page)
  })
}

/**
 * Changes the company data of a customer. Only members that differ are checked, so that older data need not be
 * corrected at once.
 * @param request.prefix comes before the names of members in issues: `customer.`
 * @param request.retry whether the accounts of the customer that the platform refused are tried again
 * @throws {DirectoryError} `not_permitted`, `invalid`, `customer_not_found`, `store_unavailable`
 */
export async function updateCustomer(
  dir: Directory,
  ctx: Context,
  request: { customerId: string; change: CompanyChange; retry: boolean; prefix?: string },
): Promise<void> {
  const { customerId: organization, retry, prefix = '' } = request
  const isPhone = await loadPhoneCheck()
  return runUnit(dir, ctx, { operation: 'UpdateCustomer', organization }, async (unit) => {
    const customer = await getReachableOrganization(unit, { id: organization, kind: 'customer' })
    const record = await getRecord(unit, customer)
    const change = pickChanges(record, foldCompany(request.change))
    const country = change.country ?? record.company.country
    const issues = [
      ...checkCompany(change, { country, isPhone }),
      ...checkCustomerRules(change),
      ...checkContactDomain(change.email, change.email ? await listReservedDomains(unit, customer) : []),
    ]
    assertValid(issues.map((issue) => ({ ...issue, path: `${prefix}${issue.path}` })))
    await applyCompanyChange(unit, record, change)
    if (retry) await markAccountsOfOrganizationDue(unit.tx, customer.pk, unit.now)
  })
}

/** Lists the domains in which the contact of a customer may not be: those of the calling reseller, or of all. */
async function listReservedDomains({ tx, ctx }: Scope, customer: Organization): Promise<string[]> {
  const { organization: own } = ctx
  const resellers = own.kind === 'reseller' ? [own] : await selectResellersOf(tx, customer.pk)
  const domains: string[] = []
  for (const { pk } of resellers) domains.push(...(await selectDomainsOf(tx, pk)))
  return domains
}

/**
 * Replaces the internal identifier of a customer's relation.
 * @throws {DirectoryError} `not_permitted`, `invalid`, `customer_not_found`, `reseller_not_found`, `reseller_not_own`,
 *   `reseller_not_related`, `store_unavailable`
 */
export function updateCustomerIdentifier(
  dir: Directory,
  ctx: Context,
  request: CustomerRef & { identifier: string | null },
): Promise<void> {
  const { customerId: organization, resellerId: reseller, identifier } = request
  const issues = checkText('internalIdentifier', identifier)
  const subject = { operation: 'UpdateCustomerIdentifier', organization, reseller, issues } as const
  return runUnit(dir, ctx, subject, async (unit) => {
    const { customer, reseller } = await getRelation(unit, request)
    const [before] = await asRelated(unit.tx, [await getRecord(unit, customer)], reseller)
    const changes = diff({ ...before }, { internalIdentifier: identifier })
    const relation = { pk: customer.pk, reseller: reseller?.pk ?? null }
    if (changes.length > 0) await updateInternalIdentifier(unit.tx, relation, identifier)
    await unit.audit({
      ...{ outcome: changes.length > 0 ? 'updated' : 'repeated', changes },
      ...{ organization: customer.id, target: customer.id, reseller: reseller?.id },
    })
  })
}
