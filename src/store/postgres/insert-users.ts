import type pg from 'pg'
import { retry } from '../../retry.ts'
import { formatCaller } from '../audit/entry-rows.ts'
import type { InsertOutcome, NewUserRow } from '../port.ts'
import { isOwnerMissing, isRetryable, toQueryError, toStoreError } from './errors.ts'

/** The columns of the rows. The statement receives each as an array. */
const GIVEN: readonly (readonly [name: string, type: string, value: (row: NewUserRow) => unknown])[] = [
  ['id', 'text', ({ user }) => user.id],
  ['organization_pk', 'bigint', ({ user }) => user.organizationPk],
  ['reseller_pk', 'bigint', ({ user }) => user.resellerPk],
  ['provider_pk', 'bigint', ({ user }) => user.providerPk],
  ['first_name', 'text', ({ user }) => user.firstName],
  ['last_name', 'text', ({ user }) => user.lastName],
  ['email', 'text', ({ user }) => user.email],
  ['email_key', 'text', (row) => row.emailKey],
  ['name_key', 'text', (row) => row.nameKey],
  ['now', 'text', ({ user }) => user.now],
  ['id_given', 'boolean', ({ idGiven = false }) => idGiven],
  ['beside_deleted', 'boolean', ({ besideDeleted = false }) => besideDeleted],
  ['group_pks', 'text', ({ groups }) => `{${groups.map((group) => group.pk).join()}}`],
  ['entry_id', 'text', ({ entry }) => entry?.id],
  ['at', 'text', ({ entry }) => entry?.at],
  ['operation', 'text', ({ entry }) => entry?.operation],
  ['status', 'text', ({ entry }) => entry?.status],
  ['outcome', 'text', ({ entry }) => entry?.outcome],
  ['caller', 'text', ({ entry }) => entry && formatCaller(entry.caller)],
  ['portal', 'text', ({ entry }) => entry?.portal],
  ['organization', 'text', ({ entry }) => entry?.organization],
  ['target', 'text', ({ entry }) => entry?.target],
  ['correlation_id', 'text', ({ entry }) => entry?.correlationId],
  ['changed_fields', 'text', ({ entry }) => entry && JSON.stringify(entry.changedFields)],
  ['changes', 'text', ({ entry }) => entry?.changes && JSON.stringify(entry.changes)],
  ['address', 'text', ({ entry }) => entry?.address],
  ['reseller', 'text', ({ entry }) => entry?.reseller],
]

const NAMES = GIVEN.map(([name]) => name)
const ARRAYS = NAMES.map(arrayOf)

/** The parameter that holds a column. */
function arrayOf(name: string): string {
  const i = GIVEN.findIndex(([column]) => column === name)
  return `$${i + 1}::${GIVEN[i]?.[1]}[]`
}

// Primary keys are assigned before the insert, because ids may repeat and only the primary key tells which row was
// inserted. OFFSET 0 makes each EXISTS one index look-up per row, even if the planner has no statistics yet. A live
// user with the e-mail refuses the row too. The unique index alone is not enough: while that user is being deleted, it
// would wait and then accept the row, but the deleted user must be restored instead.
const toText = (conditions: string): string => `
with given as materialized (
  select nextval((select pg_get_serial_sequence('users', 'pk')::regclass)) as pk, *
  from unnest(${ARRAYS}) with ordinality as given (${NAMES}, place)
), inserted as (
  insert into users
    (pk, id, organization_pk, reseller_pk, provider_pk, first_name, last_name, email, email_key, name_key, created_at,
     updated_at)
  select pk, id, organization_pk, reseller_pk, provider_pk, first_name, last_name, email, email_key, name_key, now, now
  from given
  where not (not beside_deleted and exists (
    select 1 from users as deleted
    where deleted.organization_pk = given.organization_pk and deleted.email_key = given.email_key
      and deleted.deleted_at is not null
    offset 0))
  and not exists (
    select 1 from users as alive
    where alive.organization_pk = given.organization_pk and alive.email_key = given.email_key
      and alive.deleted_at is null
    offset 0)
  and not (id_given and exists (
    select 1 from organizations where organizations.id = given.id
    union all select 1 from groups where groups.id = given.id
    union all select 1 from clients where clients.id = given.id))
  ${conditions}
  on conflict do nothing
  returning pk
), joined as (
  insert into memberships (user_pk, group_pk)
  select pk, unnest(group_pks::bigint[]) from inserted join given using (pk)
), audited as (
  insert into audit_entries
    (id, at, operation, status, outcome, caller, portal, organization, target, correlation_id, changed_fields,
     changes, address, reseller)
  select entry_id, at, operation, status, outcome, caller, portal, organization, target, correlation_id, changed_fields,
    changes, address, reseller
  from inserted join given using (pk) where entry_id is not null order by place
)
select place, pk from inserted join given using (pk)`

const NOT_DELETED = `
  and not exists (
    select 1 from organizations where pk = given.organization_pk and organizations.deleted_at is not null
    offset 0)`
const UNCHECKED = toText(NOT_DELETED)
// PostgreSQL never uses a primary key again, so an organization with this primary key is the one that was looked up.
const CHECKED = toText(`${NOT_DELETED}
  and organization_pk = any (array(select pk from organizations where pk = any (${arrayOf('organization_pk')})))
  and (reseller_pk is null or exists (
    select 1 from customer_resellers
    where customer_pk = given.organization_pk and customer_resellers.reseller_pk = given.reseller_pk
    offset 0))`)

/**
 * Returns the statement that inserts users; see `Tx.insertUsers`. Its result has the place (from 1) and the primary
 * key of each inserted row; `toOutcomes` reads it.
 */
export function newInsertUsers(rows: readonly NewUserRow[]): pg.QueryConfig {
  return { name: 'usher_insert_users', text: CHECKED, values: toArrays(rows) }
}

const MAX_TRIES = 5

/**
 * Inserts users by one statement that is its own commit. The statement fails if an organization or its relation to the
 * reseller was removed, because a foreign key refuses the row. This saves a small batch a tenth of its time.
 * @throws {ConstraintError} when one row of several is refused by a foreign key, or a group does not exist
 * @throws {StoreError} when the database cannot do it now
 */
export async function insertUsersAlone(pool: pg.Pool, rows: readonly NewUserRow[]): Promise<InsertOutcome[]> {
  const query = { name: 'usher_insert_users_unchecked', text: UNCHECKED, values: toArrays(rows) }
  try {
    const result = await retry(
      () => pool.query(query),
      ({ error, tries }) => {
        if (!isRetryable(error)) throw toQueryError(error)
        if (tries === MAX_TRIES) throw toStoreError(error)
        return 0
      },
    )
    return toOutcomes(result, rows.length)
  } catch (error) {
    if (rows.length === 1 && isOwnerMissing(error)) return ['refused']
    throw error
  }
}

function toArrays(rows: readonly NewUserRow[]): unknown[][] {
  return GIVEN.map(([, , value]) => rows.map(value))
}

/** Returns an outcome for each of `count` rows, in order, from the result of the statement. */
export function toOutcomes(result: Pick<pg.QueryResult, 'rows'>, count: number): InsertOutcome[] {
  const outcomes = new Array<InsertOutcome>(count).fill('refused')
  for (const { place, pk } of result.rows as { place: number; pk: number }[]) outcomes[place - 1] = pk
  return outcomes
}
