import { diff } from '../model/audit.ts'
import type { Client, ExternalId } from '../model/clients.ts'
import type { Context, Permission } from '../model/context.ts'
import { DirectoryError, toInvalid } from '../model/error.ts'
import { foldId, newClientSecret, newId } from '../model/ids.ts'
import type { Organization } from '../model/organizations.ts'
import type { Page, PageRequest } from '../model/pages.ts'
import { checkText } from '../model/text.ts'
import { ConstraintError } from '../store/port.ts'
import {
  insertClient,
  markClientDeleted,
  selectClientPage,
  selectExternalClient,
  selectExternalClients,
  selectWorkingClient,
  updateClientSecret,
} from '../store/tables/clients.ts'
import { lockOrganization } from '../store/tables/organizations.ts'
import { hashSecret, hasSecretId, noteClientUse } from './client-secrets.ts'
import { type Directory, forgetCached } from './directory.ts'
import { getClientOwner, getReachableClient } from './reach.ts'
import { checkOverlapEnd, overlapSecrets } from './secret-overlap.ts'
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
    const organization = await getClientOwner(unit, input.organizationId)
    await lockOrganization(unit.tx, organization.pk)
    if (input.permission === 'osis') assertMayBeOsis(unit, organization)
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

/**
 * An OSIS client reads the secrets of all storage accounts of a provider, which no other client may. So clients cannot
 * make one.
 * @throws {DirectoryError} `invalid`
 */
function assertMayBeOsis({ ctx }: Unit, { kind }: Organization): void {
  if (ctx.caller.kind !== 'operator') {
    const message = 'must not be osis: such clients are added at the command line, with usher client add'
    throw toInvalid([{ path: 'permission', rule: 'operator', message }])
  }
  if (kind === 'provider') return
  const message = 'must be a provider: an OSIS client serves all of its customers'
  throw toInvalid([{ path: 'organizationId', rule: 'kind', message }])
}

/**
 * Finds a client that has not been removed, to authenticate it. The clients of a suspended customer are not found.
 * @throws {DirectoryError} `store_unavailable`
 */
export function findClient(dir: Directory, id: string): Promise<Client | undefined> {
  return read(dir, (tx) => selectWorkingClient(tx, foldId(id)))
}

/**
 * Finds the client that an external issuer knows by an id, to authenticate it. The clients of a suspended customer are
 * not found.
 * @throws {DirectoryError} `store_unavailable`
 */
