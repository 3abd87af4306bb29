import { diff } from '../model/audit.ts'
import { type CompanyChange, checkCompany, foldCompany } from '../model/companies.ts'
import type { Context } from '../model/context.ts'
import { assertValid, DirectoryError } from '../model/error.ts'
import { checkDomain, foldDomain, type OrganizationRecord } from '../model/organizations.ts'
import type { Page } from '../model/pages.ts'
import { loadPhoneCheck } from '../model/phone.ts'
import { checkText } from '../model/text.ts'
import { updateInternalIdentifier } from '../store/tables/companies.ts'
import {
  type CompanyPage,
  type CompanySearch,
  selectPortalsOf,
  selectResellerPage,
} from '../store/tables/customer-lists.ts'
import { deletePortalByDomain, insertPortal, lockOrganization } from '../store/tables/organizations.ts'
import {
  applyCompanyChange,
  checkNewCompany,
  getRecord,
  insertNewCompany,
  listCompanyFields,
  type NewCompany,
  pickChanges,
} from './companies.ts'
import { type Directory, forgetCached } from './directory.ts'
import { getReachableOrganization, type Scope } from './reach.ts'
import { runRead, runUnit } from './unit.ts'

/** A reseller with the domain of its portal; null if it has none. Of several portals, the oldest counts. */
export interface ResellerRecord extends OrganizationRecord {
  readonly portal: string | null
}

/**
 * Creates a reseller of the calling provider. Names are not unique, so a repeated call creates another one.
 * @returns its id
 * @throws {DirectoryError} `not_permitted`, `invalid`, `id_taken`, `store_unavailable`
 */
export async function createReseller(
  dir: Directory,
  ctx: Context,
  input: NewCompany,
): Promise<{ id: string }> {
  const issues = await checkNewCompany(input)
  return runUnit(
    dir,
    ctx,
    { operation: 'CreateReseller', target: input.id ?? null, issues },
    async (unit) => {
      const { pk, id } = await insertNewCompany(unit, 'reseller', input)
      const { internalIdentifier = null } = input
      if (internalIdentifier !== null)
        await updateInternalIdentifier(unit.tx, { pk, reseller: null }, internalIdentifier)
      const changedFields = listCompanyFields(input)
      await unit.audit({ outcome: 'created', organization: id, target: id, reseller: id, changedFields })
      return { id }
    },
  )
}

/**
 * Returns a reseller.
 * @throws {DirectoryError} `not_permitted`, `reseller_not_found`, `store_unavailable`
 */
export function getReseller(dir: Directory, ctx: Context, id: string): Promise<ResellerRecord> {
  return runRead(dir, ctx, 'GetReseller', async (scope) => {
    const reseller = await getReachableOrganization(scope, { id, kind: 'reseller' })
    const [view] = await withPortals(scope, [await getRecord(scope, reseller)])
    if (!view) throw new Error('a record has no view')
    return view
  })
}

async function withPortals(
  { tx }: Pick<Scope, 'tx'>,
  records: readonly OrganizationRecord[],
): Promise<ResellerRecord[]> {
  const portals = await selectPortalsOf(
    tx,
    records.map(({ pk }) => pk),
  )
  return records.map((record) => ({
    ...record,
    portal: portals.find(({ organization }) => organization === record.pk)?.domain ?? null,
  }))
}

/** Which resellers to list. */
export interface ResellerFilter {
  readonly search?: { readonly by: CompanySearch; readonly text: string } | undefined
  /** Only resellers that this customer is related to. */
  readonly customerId?: string | undefined
}

/**
 * Lists a page of the provider's resellers, by name.
 * @throws {DirectoryError} `not_permitted`, `customer_not_found`, `store_unavailable`
 */
export function listResellers(
  dir: Directory,
  ctx: Context,
  { filter, page }: { filter: ResellerFilter; page: CompanyPage },
): Promise<Page<ResellerRecord>> {
  return runRead(dir, ctx, 'ListResellers', async (scope) => {
    const { search, customerId: id } = filter
    const customer =
      id === undefined ? undefined : await getReachableOrganization(scope, { id, kind: 'customer' })
    const criteria = { provider: ctx.organization.providerPk, search, customer: customer?.pk }
    const { items, total } = await selectResellerPage(scope.tx, criteria, page)
    return { items: await withPortals(scope, items), total }
  })
}

