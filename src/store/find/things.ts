import { sql } from 'kysely'
import { listSpellings } from '../../model/ids.ts'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'

/** A tenant as a search shows it. */
export interface FoundTenant {
  readonly id: string
  readonly name: string
  readonly organizationPk: number
  readonly deleted: boolean
}

const TENANT = ['tenants.id', 'tenants.name', 'tenants.organization_pk', 'tenants.deleted_at'] as const

interface TenantRow {
  readonly id: string
  readonly name: string
  readonly organization_pk: number
  readonly deleted_at: string | null
}

function toTenant({ id, name, organization_pk, deleted_at }: TenantRow): FoundTenant {
  return { id, name, organizationPk: organization_pk, deleted: deleted_at !== null }
}

const tenantById = statement((db, p: { provider: number; id: string }) =>
  db.selectFrom('tenants').select(TENANT).where('id', '=', p.id).where('provider_pk', '=', p.provider),
)

/** Returns a provider's tenant with an id, deleted or not. */
export async function selectFoundTenant(
  tx: Tx,
  provider: number,
  id: string,
): Promise<FoundTenant | undefined> {
  const row = await tx.get(tenantById, { provider, id })
  return row && toTenant(row)
}

/** Returns a provider's tenants to which a Cloud Director org is mapped: at most one on each platform. */
export async function selectTenantsOfOrg(tx: Tx, provider: number, org: string): Promise<FoundTenant[]> {
  const rows = await tx.query((db) =>
    db
      .selectFrom('tenant_orgs')
      .innerJoin('tenants', 'tenants.pk', 'tenant_orgs.tenant_pk')
      .select(TENANT)
      .where('tenant_orgs.provider_pk', '=', provider)
      .where('tenant_orgs.org_id', 'in', listSpellings(org))
      .orderBy('tenants.pk'),
  )
  return rows.map(toTenant)
}

/** An account as a search shows it. */
export interface FoundAccount {
  readonly canonicalUserId: string
  readonly userPk: number
  readonly state: 'active' | 'suspended' | 'removed'
}

const ACCOUNT = [
  ...(['accounts.canonical_user_id', 'accounts.user_pk', 'accounts.wanted'] as const),
  'accounts.active as account_active',
] as const

interface AccountRow {
  readonly canonical_user_id: string
  readonly user_pk: number
  readonly wanted: number
  readonly account_active: number
}

function toAccount({ canonical_user_id, user_pk, wanted, account_active }: AccountRow): FoundAccount {
  const state = wanted === 0 ? 'removed' : account_active === 1 ? 'active' : 'suspended'
  return { canonicalUserId: canonical_user_id, userPk: user_pk, state }
}

const accountById = statement((db, p: { provider: number; id: string }) =>
  db
    .selectFrom('accounts')
    .select(ACCOUNT)
    .where('canonical_user_id', '=', p.id)
    .where('provider_pk', '=', p.provider),
)

/** Returns a provider's account with a canonical id, also a removed one. */
export async function selectFoundAccount(
  tx: Tx,
  provider: number,
  id: string,
): Promise<FoundAccount | undefined> {
  const row = await tx.get(accountById, { provider, id })
  return row && toAccount(row)
}

/** Returns a provider's accounts of a Cloud Director user, at most `limit`. */
export async function selectAccountsOfOrgUser(
  tx: Tx,
  provider: number,
  { id, limit }: { id: string; limit: number },
): Promise<FoundAccount[]> {
  const rows = await tx.query((db) =>
    db
      .selectFrom('accounts')
      .select(ACCOUNT)
      .where('provider_pk', '=', provider)
      .where('org_user_id', 'in', listSpellings(id))
      // An account without Cloud Director has the id of its user in this place.
      .where('org_id', '<>', '')
      // A literal, as in the condition of the index.
      .where('wanted', '=', sql.lit(1))
      .limit(limit),
  )
  return rows.map(toAccount)
}

/** A key as a search shows it. */
export interface FoundKey {
  readonly accessKey: string
  readonly userPk: number
  readonly state: 'active' | 'disabled' | 'deleted'
}

const keyByName = statement((db, p: { provider: number; key: string }) =>
  db
    .selectFrom('credentials')
    .innerJoin('accounts', 'accounts.pk', 'credentials.account_pk')
    .select(['credentials.access_key', 'credentials.active', 'credentials.wanted', 'accounts.user_pk'])
    .where('credentials.access_key', '=', p.key)
    .where('credentials.provider_pk', '=', p.provider),
)

/** Returns a provider's key with an access key, also a deleted one that its platform still has. */
export async function selectFoundKey(tx: Tx, provider: number, key: string): Promise<FoundKey | undefined> {
  const row = await tx.get(keyByName, { provider, key })
  if (!row) return undefined
  const state = row.wanted !== 1 ? 'deleted' : row.active === 1 ? 'active' : 'disabled'
  return { accessKey: row.access_key, userPk: row.user_pk, state }
}
