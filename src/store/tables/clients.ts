import type { Client, PreviousSecret } from '../../model/clients.ts'
import type { Permission } from '../../model/context.ts'
import type { OrganizationKind } from '../../model/organizations.ts'
import type { Page, PageRequest } from '../../model/pages.ts'
import { countMatching, planPage } from '../paging.ts'
import type { QueryBuilder, Tx } from '../port.ts'
import { statement } from '../statement.ts'

interface ClientRow {
  pk: number
  id: string
  name: string
  permission: Permission
  secret_hash: string | null
  external_issuer: string | null
  external_id: string | null
  created_at: string
  previous_secrets: string | null
  secret_at: string | null
  last_used_at: string | null
  organization_pk: number
  organization_id: string
  kind: OrganizationKind
  organization_name: string
  provider_pk: number | null
  organization_created_at: string
}

/** Converts a row to a client of the model. */
export function toClient(row: ClientRow): Client {
  const { external_issuer: issuer, external_id: id, previous_secrets: previous } = row
  return {
    pk: row.pk,
    id: row.id,
    name: row.name,
    permission: row.permission,
    secretHash: row.secret_hash,
    previousSecrets: previous === null ? [] : (JSON.parse(previous) as PreviousSecret[]),
    secretAt: row.secret_at,
    lastUsedAt: row.last_used_at,
    external: issuer === null || id === null ? null : { issuer, id },
    createdAt: row.created_at,
    organization: {
      pk: row.organization_pk,
      id: row.organization_id,
      kind: row.kind,
      name: row.organization_name,
      providerPk: row.provider_pk ?? row.organization_pk,
      createdAt: row.organization_created_at,
    },
  }
}

const CLIENT_COLUMNS = [
  'clients.pk',
  'clients.id',
  'clients.name',
  'clients.permission',
  'clients.secret_hash',
  'clients.external_issuer',
  'clients.external_id',
  'clients.created_at',
  'clients.previous_secrets',
  'clients.secret_at',
  'clients.last_used_at',
  'clients.organization_pk',
  'organizations.id as organization_id',
  'organizations.kind',
  'organizations.name as organization_name',
  'organizations.provider_pk',
  'organizations.created_at as organization_created_at',
] as const

/** Starts a query for clients with their organizations. Removed clients and organizations are left out. */
export function selectClients(db: QueryBuilder) {
  return joinOrganizations(db).select(CLIENT_COLUMNS)
}

function joinOrganizations(db: QueryBuilder) {
  return db
    .selectFrom('clients')
    .innerJoin('organizations', 'organizations.pk', 'clients.organization_pk')
    .where('clients.deleted_at', 'is', null)
    .where('organizations.deleted_at', 'is', null)
}

const selectById = statement((db, p: { id: string }) => selectClients(db).where('clients.id', '=', p.id))

/** Returns the client with this id, unless it was removed. */
export async function selectClient(tx: Tx, id: string): Promise<Client | undefined> {
  const row = await tx.get(selectById, { id })
  return row && toClient(row)
}

/** Starts a query for clients that may call: their organization is not suspended either. */
function selectWorking(db: QueryBuilder) {
  return selectClients(db).where('organizations.suspended_at', 'is', null)
}

const selectWorkingById = statement((db, p: { id: string }) =>
  selectWorking(db).where('clients.id', '=', p.id),
)

/** Returns the client with this id, unless it was removed, or its organization was suspended. */
export async function selectWorkingClient(tx: Tx, id: string): Promise<Client | undefined> {
  const row = await tx.get(selectWorkingById, { id })
  return row && toClient(row)
}

const selectByExternalId = statement((db, p: { issuer: string; id: string }) =>
  selectWorking(db).where('clients.external_issuer', '=', p.issuer).where('clients.external_id', '=', p.id),
)

/** Like `selectWorkingClient`, with the id by which an external issuer knows the client. */
export async function selectExternalClient(tx: Tx, issuer: string, id: string): Promise<Client | undefined> {
  const row = await tx.get(selectByExternalId, { issuer, id })
  return row && toClient(row)
}

const selectExternal = statement((db) =>
  selectClients(db).where('clients.external_issuer', 'is not', null).orderBy('clients.pk'),
)

/** Returns the clients of external issuers that were not removed, oldest first. */
export async function selectExternalClients(tx: Tx): Promise<Client[]> {
  return (await tx.all(selectExternal, {})).map(toClient)
}

