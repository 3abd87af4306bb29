import { type RawBuilder, sql } from 'kysely'
import type { Organization } from '../../model/organizations.ts'
import type { QueryBuilder, Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { ORGANIZATION_COLUMNS, toOrganization } from './organizations.ts'

/** Returns a query for the primary keys of a reseller and its customers. */
export function selectWithCustomers(reseller: number): RawBuilder<unknown> {
  return sql`select cast(${reseller} as bigint) as pk union all
    select customer_pk from customer_resellers where reseller_pk = ${reseller}`
}

/** A customer and one of its resellers, by their primary keys. */
export interface Relation {
  readonly customer: number
  readonly reseller: number
}

const selectOne = statement((db, p: Relation) =>
  db
    .selectFrom('customer_resellers')
    .select('internal_identifier as internalIdentifier')
    .where('customer_pk', '=', p.customer)
    .where('reseller_pk', '=', p.reseller),
)

/** Returns the relation of a customer and a reseller. */
export async function selectRelation(
  tx: Tx,
  relation: Relation,
): Promise<{ readonly internalIdentifier: string | null } | undefined> {
  return tx.get(selectOne, relation)
}

/**
 * Locks a relation, so that no user is created in it until the unit ends.
 * @returns false if there is none
 */
export async function lockRelation(tx: Tx, { customer, reseller }: Relation): Promise<boolean> {
  const rows = await tx.query((db) =>
    db
      .selectFrom('customer_resellers')
      .select('customer_pk')
      .where('customer_pk', '=', customer)
      .where('reseller_pk', '=', reseller)
      .modifyEnd(tx.locks.exclusive),
  )
  return rows.length > 0
}

const selectResellers = statement((db, p: { customer: number }) =>
  db
    .selectFrom('organizations')
    .innerJoin('customer_resellers', 'customer_resellers.reseller_pk', 'organizations.pk')
    .select(ORGANIZATION_COLUMNS)
    .where('customer_resellers.customer_pk', '=', p.customer)
    .where('organizations.deleted_at', 'is', null)
    .orderBy('organizations.pk'),
)

/** Returns the resellers of a customer that were not deleted, oldest first. */
export async function selectResellersOf(tx: Tx, customer: number): Promise<Organization[]> {
  return (await tx.all(selectResellers, { customer })).map(toOrganization)
}

/**
 * Returns those of the ids that an organization may know: its own, those of what is below it, and those of a customer's
 * resellers. Deleted organizations count.
 */
export async function selectKnownIds(
  tx: Tx,
  { pk }: Pick<Organization, 'pk'>,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set()
  const rows = await tx.query((db) =>
    db
      .selectFrom('organizations')
      .select('organizations.id')
      .where('organizations.id', 'in', [...ids])
      .where((eb) => {
        const relation = eb
          .selectFrom('customer_resellers')
          .select('customer_pk')
          .where((on) =>
            on.or([
              on.and([
                on('reseller_pk', '=', pk),
                on('customer_pk', '=', on.ref('organizations.pk').$notNull()),
              ]),
              on.and([
                on('customer_pk', '=', pk),
                on('reseller_pk', '=', on.ref('organizations.pk').$notNull()),
              ]),
            ]),
          )
        return eb.or([
          eb('organizations.pk', '=', pk),
          eb('organizations.provider_pk', '=', pk),
          eb.exists(relation),
        ])
      }),
  )
  return new Set(rows.map(({ id }) => id))
}

const selectDomains = statement((db, p: { reseller: number }) =>
  db
    .selectFrom('portals')
    .select('domain')
    .where('organization_pk', '=', p.reseller)
    .unionAll(
      db
        .selectFrom('organizations')
        .select((eb) => eb.ref('email_domain').$notNull().as('domain'))
        .where('pk', '=', p.reseller)
        .where('email_domain', 'is not', null),
    ),
)

/** Returns a reseller's own domains: those of its portals, and that of its contact's address. */
export async function selectDomainsOf(tx: Tx, reseller: number): Promise<string[]> {
  return (await tx.all(selectDomains, { reseller })).map(({ domain }) => domain)
}

/** Some users of a customer in the context of a reseller, deleted ones included. */
function updateUsers(db: QueryBuilder, p: Relation & { now: string; limit: number }) {
  return (
    db
      .updateTable('users')
      .set((eb) => ({ version: eb('version', '+', 1), updated_at: p.now }))
      // Again, for a user whom another unit takes elsewhere while this statement waits for it.
      .where('reseller_pk', '=', p.reseller)
      .where('pk', 'in', (eb) =>
        eb
          .selectFrom('users')
          .select('users.pk')
          .where('reseller_pk', '=', p.reseller)
          .where('organization_pk', '=', p.customer)
          .orderBy('users.pk')
          .limit(p.limit),
      )
  )
}

const clearContext = statement((db, p: Relation & { now: string; limit: number }) =>
  updateUsers(db, p).set({ reseller_pk: null }),
)
const moveContext = statement((db, p: Relation & { to: number; now: string; limit: number }) =>
  updateUsers(db, p).set({ reseller_pk: p.to }),
)

/**
 * Takes the users of a relation out of its context, or moves them to the context of another reseller of the customer.
 * @param change.limit how many users one statement changes: PostgreSQL ends statements that take too long
 * @returns the number of users, deleted ones included
 */
export async function updateContext(
  tx: Tx,
  relation: Relation,
  change: { to: number | null; now: string; limit: number },
): Promise<number> {
  const { to, ...some } = { ...relation, ...change }
  for (let total = 0; ; ) {
    const changed = await (to === null ? tx.run(clearContext, some) : tx.run(moveContext, { ...some, to }))
    total += changed
    if (changed < change.limit) return total
  }
}

const deleteOne = statement((db, p: Relation) =>
  db
    .deleteFrom('customer_resellers')
    .where('customer_pk', '=', p.customer)
    .where('reseller_pk', '=', p.reseller),
)

/**
 * Deletes a relation and its internal identifier.
 * @throws {ConstraintError} when a user was created in its context meanwhile
 */
export async function deleteRelation(tx: Tx, relation: Relation): Promise<void> {
  await tx.run(deleteOne, relation)
}
