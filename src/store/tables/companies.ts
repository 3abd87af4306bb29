import { type Company, domainOf, NO_COMPANY } from '../../model/companies.ts'
import type { OrganizationRecord } from '../../model/organizations.ts'
import { foldKey } from '../../model/text.ts'
import type { Tx } from '../port.ts'
import type { Tables } from '../schema.ts'
import { statement } from '../statement.ts'
import { ORGANIZATION_COLUMNS, type OrganizationRow, toOrganization } from './organizations.ts'

/** The columns of a record. */
export const RECORD_COLUMNS = [
  ...ORGANIZATION_COLUMNS,
  'organizations.company',
  'organizations.internal_identifier',
  'organizations.suspended_at',
  'organizations.deleted_at',
] as const

export type RecordRow = OrganizationRow &
  Pick<Tables['organizations'], 'company' | 'internal_identifier' | 'suspended_at' | 'deleted_at'>

/** Converts a row to a record of the model. */
export function toRecord(row: RecordRow): OrganizationRecord {
  return {
    ...toOrganization(row),
    company: row.company === null ? NO_COMPANY : { ...NO_COMPANY, ...JSON.parse(row.company) },
    internalIdentifier: row.internal_identifier,
    suspendedAt: row.suspended_at,
    deletedAt: row.deleted_at,
  }
}

const selectByPk = statement((db, p: { pk: number }) =>
  db.selectFrom('organizations').select(RECORD_COLUMNS).where('pk', '=', p.pk),
)

/** Returns an organization with everything that is known about it, deleted or not. */
export async function selectRecord(tx: Tx, pk: number): Promise<OrganizationRecord | undefined> {
  const row = await tx.get(selectByPk, { pk })
  return row && toRecord(row)
}

interface CompanyParams {
  readonly pk: number
  readonly name: string
  readonly key: string
  readonly domain: string | null
  readonly company: string
}

const update = statement((db, p: CompanyParams) =>
  db
    .updateTable('organizations')
    .set({ name: p.name, name_key: p.key, email_domain: p.domain, company: p.company })
    .where('pk', '=', p.pk),
)

/** Replaces the name and the company data of an organization. */
export async function updateCompany(
  tx: Tx,
  pk: number,
  { name, company }: { name: string; company: Company },
): Promise<void> {
  const given = Object.entries(company).filter(([, value]) => value !== null)
  await tx.run(update, {
    ...{ pk, name, key: foldKey(name), domain: domainOf(company.email) },
    company: JSON.stringify(Object.fromEntries(given)),
  })
}

interface Identifier {
  readonly identifier: string | null
  readonly key: string | null
}

const updateOwn = statement((db, p: Identifier & { pk: number }) =>
  db
    .updateTable('organizations')
    .set({ internal_identifier: p.identifier, identifier_key: p.key })
    .where('pk', '=', p.pk),
)
const updateOfRelation = statement((db, p: Identifier & { pk: number; reseller: number }) =>
  db
    .updateTable('customer_resellers')
    .set({ internal_identifier: p.identifier, identifier_key: p.key })
    .where('customer_pk', '=', p.pk)
    .where('reseller_pk', '=', p.reseller),
)

/**
 * Replaces the internal identifier of an organization.
 * @param of.reseller the reseller whose relation to the customer has the identifier; null for the provider's
 * @returns false if there is no such relation
 */
export async function updateInternalIdentifier(
  tx: Tx,
  of: { pk: number; reseller: number | null },
  identifier: string | null,
): Promise<boolean> {
  const value = { pk: of.pk, identifier, key: identifier === null ? null : foldKey(identifier) }
  const { reseller } = of
  const changed =
    reseller === null ? tx.run(updateOwn, value) : tx.run(updateOfRelation, { ...value, reseller })
  return (await changed) === 1
}

const setSuspended = statement((db, p: { pk: number; at: string | null }) =>
  db.updateTable('organizations').set({ suspended_at: p.at }).where('pk', '=', p.pk),
)

/** Suspends an organization, or ends its suspension with null. */
export async function updateSuspended(tx: Tx, pk: number, at: string | null): Promise<void> {
  await tx.run(setSuspended, { pk, at })
}

const markDeleted = statement((db, p: { pk: number; now: string }) =>
  db.updateTable('organizations').set({ deleted_at: p.now }).where('pk', '=', p.pk),
)

/** Marks an organization as deleted. Only `selectRecord` and lists that ask for deleted ones return it then. */
export async function markOrganizationDeleted(tx: Tx, pk: number, now: string): Promise<void> {
  await tx.run(markDeleted, { pk, now })
}

const markEmptied = statement((db, p: { pk: number; now: string }) =>
  db.updateTable('organizations').set({ emptied_at: p.now }).where('pk', '=', p.pk),
)

/** Records that a deleted organization has no users and accounts any more. */
export async function markOrganizationEmptied(tx: Tx, pk: number, now: string): Promise<void> {
  await tx.run(markEmptied, { pk, now })
}
