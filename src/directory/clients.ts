import { hash, timingSafeEqual } from 'node:crypto'
import type { Client } from '../model/clients.ts'
import type { Context, Permission } from '../model/context.ts'
import { assertValid, DirectoryError } from '../model/error.ts'
import { newClientSecret, newId } from '../model/ids.ts'
import type { Organization } from '../model/organizations.ts'
import { checkText } from '../model/text.ts'
import { ConstraintError } from '../store/port.ts'
import {
  insertClient,
  markClientDeleted,
  selectAllClients,
  selectClient,
  selectExternalClient,
} from '../store/tables/clients.ts'
import type { Directory } from './directory.ts'
import { getReachableOrganization } from './reach.ts'
import { read, runRead, runUnit, type Unit } from './unit.ts'

export interface NewClient {
  readonly organizationId: string
  readonly name: string
  readonly permission: Permission
  /** For a client that an external issuer vouches for: that issuer, and the client's id there. It gets no secret. */
  readonly external?: { readonly issuer: string; readonly id: string } | undefined
}

/** A new client; its secret is shown here and never again. */
export interface IssuedClient {
  readonly id: string
  readonly secret: string | null
}

/**
 * Creates a client. A secret has 256 bits, so a plain SHA-256 of it is as hard to invert as the secret is to guess.
 * @throws {DirectoryError} `invalid`, `organization_not_found`, `external_id_taken`
 */
export function createClient(dir: Directory, ctx: Context, input: NewClient): Promise<IssuedClient> {
  return runUnit(
    dir,
    ctx,
    { operation: 'CreateClient', organization: input.organizationId },
    async (unit) => {
      assertValid(checkText('name', input.name, { min: 1 }))
      const organization = await getReachableOrganization(unit, { id: input.organizationId })
      if (input.permission === 'osis' && organization.kind !== 'provider') throw osisNeedsProvider()
      const issued = await issueClient(unit, organization, input)
      return issued
    },
  )
}

/** Inserts a client and audits it. */
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
      externalId: external?.id ?? null,
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
  return new DirectoryError('invalid', `organization ${message}`, {
    issues: [{ path: 'organizationId', rule: 'kind', message }],
  })
}

/** How a client's secret is kept. */
export function hashSecret(secret: string): string {
  return hash('sha256', secret, 'base64url')
}

/** Whether the secret is the client's, in a time that does not depend on how much of it is right. */
export function isSecretOf(client: Client, secret: string): boolean {
  if (client.secretHash === null) return false
  return timingSafeEqual(Buffer.from(client.secretHash), Buffer.from(hashSecret(secret)))
}

export function findClient(dir: Directory, id: string): Promise<Client | undefined> {
  return read(dir, (tx) => selectClient(tx, id))
}

export function findExternalClient(dir: Directory, issuer: string, id: string): Promise<Client | undefined> {
  return read(dir, (tx) => selectExternalClient(tx, issuer, id))
}

export function listClients(dir: Directory, ctx: Context): Promise<Client[]> {
  return runRead(dir, ctx, 'ListClients', ({ tx }) => selectAllClients(tx))
}

/**
 * Revokes a client; every process refuses it within 5 s.
 * @throws {DirectoryError} `client_not_found`
 */
export function deleteClient(dir: Directory, ctx: Context, id: string): Promise<void> {
  return runUnit(dir, ctx, { operation: 'DeleteClient', target: id }, async (unit) => {
    const client = await selectClient(unit.tx, id)
    if (!client) throw new DirectoryError('client_not_found', `There is no client with the id ${id}.`)
    await markClientDeleted(unit.tx, client.pk, unit.now)
    await unit.audit({ outcome: 'deleted', organization: client.organization.id, target: client.id })
  })
}
