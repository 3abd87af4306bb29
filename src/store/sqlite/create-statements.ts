import { headBlock, insertBlock, selectLastEntry } from '../audit/blocks.ts'
import { insertEntry } from '../audit/entry-rows.ts'
import type { QueryBuilder } from '../port.ts'
import { statement } from '../statement.ts'
import { insertMembership } from '../tables/groups.ts'
import type { InsertParams } from './insert-user.ts'

const COLUMNS = [
  'id',
  'organization_pk',
  'reseller_pk',
  'provider_pk',
  'first_name',
  'last_name',
  'email',
  'email_key',
  'name_key',
  'created_at',
  'updated_at',
] as const

// SQLite gives the primary key of a deleted organization to the next one, so the ids are compared as well.
const insert = statement((db, p: InsertParams) => insertInto(db, selectNewRow(db, p)))

const insertBesideDeleted = statement((db, p: InsertParams) => insertInto(db, selectRow(db, p)))

const insertWithId = statement((db, p: InsertParams) =>
  insertInto(db, unlessTaken(db, selectNewRow(db, p), p)),
)

const insertWithIdBesideDeleted = statement((db, p: InsertParams) =>
  insertInto(db, unlessTaken(db, selectRow(db, p), p)),
)

function selectRow(db: QueryBuilder, p: InsertParams) {
  return db
    .selectFrom('organizations')
    .select((eb) => [
      eb.val(p.id).as('id'),
      'organizations.pk as organization_pk',
      eb.val(p.resellerPk).as('reseller_pk'),
      eb.val(p.providerPk).as('provider_pk'),
      eb.val(p.firstName).as('first_name'),
      eb.val(p.lastName).as('last_name'),
      eb.val(p.email).as('email'),
      eb.val(p.emailKey).as('email_key'),
      eb.val(p.nameKey).as('name_key'),
      eb.val(p.now).as('created_at'),
      eb.val(p.now).as('updated_at'),
    ])
    .where('organizations.pk', '=', p.organizationPk)
    .where('organizations.id', '=', p.organizationId)
    .where('organizations.deleted_at', 'is', null)
    .where((eb) =>
      eb.or([eb(eb.val(p.resellerPk), 'is', null), eb.exists(selectReseller(db, p).select('reseller.pk'))]),
    )
}

/** Selects the row, unless a deleted user has the e-mail. */
function selectNewRow(db: QueryBuilder, p: InsertParams) {
  return selectRow(db, p).where((eb) => eb.not(eb.exists(selectDeleted(db, p).select('deleted.pk'))))
}

function insertInto(db: QueryBuilder, rows: ReturnType<typeof selectRow>) {
  return db
    .insertInto('users')
    .columns(COLUMNS)
    .expression(rows)
    .onConflict((conflict) => conflict.doNothing())
}

/** Selects the row, unless something else than a user has the id. */
function unlessTaken(db: QueryBuilder, row: ReturnType<typeof selectRow>, p: InsertParams) {
  return row.where((eb) => eb.not(eb.exists(selectOtherHolder(db, p))))
}

/** Selects what has the id, apart from users. */
function selectOtherHolder(db: QueryBuilder, { id }: InsertParams) {
  const [groups, clients] = [db.selectFrom('groups'), db.selectFrom('clients')]
  return db
    .selectFrom('organizations as other')
    .select('other.pk')
    .where('other.id', '=', id)
    .unionAll(groups.select('groups.pk').where('groups.id', '=', id))
    .unionAll(clients.select('clients.pk').where('clients.id', '=', id))
}

/** Selects the reseller, if it was not deleted and its relation to the organization has not ended. */
function selectReseller(db: QueryBuilder, { organizationPk, resellerPk, resellerId }: InsertParams) {
  return db
    .selectFrom('customer_resellers as relation')
    .innerJoin('organizations as reseller', 'reseller.pk', 'relation.reseller_pk')
    .where('relation.customer_pk', '=', organizationPk)
    .where('relation.reseller_pk', '=', resellerPk)
    .where('reseller.id', '=', resellerId)
    .where('reseller.deleted_at', 'is', null)
}

function selectDeleted(db: QueryBuilder, { organizationPk, emailKey }: InsertParams) {
  return db
    .selectFrom('users as deleted')
    .where('deleted.organization_pk', '=', organizationPk)
    .where('deleted.email_key', '=', emailKey)
    .where('deleted.deleted_at', 'is not', null)
}

/** The statements of insert-user.ts. */
export const CREATE_STATEMENTS = {
  insert,
  insertBesideDeleted,
  insertWithId,
  insertWithIdBesideDeleted,
  insertMembership,
  insertEntry,
  headBlock,
  selectLastEntry,
  insertBlock,
}