const selectOldest = statement((db, p: { organization: number; permission: Permission }) =>
  selectClients(db)
    .where('clients.organization_pk', '=', p.organization)
    .where('clients.permission', '=', p.permission)
    .orderBy('clients.pk')
    .limit(1),
)

/** Returns the oldest client of an organization with a permission that was not removed. */
export async function selectOldestClient(
  tx: Tx,
  organization: number,
  permission: Permission,
): Promise<Client | undefined> {
  const row = await tx.get(selectOldest, { organization, permission })
  return row && toClient(row)
}

/** The clients of one organization, or of a provider and everything below it. */
export type ClientScope = { readonly organizationPk: number } | { readonly providerPk: number }

/** Returns a part of the clients in scope that were not removed, oldest first, and their number. */
export async function selectClientPage(tx: Tx, scope: ClientScope, page: PageRequest): Promise<Page<Client>> {
  const total = await countMatching(tx, (db) => selectIn(db, scope))
  const plan = planPage(page, total)
  if (!plan) return { items: [], total }
  const rows = await tx.query((db) =>
    selectIn(db, scope)
      .select(CLIENT_COLUMNS)
      .orderBy('clients.pk', plan.direction)
      .offset(plan.offset)
      .limit(plan.limit),
  )
  const items = rows.map(toClient)
  return { items: plan.direction === 'asc' ? items : items.reverse(), total }
}

function selectIn(db: QueryBuilder, scope: ClientScope) {
  const clients = joinOrganizations(db)
  if ('organizationPk' in scope) return clients.where('clients.organization_pk', '=', scope.organizationPk)
  const { providerPk } = scope
  return clients.where((eb) =>
    eb.or([eb('organizations.provider_pk', '=', providerPk), eb('organizations.pk', '=', providerPk)]),
  )
}

interface ClientRecord {
  readonly id: string
  readonly organization: number
  readonly name: string
  readonly permission: Permission
  readonly secretHash: string | null
  readonly externalIssuer: string | null
  readonly externalId: string | null
  readonly now: string
}

const insert = statement((db, p: ClientRecord) =>
  db.insertInto('clients').values({
    id: p.id,
    organization_pk: p.organization,
    name: p.name,
    permission: p.permission,
    secret_hash: p.secretHash,
    external_issuer: p.externalIssuer,
    external_id: p.externalId,
    created_at: p.now,
    secret_at: p.secretHash === null ? null : p.now,
  }),
)

/**
 * Inserts a client.
 * @throws {ConstraintError} when another client has the external id
 */
export async function insertClient(tx: Tx, client: ClientRecord): Promise<void> {
  await tx.run(insert, client)
}

// The row stays: audit entries and idempotency keys refer to it.
const markDeleted = statement((db, p: { pk: number; now: string }) =>
  db
    .updateTable('clients')
    .set({ deleted_at: p.now, secret_hash: null, previous_secrets: null })
    .where('pk', '=', p.pk),
)

/** Marks a client as deleted, and deletes its secrets. */
export async function markClientDeleted(tx: Tx, pk: number, now: string): Promise<void> {
  await tx.run(markDeleted, { pk, now })
}

interface NewSecret {
  readonly pk: number
  readonly secretHash: string
  readonly previous: string | null
  readonly now: string
}

const replaceSecret = statement((db, p: NewSecret) =>
  db
    .updateTable('clients')
    .set({ secret_hash: p.secretHash, previous_secrets: p.previous, secret_at: p.now })
    .where('pk', '=', p.pk),
)

/** Replaces the secret of a client. */
export async function updateClientSecret(
  tx: Tx,
  pk: number,
  secret: { readonly hash: string; readonly previous: readonly PreviousSecret[]; readonly now: string },
): Promise<void> {
  const { hash: secretHash, previous, now } = secret
  const kept = previous.length === 0 ? null : JSON.stringify(previous)
  await tx.run(replaceSecret, { pk, secretHash, previous: kept, now })
}

const setLastUse = statement((db, p: { pk: number; at: string }) =>
  db
    .updateTable('clients')
    .set({ last_used_at: p.at })
    .where('pk', '=', p.pk)
    .where((eb) => eb.or([eb('last_used_at', 'is', null), eb('last_used_at', '<', p.at)])),
)

/** Sets when a client called last, unless a later time is stored. */
export async function updateLastUse(tx: Tx, pk: number, at: string): Promise<void> {
  await tx.run(setLastUse, { pk, at })
}
