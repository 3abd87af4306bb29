import type { Operation } from '../model/audit.ts'
import type { Client } from '../model/clients.ts'
import type { Context, Permission } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import { newId } from '../model/ids.ts'
import { foldDomain, type Organization, type OrganizationKind } from '../model/organizations.ts'
import type { Tx } from '../store/port.ts'
import {
  isRelated,
  selectOrganization,
  selectOrganizations,
  selectPortalOwner,
} from '../store/tables/organizations.ts'
import type { Directory } from './directory.ts'
import { read } from './unit.ts'

/** Which permission each operation of the wire APIs takes. What is not listed is the operator's alone. */
const PERMITTED: Partial<Record<Operation, Permission>> = {
  CreateUser: 'administrator',
  CreateTenant: 'osis',
  UpdateTenant: 'osis',
  DeleteTenant: 'osis',
  CreateAccount: 'osis',
  UpdateAccount: 'osis',
  DeleteAccount: 'osis',
  CreateCredential: 'osis',
  UpdateCredential: 'osis',
  DeleteCredential: 'osis',
  CreateRefreshToken: 'osis',
}

/** @throws {DirectoryError} `not_permitted` */
export function assertPermitted(ctx: Pick<Context, 'caller' | 'permission'>, operation: Operation): void {
  if (ctx.caller.kind === 'operator' || PERMITTED[operation] === ctx.permission) return
  throw new DirectoryError(
    'not_permitted',
    `The client's permission is ${ctx.permission}, which does not allow ${operation}.`,
  )
}

/**
 * Whether the client belongs to Cloud Director: whoever has the osis scope may do everything in that API, and nobody else anything.
 * @throws {DirectoryError} `not_permitted`
 */
export function assertSpeaksOsis(ctx: Pick<Context, 'permission'>): void {
  if (ctx.permission === 'osis') return
  throw new DirectoryError(
    'not_permitted',
    `The client's permission is ${ctx.permission}; the OSIS API takes osis.`,
  )
}

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
  const [provider] = await read(dir, (tx) =>
    selectOrganizations(tx, { kind: 'provider', after: 0, limit: 1 }),
  )
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

/**
 * An organization within the caller's reach. One outside answers exactly like one that does not exist.
 * @throws {DirectoryError} `customer_not_found` or `organization_not_found`
 */
export async function getReachable(
  tx: Tx,
  ctx: Context,
  wanted: { id: string; kind?: OrganizationKind | undefined },
): Promise<Organization> {
  const found = await selectOrganization(tx, wanted.id.toLowerCase())
  const kind = wanted.kind ?? found?.kind
  if (found && found.kind === kind && (await isReachable(tx, ctx.organization, found))) return found
  const code =
    wanted.kind === 'customer' || wanted.kind === 'reseller'
      ? (`${wanted.kind}_not_found` as const)
      : 'organization_not_found'
  throw new DirectoryError(code, `There is no ${wanted.kind ?? 'organization'} with the id ${wanted.id}.`)
}

async function isReachable(tx: Tx, own: Organization, other: Organization): Promise<boolean> {
  if (other.pk === own.pk) return true
  if (own.kind === 'provider') return other.providerPk === own.pk
  return own.kind === 'reseller' && isRelated(tx, other.pk, own.pk)
}

/**
 * The reseller in whose context something is done to a customer: the one named, or a reseller's own.
 * @throws {DirectoryError} `reseller_not_found`, `reseller_not_own`, `reseller_not_related`
 */
export async function getReseller(
  tx: Tx,
  ctx: Context,
  wanted: { id: string | undefined; customer: Organization },
): Promise<Organization | null> {
  const own = ctx.organization
  if (wanted.id === undefined) return own.kind === 'reseller' ? own : null
  const reseller = await selectOrganization(tx, wanted.id.toLowerCase())
  if (reseller?.kind !== 'reseller' || reseller.providerPk !== own.providerPk) {
    throw new DirectoryError('reseller_not_found', `There is no reseller with the id ${wanted.id}.`)
  }
  if (own.kind === 'reseller' && reseller.pk !== own.pk) {
    throw new DirectoryError('reseller_not_own', 'A reseller acts in its own context only.')
  }
  if (!(await isRelated(tx, wanted.customer.pk, reseller.pk))) {
    throw new DirectoryError('reseller_not_related', 'The customer has no relation with that reseller.')
  }
  return reseller
}
