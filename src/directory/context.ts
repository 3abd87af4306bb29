import type { Client } from '../model/clients.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import { newId } from '../model/ids.ts'
import { foldDomain, type Organization } from '../model/organizations.ts'
import type { Person } from '../model/sessions.ts'
import { foldAddress } from '../model/text.ts'
import type { Tx } from '../store/port.ts'
import { isRelated, selectPortalOwner, selectProvider } from '../store/tables/organizations.ts'
import type { Directory } from './directory.ts'
import { read } from './unit.ts'

/**
 * Makes the context of a client's call, before a portal narrows it.
 * @param address the source address of the request
 */
export function clientContext(client: Client, correlationId: string, address: string | null): Context {
  return {
    caller: { kind: 'client', pk: client.pk, id: client.id },
    organization: client.organization,
    permission: client.permission,
    portal: null,
    correlationId,
    address: address && foldAddress(address),
  }
}

/**
 * Narrows a context to the organization that a portal selects.
 * @param domain as the caller sent it
 * @throws {DirectoryError} `portal_not_in_context` when the portal does not exist or is out of reach,
 *   `store_unavailable`
 */
export async function enterPortal(dir: Directory, ctx: Context, domain: string): Promise<Context> {
  const key = `${ctx.organization.pk} ${domain}`
  const cached = dir.portals.get(key)
  if (cached) return { ...ctx, ...cached }
  const portal = foldDomain(domain)
  const { count } = dir.changes
  const organization = await read(dir, (tx) => selectByPortal(tx, ctx.organization, portal))
  if (count === dir.changes.count) dir.portals.set(key, { organization, portal })
  return { ...ctx, organization, portal }
}

async function selectByPortal(tx: Tx, own: Organization, portal: string): Promise<Organization> {
  const owner = await selectPortalOwner(tx, portal)
  if (owner?.providerPk === own.providerPk) {
    // A provider enters the portal of a reseller as that reseller. Others enter their own portal as themselves.
    if (own.kind === 'provider' || owner.pk === own.pk) return owner
    // A customer has no portal. It uses its provider's, or that of a reseller it is related to.
    if (own.kind === 'customer' && (owner.kind === 'provider' || (await isRelated(tx, own.pk, owner.pk))))
      return own
  }
  throw new DirectoryError('portal_not_in_context', 'The portal does not exist, or is not one of yours.')
}

/**
 * Makes the context of the command line: the provider itself, with every permission.
 * @throws {DirectoryError} `organization_not_found` when the directory has not been set up, `store_unavailable`
 */
export async function operatorContext(dir: Directory): Promise<Context> {
  const provider = await read(dir, selectProvider)
  if (provider) return operatorOf(provider)
  throw new DirectoryError('organization_not_found', 'The directory is empty; run usher init first.')
}

/** Makes the context of the operator of a provider. */
export function operatorOf(provider: Organization): Context {
  return {
    caller: { kind: 'operator' },
    organization: provider,
    permission: 'administrator',
    portal: null,
    correlationId: newId(),
    address: null,
  }
}

/**
 * Makes the context of a person's call.
 * @param request.session the id of the session in which the person calls; none while they sign in
 */
export function personContext(
  { user, organization, permission }: Pick<Person, 'organization' | 'permission'> & { user: { id: string } },
  request: { correlationId: string; address: string | null; session?: string },
): Context {
  const { correlationId, address, session } = request
  return {
    caller: { kind: 'person', id: user.id, ...(session !== undefined && { session }) },
    organization,
    permission,
    portal: null,
    correlationId,
    address: address && foldAddress(address),
  }
}