/**
 * Changes the company data of a reseller. Only members that differ are checked.
 * @throws {DirectoryError} `not_permitted`, `invalid`, `reseller_not_found`, `store_unavailable`
 */
export async function updateReseller(
  dir: Directory,
  ctx: Context,
  request: { resellerId: string; change: CompanyChange },
): Promise<void> {
  const { resellerId: organization } = request
  const isPhone = await loadPhoneCheck()
  return runUnit(dir, ctx, { operation: 'UpdateReseller', organization }, async (unit) => {
    const reseller = await getReachableOrganization(unit, { id: organization, kind: 'reseller' })
    const record = await getRecord(unit, reseller)
    const change = pickChanges(record, foldCompany(request.change))
    assertValid(checkCompany(change, { country: change.country ?? record.company.country, isPhone }))
    await applyCompanyChange(unit, record, change)
  })
}

/**
 * Replaces the internal identifier of a reseller.
 * @throws {DirectoryError} `not_permitted`, `invalid`, `reseller_not_found`, `store_unavailable`
 */
export function updateResellerIdentifier(
  dir: Directory,
  ctx: Context,
  request: { resellerId: string; identifier: string | null },
): Promise<void> {
  const { resellerId: organization, identifier } = request
  const issues = checkText('internalIdentifier', identifier)
  const subject = { operation: 'UpdateResellerIdentifier', organization, issues } as const
  return runUnit(dir, ctx, subject, async (unit) => {
    const { pk, id } = await getReachableOrganization(unit, { id: organization, kind: 'reseller' })
    const { internalIdentifier } = await getRecord(unit, { pk })
    const changes = diff({ internalIdentifier }, { internalIdentifier: identifier })
    if (changes.length > 0) await updateInternalIdentifier(unit.tx, { pk, reseller: null }, identifier)
    const outcome = changes.length > 0 ? 'updated' : 'repeated'
    await unit.audit({ outcome, organization: id, target: id, changes })
  })
}

/**
 * Gives a reseller one portal in place of those that it has, or none. Every process refuses calls through a former
 * portal within 5 s; this one does at once.
 * @param request.domain in any form that `foldDomain` takes; null for no portal
 * @returns the domain as it is stored
 * @throws {DirectoryError} `not_permitted`, `invalid`, `reseller_not_found`, `domain_taken`, `store_unavailable`
 */
export async function updatePortal(
  dir: Directory,
  ctx: Context,
  request: { resellerId: string; domain: string | null },
): Promise<{ domain: string | null }> {
  const { resellerId: organization } = request
  const issues = request.domain === null ? [] : checkDomain(request.domain)
  const domain = request.domain === null ? null : foldDomain(request.domain)
  const result = await runUnit(
    dir,
    ctx,
    { operation: 'UpdatePortal', organization, issues },
    async (unit) => {
      const { tx, now } = unit
      const { pk, id } = await getReachableOrganization(unit, { id: organization, kind: 'reseller' })
      await lockOrganization(tx, pk)
      const before = (await selectPortalsOf(tx, [pk])).map((portal) => portal.domain)
      const kept = before.filter((one) => one === domain)
      for (const one of before) if (one !== domain) await deletePortalByDomain(tx, one)
      if (
        domain !== null &&
        kept.length === 0 &&
        !(await insertPortal(tx, { domain, organization: pk, now }))
      )
        throw domainTaken(domain)
      const changes = diff({ portals: before }, { portals: domain === null ? [] : [domain] })
      const outcome = changes.length > 0 ? 'updated' : 'repeated'
      await unit.audit({ outcome, organization: id, target: id, reseller: id, changes })
      return { domain }
    },
  )
  forgetCached(dir)
  return result
}

function domainTaken(domain: string): DirectoryError {
  const message = 'is the domain of another portal'
  return new DirectoryError('domain_taken', `The domain ${domain} is a portal already.`, {
    issues: [{ path: 'domain', rule: 'unique', message }],
  })
}
