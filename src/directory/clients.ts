import { hash, timingSafeEqual } from 'node:crypto'
import type { Client, ExternalId } from '../model/clients.ts'
import type { Context, Permission } from '../model/context.ts'
import { DirectoryError, toInvalid } from '../model/error.ts'
import { foldId, newClientSecret, newId } from '../model/ids.ts'
import type { Organization } from '../model/organizations.ts'
import { checkText } from '../model/text.ts'
import { ConstraintError } from '../store/port.ts'
import {
  insertClient,
  markClientDeleted,
  selectAllClients,
  selectClient,
  selectExternalClient,
  selectExternalClients,
} from '../store/tables/clients.ts'
import type { Directory } from './directory.ts'
import { getReachableOrganization } from './reach.ts'
import { read, runRead, runUnit, type Unit } from './unit.ts'

/** A client to create. */
export interface NewClient {
  readonly organizationId: string
  readonly name: string
  readonly permission: Permission
  /** For a client whose tokens come from an external issuer: the issuer and its id of the client. It gets no secret. */
  readonly external?: ExternalId | undefined
}

/** A new client. Its secret is returned only here; a client of an external issuer has none (null). */
export interface IssuedClient {
  readonly id: string
  readonly secret: string | null
}

/**
 * Creates a client.
 * @throws {DirectoryError} `not_permitted`, `invalid`, `organization_not_found`, `external_id_taken`,
 *   `store_unavailable`
 */
export function createClient(dir: Directory, ctx: Context, input: NewClient): Promise<IssuedClient> {
  const externalId = input.external?.id ?? null
  const issues = [
    ...checkText('name', input.name, { min: 1 }),
    ...checkText('externalId', externalId, { min: 1 }),
  ]
  const subject = {
    operation: 'CreateClient',
    organization: input.organizationId,
    issues,
    returnsSecret: true,
  } as const
  return runUnit(dir, ctx, subject, async (unit) => {
    const organization = await getReachableOrganization(unit, { id: input.organizationId })
    if (input.permission === 'osis' && organization.kind !== 'provider') throw osisNeedsProvider()
    return issueClient(unit, organization, input)
  })
}

/**
 * Inserts a client, with its audit entry.
 * @throws {DirectoryError} `external_id_taken`
 */
export async function issueClient(
  unit: Unit,
  organization: Organization,
  input: Omit<NewClient, 'organizationId'>,
): Promise<IssuedClient> {
  const { name, permission, external } = input
  const id = newId()
  const secret = external ? null : newClientSecret()
  try {
    await insertClient(unit.tx, {
      id,
      organization: organization.pk,
      name,
      permission,
      secretHash: secret && hashSecret(secret),
      externalIssuer: external?.issuer ?? null,
      externalId: external ? foldId(external.id) : null,
      now: unit.now,
    })
  } catch (error) {
    if (!(error instanceof ConstraintError)) throw error
    const message = `Another client has the id ${external?.id} at ${external?.issuer}.`
    throw new DirectoryError('external_id_taken', message, { cause: error })
  }
  const changedFields = ['name', 'permission', secret ? 'secret' : 'external']
  await unit.audit({
    operation: 'CreateClient',
    outcome: 'created',
    organization: organization.id,
    target: id,
    changedFields,
  })
  return { id, secret }
}

function osisNeedsProvider(): DirectoryError {
  const message = 'must be a provider: an OSIS client serves all of its customers'
  return toInvalid([{ path: 'organizationId', rule: 'kind', message }])
}

/** Hashes a secret. It has 256 random bits, so its plain SHA-256 cannot be inverted by guessing. */
function hashSecret(secret: string): string {
  return hash('sha256', secret, 'base64url')
}

/** Returns whether a secret is the client's, in a time that does not depend on how much of it is right. */
export function isSecretOf(client: Client, secret: string): boolean {
  if (client.secretHash === null) return false
  return timingSafeEqual(Buffer.from(client.secretHash), Buffer.from(hashSecret(secret)))
}

/**
 * Finds a client that has not been removed, to authenticate it.
 * @throws {DirectoryError} `store_unavailable`
 */
export function findClient(dir: Directory, id: string): Promise<Client | undefined> {
  return read(dir, (tx) => selectClient(tx, foldId(id)))
}

/**
 * Finds the client that an external issuer knows by an id, to authenticate it.
 * @throws {DirectoryError} `store_unavailable`
 */
export function findExternalClient(dir: Directory, issuer: string, id: string): Promise<Client | undefined> {
  return read(dir, (tx) => selectExternalClient(tx, issuer, foldId(id)))
}

/**
 * Finds the clients whose issuer is none of the given ones: their tokens are refused.
 * @throws {DirectoryError} `store_unavailable`
 */
export async function findClientsOfOtherIssuers(
  dir: Directory,
  issuers: readonly string[],
): Promise<Client[]> {
  const clients = await read(dir, selectExternalClients)
  return clients.filter(({ external }) => external && !issuers.includes(external.issuer))
}

/**
 * Lists the clients that have not been removed.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function listClients(dir: Directory, ctx: Context): Promise<Client[]> {
  return runRead(dir, ctx, 'ListClients', ({ tx }) => selectAllClients(tx))
}

/**
 * Removes a client. Every process refuses it within 5 s.
 * @throws {DirectoryError} `not_permitted`, `client_not_found`, `store_unavailable`
 */
export function deleteClient(dir: Directory, ctx: Context, id: string): Promise<void> {
  return runUnit(dir, ctx, { operation: 'DeleteClient', target: id }, async (unit) => {
    const client = await selectClient(unit.tx, foldId(id))
    if (!client) throw new DirectoryError('client_not_found', `There is no client with the id ${id}.`)
    await markClientDeleted(unit.tx, client.pk, unit.now)
    await unit.audit({ outcome: 'deleted', organization: client.organization.id, target: client.id })
  })
}
