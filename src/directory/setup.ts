import { assertValid, DirectoryError } from '../model/error.ts'
import { newId, newTenantId } from '../model/ids.ts'
import { checkDomain, checkOrganizationName, foldDomain, type Organization } from '../model/organizations.ts'
import { GROUP_NAMES } from '../model/users.ts'
import { insertGroup } from '../store/tables/groups.ts'
import { takeLock } from '../store/tables/locks.ts'
import {
  insertOrganization,
  insertPortal,
  insertRelation,
  selectProvider,
} from '../store/tables/organizations.ts'
import { insertTenant } from '../store/tables/tenants.ts'
import { type IssuedClient, issueClient } from './clients.ts'
import { operatorOf } from './context.ts'
import type { Directory } from './directory.ts'
import { newUnit, read, type Unit, write } from './unit.ts'

export interface Setup {
  readonly provider: { readonly id: string; readonly name: string }
  readonly portal: string
  readonly groups: Readonly<Record<string, string>>
  /** A reseller and a customer to try things out with, unless none were wanted. */
  readonly example: {
    readonly resellerId: string
    readonly customerId: string
    readonly tenantId: string
    readonly orgId: string
  } | null
  readonly administrator: IssuedClient
  readonly osis: IssuedClient
}

/** Whether the directory has a provider. */
export async function isSetUp(dir: Directory): Promise<boolean> {
  return (await read(dir, selectProvider)) !== undefined
}

/**
 * Sets up an empty directory in one unit: a provider with a portal domain and its groups, an administrator client,
 * an OSIS client, and, if wanted, an example. The secrets are in the answer and nowhere else.
 * @throws {DirectoryError} `invalid`, `already_set_up`, `store_unavailable`
 */
export async function setUp(
  dir: Directory,
  input: { provider: string; portal: string; example: boolean },
): Promise<Setup> {
  assertValid([...checkOrganizationName(input.provider, 'provider'), ...checkDomain(input.portal, 'portal')])
  return write(dir, async (tx) => {
    const now = dir.now().toISOString()
    await takeLock(tx, 'set-up', now)
    if (await selectProvider(tx))
      throw new DirectoryError('already_set_up', 'The directory has been set up already.')
    const provider = await insertOrganization(tx, {
      id: newId(),
      kind: 'provider',
      name: input.provider,
      providerPk: null,
      now,
    })
    return fill(
      dir,
      newUnit(dir, operatorOf(provider), { operation: 'CreateOrganization' }, tx),
      provider,
      input,
    )
  })
}

async function fill(
  dir: Directory,
  unit: Unit,
  provider: Organization,
  input: { portal: string; example: boolean },
): Promise<Setup> {
  const { tx, now } = unit
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
    await insertGroup(tx, { id, provider: provider.pk, name })
  }
  return {
    provider: { id: provider.id, name: provider.name },
    portal,
    groups,
    example: input.example ? await addExample(dir, unit, provider) : null,
    administrator: await issueClient(unit, provider, { name: 'Administrator', permission: 'administrator' }),
    osis: await issueClient(unit, provider, { name: 'OSIS', permission: 'osis' }),
  }
}

/** A reseller, a customer related to it, and the customer's tenant, so that both APIs have somebody to create users for. */
async function addExample(
  dir: Directory,
  unit: Unit,
  provider: Organization,
): Promise<NonNullable<Setup['example']>> {
  const { tx, now } = unit
  const providerPk = provider.pk
  const reseller = await insertOrganization(tx, {
    id: newId(),
    kind: 'reseller',
    name: 'Example Reseller',
    providerPk,
    now,
  })
  const customer = await insertOrganization(tx, {
    id: newId(),
    kind: 'customer',
    name: 'Example Customer',
    providerPk,
    now,
  })
  await insertRelation(tx, customer.pk, { pk: reseller.pk, now })
  const orgId = newId()
  const tenant = await insertTenant(tx, {
    id: newTenantId('example'),
    organization: customer,
    platform: dir.platform,
    name: customer.name,
    orgIds: [orgId],
    now,
  })
  for (const { id } of [reseller, customer]) {
    await unit.audit({ outcome: 'created', organization: id, target: id, changedFields: ['name', 'kind'] })
  }
  await unit.audit({
    operation: 'CreateTenant',
    outcome: 'created',
    organization: customer.id,
    target: tenant.id,
    changedFields: ['name', 'orgIds'],
  })
  return { resellerId: reseller.id, customerId: customer.id, tenantId: tenant.id, orgId }
}
