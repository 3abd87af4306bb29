import { type SqlBool, sql } from 'kysely'
import type { Organization, OrganizationKind } from '../../model/organizations.ts'
import { foldKey } from '../../model/text.ts'
import type { QueryBuilder, Tx } from '../port.ts'
import type { Tables } from '../schema.ts'
import { statement } from '../statement.ts'

/** The columns that a row of the model needs. Company data are read with tables/companies.ts. */
export const ORGANIZATION_COLUMNS = [
  'organizations.pk',
  'organizations.id',
  'organizations.kind',
  'organizations.name',
  'organizations.provider_pk',
  'organizations.created_at',
] as const

export type OrganizationRow = Pick<
  Tables['organizations'],
  'id' | 'kind' | 'name' | 'provider_pk' | 'created_at'
> & { pk: number }

/** Converts a row to an organization of the model. */
export function toOrganization(row: OrganizationRow): Organization {
  return {
    pk: row.pk,
    id: row.id,
    kind: row.kind,
    name: row.name,
    providerPk: row.provider_pk ?? row.pk,
    createdAt: row.created_at,
  }
}

const insert = statement(
  (
    db,
    p: {
      id: string
      kind: OrganizationKind
      name: string
      key: string
      provider: number | null
      now: string
    },
  ) =>
    db
      .insertInto('organizations')
      .values({
        id: p.id,
        kind: p.kind,
        name: p.name,
        name_key: p.key,
        provider_pk: p.provider,
        created_at: p.now,
      })
      .returning(ORGANIZATION_COLUMNS),
)

/** Inserts an organization and returns it. A provider has no `providerPk`: it is its own root. */
export async function insertOrganization(
  tx: Tx,
  organization: { id: string; kind: OrganizationKind; name: string; providerPk: number | null; now: string },
): Promise<Organization> {
  const { id, kind, name, providerPk, now } = organization
  const row = await tx.get(insert, { id, kind, name, key: foldKey(name), provider: providerPk, now })
  return toOrganization(row as OrganizationRow)
}

function selectLive(db: QueryBuilder) {
  return db
    .selectFrom('organizations')
    .select(ORGANIZATION_COLUMNS)
    .where('organizations.deleted_at', 'is', null)
}

const selectById = statement((db, p: { id: string }) => selectLive(db).where('id', '=', p.id))

/** Returns the organization with this id, unless it was deleted. */
export async function selectOrganization(tx: Tx, id: string): Promise<Organization | undefined> {
  const row = await tx.get(selectById, { id })
  return row && toOrganization(row)
}

const selectByPk = statement((db, p: { pk: number }) => selectLive(db).where('pk', '=', p.pk))

/** Returns the organization with this primary key, unless it was deleted. */
export async function selectOrganizationByPk(tx: Tx, pk: number): Promise<Organization | undefined> {
  const row = await tx.get(selectByPk, { pk })
  return row && toOrganization(row)
}

const selectAny = statement((db, p: { pk: number }) =>
  db.selectFrom('organizations').select(ORGANIZATION_COLUMNS).where('pk', '=', p.pk),
)

/** Returns the organization with this primary key, deleted or not. */
export async function selectOrganizationIncludingDeleted(
  tx: Tx,
  pk: number,
): Promise<Organization | undefined> {
  const row = await tx.get(selectAny, { pk })
  return row && toOrganization(row)
}

const selectFirstProvider = statement((db) =>
  selectLive(db).where('kind', '=', 'provider').orderBy('pk').limit(sql.lit(1)),
)

/** Returns the provider; undefined before the directory is set up. */
export async function selectProvider(tx: Tx): Promise<Organization | undefined> {
  const row = await tx.get(selectFirstProvider, {})
  return row && toOrganization(row)
}

/**
 * Returns at most `limit` organizations of one kind or of all whose primary key is higher than `after`, ordered by it.
 * Deleted ones are left out.
 */
export async function selectOrganizations(
  tx: Tx,
  filter: { kind?: OrganizationKind | undefined; after: number; limit: number },
): Promise<Organization[]> {
  const rows = await tx.query((db) => {
    const query = selectLive(db).where('pk', '>', filter.after).orderBy('pk').limit(filter.limit)
    return filter.kind ? query.where('kind', '=', filter.kind) : query
  })
  return rows.map(toOrganization)
}

const deleteByPk = statement((db, p: { pk: number }) => db.deleteFrom('organizations').where('pk', '=', p.pk))
const deleteRelations = statement((db, p: { pk: number }) =>
  db
    .deleteFrom('customer_resellers')
    .where((eb) => eb.or([eb('customer_pk', '=', p.pk), eb('reseller_pk', '=', p.pk)])),
)

/** Deletes an organization and its relations. */
export async function deleteOrganizationByPk(tx: Tx, pk: number): Promise<void> {
  await tx.run(deleteRelations, { pk })
  await tx.run(deleteByPk, { pk })
}

const relation = statement((db, p: { customer: number; reseller: number; now: string }) =>
  db
    .insertInto('customer_resellers')
    .values({ customer_pk: p.customer, reseller_pk: p.reseller, created_at: p.now })
    .onConflict((conflict) => conflict.doNothing()),
)

/** Relates a customer to a reseller, unless they are related already. */
export async function insertRelation(
  tx: Tx,
  customer: number,
  reseller: { pk: number; now: string },
): Promise<void> {
  await tx.run(relation, { customer, reseller: reseller.pk, now: reseller.now })
}

const selectRelation = statement((db, p: { customer: number; reseller: number }) =>
  db
    .selectFrom('customer_resellers')
    .select('customer_pk')
    .where('customer_pk', '=', p.customer)
    .where('reseller_pk', '=', p.reseller),
)

