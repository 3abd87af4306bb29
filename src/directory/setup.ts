import type { Context, Permission } from '../model/context.ts'
import { assertValid, DirectoryError } from '../model/error.ts'
import { newId, newTenantId } from '../model/ids.ts'
import { checkDomain, checkOrganizationName, foldDomain, type Organization } from '../model/organizations.ts'
import { LINK_MS } from '../model/sessions.ts'
import { GROUP_NAMES } from '../model/users.ts'
import { insertAuditKey, newAuditKey } from '../store/audit/keys.ts'
import type { Tx } from '../store/port.ts'
import { selectOldestClient } from '../store/tables/clients.ts'
import { insertGroup, selectGroups } from '../store/tables/groups.ts'
import { takeLock } from '../store/tables/locks.ts'
import {
  insertOrganization,
  insertPortal,
  insertRelation,
  selectOrganizations,
  selectPortals,
  selectProvider,
} from '../store/tables/organizations.ts'
import { insertTenant, selectTenantOfCustomer } from '../store/tables/tenants.ts'
import { type IssuedClient, issueClient } from './clients.ts'
import { operatorOf } from './context.ts'
import type { Directory } from './directory.ts'
import { getMainPlatform, settleMainPlatform } from './platforms.ts'
import { newAuditKeySealer } from './sealing/audit-keys.ts'
import { type IssuedLink, issueLink } from './sign-in-links.ts'
import { newUnit, read, runRead, type Unit, write } from './unit.ts'

/** A set-up directory, with the secrets of its first clients. */
export interface Setup {
  readonly provider: { readonly id: string; readonly name: string }
  readonly portal: string
  /** The id of each group, with the name of the group as the key. */
  readonly groups: Readonly<Record<string, string>>
  readonly example: Example | null
  readonly administrator: IssuedClient
  readonly osis: IssuedClient
  /** The link that makes the first Administrator of the provider; null if none was asked for. */
  readonly link: IssuedLink | null
}

/** What a set-up made, without secrets. A portal, client or example that was removed since is null. */
export interface SetupIds {
  readonly provider: Setup['provider']
  readonly portal: string | null
  readonly groups: Setup['groups']
  readonly example: ExampleIds | null
  readonly administrator: { readonly id: string } | null
  readonly osis: { readonly id: string } | null
}

/** The example that still exists. Its tenant is null if it was removed. */
export interface ExampleIds {
  readonly resellerId: string | null
  readonly customerId: string | null
  readonly tenantId: string | null
  readonly orgId: string | null
}

/** A reseller and a customer with a tenant, so that both APIs have an organization to create users in. */
export interface Example {
  readonly resellerId: string
  readonly customerId: string
  readonly tenantId: string
  readonly orgId: string
}

const ALREADY_SET_UP =
  'The directory has been set up already. usher status shows its ids; usher client add makes a client with a new secret.'

/**
 * Returns whether the directory has a provider.
 * @throws {DirectoryError} `store_unavailable`
 */
export async function isSetUp(dir: Directory): Promise<boolean> {
  return (await read(dir, selectProvider)) !== undefined
}

/**
 * Reads what the set-up made. The portal and the clients are the oldest ones of the provider.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function getSetup(dir: Directory, ctx: Context): Promise<SetupIds> {
  return runRead(dir, ctx, 'GetSetup', async ({ tx }) => {
    const { pk, id, name } = ctx.organization
    const [portal] = await selectPortals(tx, { providerPk: pk, ownerPk: pk, limit: 1 })
    const groups = (await selectGroups(tx, pk)).sort((a, b) => positionOf(a.name) - positionOf(b.name))
    const find = async (permission: Permission): Promise<{ id: string } | null> =>
      (await selectOldestClient(tx, pk, permission)) ?? null
    return {
      provider: { id, name },
      portal: portal?.domain ?? null,
      groups: Object.fromEntries(groups.map((group) => [group.name, group.id])),
      example: await readExample(dir, tx, ctx.organization),
      administrator: await find('administrator'),
      osis: await find('osis'),
    }
  })
}

/** The position of a group in the order of the set-up. */
function positionOf(group: string): number {
  return (GROUP_NAMES as readonly string[]).indexOf(group)
}

