import type { Client } from '../model/clients.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import { newId } from '../model/ids.ts'
import { foldDomain, type Organization } from '../model/organizations.ts'
import type { Tx } from '../store/port.ts'
import { isRelated, selectPortalOwner, selectProvider } from '../store/tables/organizations.ts'
import type { Directory } from './directory.ts'
import { read } from './unit.ts'

/** The context of a client's call before a portal has narrowed it. */
export function clientContext(client: Client, correlationId: string): Context {
  return {
    caller: { kind: 'client', pk: client.pk, id: client.id },
    organization: client.organization,
    permission: client.permission,
    portal: null,
    correlationId,
  }
}

/**
 * Narrows a context to the organization that a portal's domain selects.
 * @throws {DirectoryError} `portal_not_in_context` when the domain is unknown or not within the caller's reach
 */
export async function enterPortal(dir: Directory, ctx: Context, domain: string): Promise<Context> {
  const portal = foldDomain(domain)
  const key = `${ctx.organization.pk} ${portal}`
  let organization = dir.portals.get(key)
  if (!organization) {
    organization = await read(dir, (tx) => selectByPortal(tx, ctx.organization, portal))
    dir.portals.set(key, organization)
  }
  return { ...ctx, organization, portal }
}

async function selectByPortal(tx: Tx, own: Organization, domain: string): Promise<Organization> {
  const at = await selectPortalOwner(tx, domain)
  if (at?.providerPk === own.providerPk) {
    // A provider enters its resellers' portals as that reseller; everyone enters their own as themselves.
    if (own.kind === 'provider' || at.pk === own.pk) return at
    // A customer has no portal of its own: it comes in through its provider's, or a reseller's of its own.
    if (own.kind === 'customer' && (at.kind === 'provider' || (await isRelated(tx, own.pk, at.pk))))
      return own
  }
  throw new DirectoryError('portal_not_in_context', 'The portal does not exist, or is not one of yours.')
}

/**
 * The operator's context: the provider itself, with every permission.
 * @throws {DirectoryError} `organization_not_found` when the directory has not been set up
 */
export async function operatorContext(dir: Directory): Promise<Context> {
  const provider = await read(dir, selectProvider)
  if (!provider)
    throw new DirectoryError('organization_not_found', 'The directory is empty; run usher init first.')
  return operatorOf(provider)
}

/** The context of an operator of a provider. */
export function operatorOf(provider: Organization): Context {
  return {
    caller: { kind: 'operator' },
    organization: provider,
    permission: 'administrator',
    portal: null,
    correlationId: newId(),
  }
}
