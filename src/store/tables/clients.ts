import type { Client } from '../../model/clients.ts'
import type { Permission } from '../../model/context.ts'
import type { OrganizationKind } from '../../model/organizations.ts'
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
  organization_pk: number
  organization_id: string
  kind: OrganizationKind
  organization_name: string
  provider_pk: number | null
  organization_created_at: string
}

/** Converts a row to a client of the model. */
export function toClient(row: ClientRow): Client {
  const { external_issuer: issuer, external_id: id } = row
  return {
    pk: row.pk,
    id: row.id,
    name: row.name,
    permission: row.permission,
    secretHash: row.secret_hash,
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
  'clients.organization_pk',
  'organizations.id as organization_id',
  'organizations.kind',
  'organizations.name as organization_name',
  'organizations.provider_pk',
  'organizations.created_at as organization_created_at',
] as const

/** Starts a query for clients that were not removed, with their organizations. */
export function selectClients(db: QueryBuilder) {
  return db
    .selectFrom('clients')
    .innerJoin('organizations', 'organizations.pk', 'clients.organization_pk')
    .select(CLIENT_COLUMNS)
    .where('clients.deleted_at', 'is', null)
}

const selectById = statement((db, p: { id: string }) => selectClients(db).where('clients.id', '=', p.id))

/** Returns the client with this id, unless it was removed. */
export async function selectClient(tx: Tx, id: string): Promise<Client | undefined> {
  const row = await tx.get(selectById, { id })
  return row && toClient(row)
}

const selectByExternalId = statement((db, p: { issuer: string; id: string }) =>
  selectClients(db).where('clients.external_issuer', '=', p.issuer).where('clients.external_id', '=', p.id),
)

/** Returns the client that an external issuer knows by this id, unless it was removed. */
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

const selectAll = statement((db) => selectClients(db).orderBy('clients.pk'))

/** Returns all clients that were not removed, oldest first. */
export async function selectAllClients(tx: Tx): Promise<Client[]> {
  return (await tx.all(selectAll, {})).map(toClient)
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
  db.updateTable('clients').set({ deleted_at: p.now, secret_hash: null }).where('pk', '=', p.pk),
)

/** Marks a client as deleted, and deletes its secret. */
export async function markClientDeleted(tx: Tx, pk: number, now: string): Promise<void> {
  await tx.run(markDeleted, { pk, now })
}