/** Returns whether a customer is related to a reseller, deleted ones included. */
export async function isRelated(tx: Tx, customer: number, reseller: number): Promise<boolean> {
  return (await tx.get(selectRelation, { customer, reseller })) !== undefined
}

const selectPortal = statement((db, p: { domain: string }) =>
  selectLive(db)
    .innerJoin('portals', 'portals.organization_pk', 'organizations.pk')
    .where('portals.domain', '=', p.domain),
)

/** Returns the organization of the portal with this domain, in the form that `foldDomain` returns. */
export async function selectPortalOwner(tx: Tx, domain: string): Promise<Organization | undefined> {
  const row = await tx.get(selectPortal, { domain })
  return row && toOrganization(row)
}

const insertPortalRow = statement((db, p: { domain: string; organization: number; now: string }) =>
  db
    .insertInto('portals')
    .values({ domain: p.domain, organization_pk: p.organization, created_at: p.now })
    .onConflict((conflict) => conflict.doNothing()),
)

/** Inserts a portal. Returns false if the domain is taken. */
export async function insertPortal(
  tx: Tx,
  portal: { domain: string; organization: number; now: string },
): Promise<boolean> {
  return (await tx.run(insertPortalRow, portal)) === 1
}

/** Which portals a list has. */
export interface PortalPage {
  readonly providerPk: number
  /** Only those of this organization. */
  readonly ownerPk?: number | undefined
  /** The primary key of the last portal of the page before. */
  readonly after?: number | undefined
  /** All when left out. */
  readonly limit?: number | undefined
}

/** A portal with its organization. */
export interface ListedPortal {
  readonly pk: number
  readonly domain: string
  readonly organizationId: string
  readonly organizationName: string
  readonly kind: OrganizationKind
}

/** Returns portals of a provider and of its resellers, oldest first. */
export async function selectPortals(
  tx: Tx,
  { providerPk, ownerPk, after = 0, limit }: PortalPage,
): Promise<ListedPortal[]> {
  return tx.query((db) =>
    db
      .selectFrom('portals')
      .innerJoin('organizations', 'organizations.pk', 'portals.organization_pk')
      .select(['portals.pk', 'portals.domain', 'organizations.id as organizationId'])
      .select(['organizations.name as organizationName', 'organizations.kind'])
      .where('portals.pk', '>', after)
      .where((eb) =>
        eb.or([eb('organizations.pk', '=', providerPk), eb('organizations.provider_pk', '=', providerPk)]),
      )
      .$if(ownerPk !== undefined, (query) => query.where('portals.organization_pk', '=', ownerPk ?? 0))
      .orderBy('portals.pk')
      .$if(limit !== undefined, (query) => query.limit(limit ?? 0)),
  )
}

const deletePortalRow = statement((db, p: { domain: string }) =>
  db.deleteFrom('portals').where('domain', '=', p.domain),
)

/** Deletes a portal. Returns false if there is none with this domain. */
export async function deletePortalByDomain(tx: Tx, domain: string): Promise<boolean> {
  return (await tx.run(deletePortalRow, { domain })) === 1
}

/** Returns whether an organization has organizations below it, users, portals, clients or a tenant. */
export async function isOrganizationInUse(tx: Tx, pk: number): Promise<boolean> {
  const rows = await tx.query((db) =>
    db
      .selectFrom('organizations')
      .select('pk')
      .where('pk', '=', pk)
      .where((eb) =>
        eb.or([
          eb.exists(
            eb.selectFrom('organizations as below').select('below.pk').where('below.provider_pk', '=', pk),
          ),
          ...[
            // Each of these has an index of its own.
            sql<SqlBool>`deleted_at is null and listed = 1`,
            sql<SqlBool>`deleted_at is not null`,
            sql<SqlBool>`pk in (select pk from users where listed = 0)`,
          ].map((part) =>
            eb.exists(
              eb.selectFrom('users').select('users.pk').where('organization_pk', '=', pk).where(part),
            ),
          ),
          eb.exists(eb.selectFrom('users').select('users.pk').where('reseller_pk', '=', pk)),
          eb.exists(eb.selectFrom('portals').select('portals.pk').where('organization_pk', '=', pk)),
          eb.exists(eb.selectFrom('clients').select('clients.pk').where('organization_pk', '=', pk)),
          eb.exists(eb.selectFrom('tenants').select('tenants.pk').where('organization_pk', '=', pk)),
        ]),
      ),
  )
  return rows.length > 0
}

const lock = statement((db, p: { pk: number }) =>
  db
    .updateTable('organizations')
    .set((eb) => ({ name: eb.ref('name') }))
    .where('pk', '=', p.pk),
)

/**
 * Locks an organization for a unit that deletes or suspends it, gives it a portal, a client, a tenant or a relation, or
 * begins to import a file into it. Such units run one after the other, and each sees what the one before did: the lock is
 * an update that changes nothing, so that a unit with an older snapshot runs again.
 */
export async function lockOrganization(tx: Tx, pk: number): Promise<void> {
  await tx.run(lock, { pk })
}

/**
 * Locks organizations for a unit that creates something in them. Such units do not wait for each other. A unit with
 * `lockOrganization` waits for them; if one has committed since the snapshot, this unit runs again.
 */
export async function lockOrganizationsShared(tx: Tx, pks: readonly number[]): Promise<void> {
  await tx.query((db) =>
    db.selectFrom('organizations').select('pk').where(tx.isOneOf('pk', pks)).modifyEnd(tx.locks.shared),
  )
}