export async function findExternalClient(
  dir: Directory,
  issuer: string,
  id: string,
): Promise<Client | undefined> {
  const client = await read(dir, (tx) => selectExternalClient(tx, issuer, foldId(id)))
  if (client) noteClientUse(dir, client)
  return client
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
 * Finds the client of one of our own access tokens, to authenticate it. A token ends with the secret that it was issued
 * for. Tokens of 0.1.0 name no secret.
 * @param secretId the id of the secret, as `toSecretId` returns it
 * @throws {DirectoryError} `store_unavailable`
 */
export async function findClientOfToken(
  dir: Directory,
  id: string,
  secretId: string | undefined,
): Promise<Client | undefined> {
  const client = await findClient(dir, id)
  if (!client || (secretId !== undefined && !hasSecretId(client, secretId, dir.now()))) return undefined
  noteClientUse(dir, client)
  return client
}

/**
 * Lists the clients that have not been removed, oldest first: those of a provider and of everything below it, or a
 * reseller's own.
 * @param request.organizationId lists the clients of this organization alone
 * @throws {DirectoryError} `not_permitted`, `organization_not_found`, `store_unavailable`
 */
export function listClients(
  dir: Directory,
  ctx: Context,
  request: { readonly organizationId?: string | undefined; readonly page: PageRequest },
): Promise<Page<Client>> {
  return runRead(dir, ctx, 'ListClients', async (scope) => {
    const { organizationId: id, page } = request
    const own = ctx.organization
    const organization = id === undefined ? own : await getClientOwner(scope, id)
    const isWhole = id === undefined && own.kind === 'provider'
    const within = isWhole ? { providerPk: own.pk } : { organizationPk: organization.pk }
    return selectClientPage(scope.tx, within, page)
  })
}

/**
 * Returns a client.
 * @throws {DirectoryError} `not_permitted`, `client_not_found`, `store_unavailable`
 */
export function getClient(dir: Directory, ctx: Context, id: string): Promise<Client> {
  return runRead(dir, ctx, 'GetClient', (scope) => getReachableClient(scope, id))
}

/** The secret to replace, and until when. */
export interface Rotation {
  readonly id: string
  /**
   * The time until which the former secret is accepted, as `toUtc` returns it, 90 days at most; the secrets before it
   * end then too, unless they end sooner. Null ends all of them at once. By default, the former secret is accepted for a
   * day, and those before it keep their times.
   */
  readonly previousUntil?: string | null | undefined
}

/** The new secret of a client, and until when the former one is accepted. */
export interface RotatedClient {
  readonly id: string
  readonly secret: string
  readonly previousUntil: string | null
}

/**
 * Replaces the secret of a client. This process refuses a secret that the call ends, and the tokens that were issued for
 * it, at once; every other process does within 5 s. Refresh tokens of OSIS stay valid.
 * @throws {DirectoryError} `not_permitted`, `invalid`, `client_not_found`, `client_not_rotatable`, `store_unavailable`
 */
export async function rotateClient(
  dir: Directory,
  ctx: Context,
  { id, previousUntil: until }: Rotation,
): Promise<RotatedClient> {
  const issues = checkOverlapEnd(until, dir.now())
  const subject = { operation: 'RotateClient', target: id, issues, returnsSecret: true } as const
  const rotated = await runUnit(dir, ctx, subject, async (unit) => {
    const client = await getReachableClient(unit, id)
    const former = getFormerSecret(unit, client)
    const now = new Date(unit.now)
    const { previousUntil, previous } = overlapSecrets({ until, now }, (validUntil) => [
      { hash: former, validUntil },
      ...client.previousSecrets,
    ])
    const secret = newClientSecret()
    await updateClientSecret(unit.tx, client.pk, { hash: hashSecret(secret), previous, now: unit.now })
    await unit.audit({
      outcome: 'rotated',
      organization: client.organization.id,
      target: client.id,
      changedFields: ['secret'],
    })
    return { id: client.id, secret, previousUntil }
  })
  forgetCached(dir)
  return rotated
}

/**
 * Returns the hash of the secret to replace.
 * @throws {DirectoryError} `client_not_rotatable` for a client without a secret, and for one of OSIS unless the
 *   operator calls: such a client reads the secrets of all storage accounts, which no other client may
 */
function getFormerSecret({ ctx }: Unit, { secretHash, external, permission }: Client): string {
  const refuse = (why: string) => new DirectoryError('client_not_rotatable', why)
  if (secretHash === null) throw refuse(`The client has no secret: its tokens come from ${external?.issuer}.`)
  if (permission === 'osis' && ctx.caller.kind !== 'operator')
    throw refuse('The secret of an OSIS client is replaced at the command line: usher client rotate.')
  return secretHash
}

/**
 * Removes a client. This process refuses it at once, every other process within 5 s.
 * @throws {DirectoryError} `not_permitted`, `client_not_found`, `store_unavailable`
 */
export async function deleteClient(dir: Directory, ctx: Context, id: string): Promise<void> {
  await runUnit(dir, ctx, { operation: 'DeleteClient', target: id }, async (unit) => {
    const client = await getReachableClient(unit, id)
    await markClientDeleted(unit.tx, client.pk, unit.now)
    await unit.audit({
      outcome: 'deleted',
      organization: client.organization.id,
      target: client.id,
      changes: diff({}, { deletedAt: unit.now }),
    })
  })
  forgetCached(dir)
}
