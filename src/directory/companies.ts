import { diff } from '../model/audit.ts'
import {
  COMPANY_MEMBERS,
  type Company,
  type CompanyChange,
  checkCompany,
  foldCompany,
  NO_COMPANY,
} from '../model/companies.ts'
import type { Issue } from '../model/error.ts'
import { foldOptionalId, isUuid, newId, UUID_MESSAGE } from '../model/ids.ts'
import type { Organization, OrganizationRecord } from '../model/organizations.ts'
import { loadPhoneCheck } from '../model/phone.ts'
import { checkText } from '../model/text.ts'
import { selectRecord, updateCompany } from '../store/tables/companies.ts'
import { isIdTaken } from '../store/tables/ids.ts'
import { insertOrganization } from '../store/tables/organizations.ts'
import type { Scope } from './reach.ts'
import { idTaken } from './taken.ts'
import type { Unit } from './unit.ts'

/** A company to create as a customer or a reseller. */
export interface NewCompany {
  /** A new one is made if it is left out. */
  readonly id?: string | undefined
  readonly company: CompanyChange & { readonly companyName: string }
  readonly internalIdentifier?: string | null | undefined
}

/** A company to create. Members may be missing. */
export type PartOfCompany = Omit<NewCompany, 'company'> & { readonly company: CompanyChange }

/** Checks a company to create by the rules that hold for customers and resellers. */
export async function checkNewCompany({ id, company, internalIdentifier }: PartOfCompany): Promise<Issue[]> {
  const issues = checkCompany(company, {
    country: company.country ?? null,
    isPhone: await loadPhoneCheck(),
  })
  if (id !== undefined && !isUuid(id)) issues.push({ path: 'id', rule: 'uuid', message: UUID_MESSAGE })
  return [...issues, ...checkText('internalIdentifier', internalIdentifier ?? null)]
}

/**
 * Inserts the organization of a company. The calling function writes the audit entry.
 * @throws {DirectoryError} `id_taken`
 */
export async function insertNewCompany(
  unit: Unit,
  kind: 'customer' | 'reseller',
  { id: given, company: sent }: NewCompany,
): Promise<Organization> {
  const id = foldOptionalId(given)
  if (id !== undefined && (await isIdTaken(unit.tx, id))) throw idTaken()
  const { companyName: name, ...company } = foldCompany(sent)
  const { providerPk } = unit.ctx.organization
  const row = { id: id ?? newId(), kind, name: sent.companyName, providerPk, now: unit.now }
  const organization = await insertOrganization(unit.tx, row)
  await updateCompany(unit.tx, organization.pk, {
    name: name ?? sent.companyName,
    company: { ...NO_COMPANY, ...company },
  })
  return organization
}

/** Lists the members of a new company that are not empty, for the audit log. */
export function listCompanyFields({ company, internalIdentifier = null }: NewCompany): string[] {
  const fields = Object.entries(company).filter(([, value]) => value !== null && value !== undefined)
  return [...fields.map(([name]) => name), ...(internalIdentifier === null ? [] : ['internalIdentifier'])]
}

/**
 * Returns the members that a call changes: those that differ from what is there.
 */
export function pickChanges(record: OrganizationRecord, sent: CompanyChange): CompanyChange {
  const actual: Company & { companyName: string } = { ...record.company, companyName: record.name }
  const names = ['companyName', ...COMPANY_MEMBERS] as const
  return Object.fromEntries(
    names
      .filter((name) => sent[name] !== undefined && sent[name] !== actual[name])
      .map((name) => [name, sent[name]]),
  )
}

/**
 * Changes the company data of an organization, and writes the audit entry.
 * @param change what `pickChanges` returned, checked
 */
export async function applyCompanyChange(
  unit: Unit,
  record: OrganizationRecord,
  change: CompanyChange,
): Promise<void> {
  const { companyName = record.name, ...members } = change
  const before = { ...record.company, companyName: record.name }
  const changes = diff(before, change, ['companyName', ...COMPANY_MEMBERS])
  const about = { organization: record.id, target: record.id }
  if (changes.length === 0) return unit.audit({ outcome: 'repeated', ...about })
  await updateCompany(unit.tx, record.pk, {
    name: companyName,
    company: { ...record.company, ...members },
  })
  await unit.audit({ outcome: 'updated', ...about, changes, person: { id: record.id } })
}

/**
 * Returns what is known about an organization that the unit has found.
 * @throws {Error} if there is no such organization
 */
export async function getRecord(
  { tx }: Pick<Scope, 'tx'>,
  { pk }: Pick<Organization, 'pk'>,
): Promise<OrganizationRecord> {
  const record = await selectRecord(tx, pk)
  if (!record) throw new Error('an organization that was found is gone in the same unit')
  return record
}