async function readExample(dir: Directory, tx: Tx, provider: Organization): Promise<ExampleIds | null> {
  // The set-up inserts them right after the provider.
  const next = await selectOrganizations(tx, { after: provider.pk, limit: 2 })
  const reseller = next.find(({ name }) => name === EXAMPLE_RESELLER)
  const customer = next.find(({ name }) => name === EXAMPLE_CUSTOMER)
  if (!reseller && !customer) return null
  const platform = await getMainPlatform(tx, dir)
  const found = customer && (await selectTenantOfCustomer(tx, customer.pk, platform))
  const tenant = found?.deleted === false ? found.tenant : undefined
  return {
    resellerId: reseller?.id ?? null,
    customerId: customer?.id ?? null,
    tenantId: tenant?.id ?? null,
    orgId: tenant?.orgIds[0] ?? null,
  }
}

const EXAMPLE_RESELLER = 'Example Reseller'
const EXAMPLE_CUSTOMER = 'Example Customer'

/**
 * Sets up an empty directory in one commit: a provider with a portal and its groups, an administrator client, an OSIS
 * client, a link by which the first person enters the console, and an example if asked for. The secrets of the clients
 * and the token of the link are returned, but not stored.
 * @param input.console whether there is a link; by default there is
 * @throws {DirectoryError} `invalid`, `already_set_up`, `store_unavailable`
 */
export async function setUp(
  dir: Directory,
  input: { provider: string; portal: string; example: boolean; console?: boolean },
): Promise<Setup> {
  assertValid([...checkOrganizationName(input.provider, 'provider'), ...checkDomain(input.portal, 'portal')])
  return write(dir, async (tx) => {
    const now = dir.now().toISOString()
    await takeLock(tx, 'set-up', now)
    if (await selectProvider(tx)) throw new DirectoryError('already_set_up', ALREADY_SET_UP)
    const row = { id: newId(), kind: 'provider', name: input.provider, providerPk: null, now } as const
    const provider = await insertOrganization(tx, row)
    const key = newAuditKey()
    const sealed = newAuditKeySealer(() => dir.sealer).seal(key)
    await insertAuditKey(tx, { id: key.id, sealed }, now)
    const unit = newUnit(dir, operatorOf(provider), { operation: 'CreateOrganization' }, tx)
    return fill(dir, unit, input)
  })
}

async function fill(
  dir: Directory,
  unit: Unit,
  input: { portal: string; example: boolean; console?: boolean },
): Promise<Setup> {
  const { tx, now } = unit
  const provider = unit.ctx.organization
  await unit.audit({
    outcome: 'created',
    target: provider.id,
    changedFields: ['name', 'kind', 'portal', 'groups'],
  })
  const portal = foldDomain(input.portal)
  await insertPortal(tx, { domain: portal, organization: provider.pk, now })
  const groups: Record<string, string> = {}
  for (const name of GROUP_NAMES) {
    const id = newId()
    groups[name] = id
    await insertGroup(tx, { id, provider: provider.pk, name, now })
  }
  const platform = await settleMainPlatform(tx, dir.platform, now)
  return {
    provider: { id: provider.id, name: provider.name },
    portal,
    groups,
    example: input.example ? await insertExample(unit, platform) : null,
    administrator: await issueClient(unit, provider, { name: 'Administrator', permission: 'administrator' }),
    osis: await issueClient(unit, provider, { name: 'OSIS', permission: 'osis' }),
    link: input.console === false ? null : await issueLink(unit, { found: null, ms: LINK_MS.first }),
  }
}

async function insertExample(unit: Unit, platform: string): Promise<Example> {
  const { tx, now } = unit
  const reseller = await insertBelow(unit, 'reseller', EXAMPLE_RESELLER)
  const customer = await insertBelow(unit, 'customer', EXAMPLE_CUSTOMER)
  await insertRelation(tx, customer.pk, { pk: reseller.pk, now })
  const orgId = newId()
  const row = { id: newTenantId('example'), name: customer.name, orgIds: [orgId], now }
  const tenant = await insertTenant(tx, { ...row, organization: customer, platform })
  await unit.audit({
    operation: 'CreateTenant',
    outcome: 'created',
    organization: customer.id,
    target: tenant.id,
    changedFields: ['name', 'orgIds'],
  })
  return { resellerId: reseller.id, customerId: customer.id, tenantId: tenant.id, orgId }
}

/** Inserts an organization below the provider, with its audit entry. */
async function insertBelow(unit: Unit, kind: 'reseller' | 'customer', name: string): Promise<Organization> {
  const { tx, ctx, now } = unit
  const id = newId()
  const organization = await insertOrganization(tx, { id, kind, name, providerPk: ctx.organization.pk, now })
  const operation = kind === 'customer' ? 'CreateCustomer' : 'CreateReseller'
  const about = { organization: id, target: id, changedFields: ['name', 'kind'] }
  await unit.audit({ operation, outcome: 'created', ...about })
  return organization
}
