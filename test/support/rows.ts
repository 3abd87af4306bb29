import type { AuditEntry } from '../../src/model/audit.ts'
import { foldEmail } from '../../src/model/email.ts'
import { newId } from '../../src/model/ids.ts'
import type { Organization } from '../../src/model/organizations.ts'
import { nameKeyOf } from '../../src/model/users.ts'
import { insertAuditEntry } from '../../src/store/audit/entry-rows.ts'
import type { Store, Tx, UserRecord } from '../../src/store/port.ts'
import { insertOrganization, selectOrganizationByPk } from '../../src/store/tables/organizations.ts'

export const NOW = '2026-11-22T08:00:00.000Z'

export function addProvider(store: Store): Promise<Organization> {
  const row = { id: newId(), kind: 'provider', name: 'Provider', providerPk: null, now: NOW } as const
  return store.write((tx) => insertOrganization(tx, row))
}

export function addOrganization(
  store: Store,
  provider: Organization,
  kind: 'reseller' | 'customer',
): Promise<Organization> {
  const row = { id: newId(), kind, name: `A ${kind}`, providerPk: provider.pk, now: NOW }
  return store.write((tx) => insertOrganization(tx, row))
}

/** Inserts a user with an e-mail; returns its key, or undefined if it is refused. */
export function putUser(
  tx: Tx,
  organization: number,
  email: string | null,
  id = newId(),
): Promise<number | undefined> {
  return insertUser(tx, { id, organizationPk: organization, firstName: null, lastName: null, email })
}

/**
 * Inserts a user without an audit entry, beside a deleted user with the e-mail; returns its key, or undefined if it is
 * refused.
 */
export async function insertUser(
  tx: Tx,
  user: Pick<UserRecord, 'id' | 'organizationPk' | 'firstName' | 'lastName' | 'email'>,
): Promise<number | undefined> {
  const organization = await selectOrganizationByPk(tx, user.organizationPk)
  if (!organization) return undefined
  const { id: organizationId, providerPk } = organization
  const emailKey = user.email === null ? null : foldEmail(user.email)
  const nameKey = nameKeyOf({ ...user, emailKey })
  const record = { ...user, resellerPk: null, providerPk, now: NOW }
  const row = { user: record, organizationId, resellerId: null, emailKey, nameKey, groups: [], entry: null }
  const [outcome] = await tx.insertUsers([{ ...row, besideDeleted: true }])
  return outcome === 'refused' ? undefined : outcome
}

export function newEntry(change: Partial<AuditEntry> = {}): AuditEntry {
  return {
    id: newId(),
    at: NOW,
    operation: 'CreateUser',
    status: 'Succeeded',
    outcome: 'created',
    caller: { kind: 'client', id: 'client' },
    portal: 'localhost',
    organization: 'organization',
    target: 'target',
    correlationId: newId(),
    address: '192.0.2.1',
    reseller: null,
    changedFields: ['firstName', 'email'],
    ...change,
  }
}

/** Commits entries, all of them in one unit, so in one block. */
export function putEntries(store: Store, ...entries: AuditEntry[]): Promise<void> {
  return store.write(async (tx) => {
    for (const entry of entries) await insertAuditEntry(tx, entry)
  })
}

/** Returns the number of rows of each table. */
export async function countRows(store: Store, tables: readonly string[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const table of tables) {
    const [row] = await store.read((tx) =>
      // Counting is the same for all tables, so the type of one stands for all.
      tx.query((db) => db.selectFrom(table as 'users').select((eb) => eb.fn.countAll<number>().as('rows'))),
    )
    counts[table] = Number(row?.rows)
  }
  return counts
}

/** Every table that a create could write to, except the audit log. */
export const CONTENT_TABLES = [
  'organizations',
  'customer_resellers',
  'portals',
  'groups',
  'users',
  'memberships',
  'tenants',
  'tenant_orgs',
  'accounts',
  'credentials',
  'clients',
  'idempotency_keys',
] as const
