import { sql } from 'kysely'
import type { AuditEntry } from '../../model/audit.ts'
import { type EntryRow, newEntryHasher, toEntryRow } from '../audit/entry-rows.ts'
import type { InsertOutcome, NewUserRow, Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { insertUser, type Writer } from './insert-user.ts'

// Rows come as one JSON text. One statement for many rows takes half of the time of a statement for each, most of which
// goes into binding parameters and into beginning and ending the statement.

/** What users have in common who are inserted with one statement. */
interface SharedParams {
  readonly organizationPk: number
  readonly organizationId: string
  readonly resellerPk: number | null
  readonly resellerId: string | null
  readonly providerPk: number
  readonly now: string
  /** Whether the callers chose the ids: 1 or 0. */
  readonly idGiven: number
}

// The conditions are those of create-statements.ts.
const insertMany = statement((db, p: SharedParams & { rows: string }) => ({
  compile: () =>
    sql`insert into users (id, organization_pk, reseller_pk, provider_pk, first_name, last_name, email, email_key,
        name_key, created_at, updated_at)
      select entered.value ->> 0, organizations.pk, ${p.resellerPk}, ${p.providerPk}, entered.value ->> 1,
        entered.value ->> 2, entered.value ->> 3, ${EMAIL_KEY}, entered.value ->> 4, ${p.now}, ${p.now}
      from organizations cross join json_each(${p.rows}) as entered
      where organizations.pk = ${p.organizationPk} and organizations.id = ${p.organizationId}
        and organizations.deleted_at is null
        and (${p.resellerPk} is null or exists (
          select 1 from customer_resellers as relation join organizations as reseller on reseller.pk = relation.reseller_pk
          where relation.customer_pk = ${p.organizationPk} and relation.reseller_pk = ${p.resellerPk}
            and reseller.id = ${p.resellerId} and reseller.deleted_at is null))
        and (not exists (
            select 1 from users as deleted
            where deleted.organization_pk = ${p.organizationPk} and deleted.deleted_at is not null)
          or not exists (
            select 1 from users as deleted
            where deleted.organization_pk = ${p.organizationPk} and deleted.email_key = ${EMAIL_KEY}
              and deleted.deleted_at is not null))
        and (${p.idGiven} = 0 or not exists (
          select 1 from organizations as other where other.id = entered.value ->> 0
          union all select 1 from groups where groups.id = entered.value ->> 0
          union all select 1 from clients where clients.id = entered.value ->> 0))
      on conflict do nothing`.compile(db),
}))

/** The key of the e-mail is in the JSON only if it differs from the e-mail. */
const EMAIL_KEY = sql`coalesce(entered.value ->> 5, entered.value ->> 3)`

const selectLastUser = statement((db) => db.selectFrom('users').select((eb) => eb.fn.max('pk').as('pk')))

const selectUsersAfter = statement((db, p: { after: number }) =>
  db.selectFrom('users').select(['pk', 'id', 'email_key']).where('pk', '>', p.after).orderBy('pk'),
)

const insertMembers = statement((db, p: { group: number; users: string }) => ({
  compile: () =>
    sql`insert into memberships (user_pk, group_pk) select value, ${p.group} from json_each(${p.users})`.compile(
      db,
    ),
}))

const insertEntries = statement((db, p: Omit<EntryRow, 'id' | 'target' | 'hash'> & { rows: string }) => ({
  compile: () =>
    sql`insert into audit_entries (id, at, operation, status, outcome, caller, portal, organization, target,
        correlation_id, changed_fields, changes, address, reseller, block, position, hash)
      select value ->> 0, ${p.at}, ${p.operation}, ${p.status}, ${p.outcome}, ${p.caller}, ${p.portal},
        ${p.organization}, value ->> 1, ${p.correlation_id}, ${p.changed_fields}, ${p.changes}, ${p.address},
        ${p.reseller}, ${p.block}, ${p.position} + key, value ->> 2
      from json_each(${p.rows})`.compile(db),
}))

/** So many rows are worth a statement for all of them. */
export const MANY = 8

/**
 * Inserts users; see `Tx.insertUsers`. Those of one organization whose audit entries are alike are inserted together.
 * @throws {ConstraintError} when a group does not exist; the transaction must then be undone
 */
export async function insertUsers(db: Tx & Writer, rows: readonly NewUserRow[]): Promise<InsertOutcome[]> {
  const outcomes: InsertOutcome[] = new Array(rows.length)
  for (const places of groupAlike(rows)) {
    const some = places.map((place) => rows[place] as NewUserRow)
    const isFew = some.length < MANY || !canShare(some[0] as NewUserRow)
    const found = isFew ? some.map((row) => insertUser(db, row)) : await insertTogether(db, some)
    for (const [i, place] of places.entries()) outcomes[place] = found[i] as InsertOutcome
  }
  return outcomes
}

/** Returns the places of the rows that are alike, for each kind of row. */
function groupAlike(rows: readonly NewUserRow[]): Iterable<number[]> {
  const groups = new Map<string, number[]>()
  let [before, group]: [NewUserRow | undefined, number[]] = [undefined, []]
  for (const [i, row] of rows.entries()) {
    if (!before || !areAlike(row, before)) {
      const key = toKey(row)
      group = groups.get(key) ?? []
      groups.set(key, group)
    }
    group.push(i)
    before = row
  }
  return groups.values()
}

/** Returns whether rows are surely alike. It is much faster than comparing what `toKey` returns. */
function areAlike(one: NewUserRow, other: NewUserRow): boolean {
  const [entry, like] = [one.entry, other.entry]
  return (
    entry !== null &&
    like !== null &&
    one.organizationId === other.organizationId &&
    one.resellerId === other.resellerId &&
    one.idGiven === other.idGiven &&
    one.besideDeleted === other.besideDeleted &&
    entry.correlationId === like.correlationId &&
    entry.caller === like.caller &&
    entry.operation === like.operation &&
    entry.at === like.at &&
    entry.portal === like.portal &&
    entry.address === like.address &&
    entry.reseller === like.reseller &&
    entry.organization === like.organization &&
    entry.changes === like.changes &&
    entry.status === like.status &&
    entry.outcome === like.outcome &&
    entry.changedFields.length === like.changedFields.length &&
    entry.changedFields.every((name, i) => name === like.changedFields[i])
  )
}

/** Returns a text that is the same for rows that differ only in what is in the JSON. */
function toKey({ user, organizationId, resellerId, idGiven, besideDeleted, entry }: NewUserRow): string {
  const { organizationPk, resellerPk, providerPk, now } = user
  const place = [organizationPk, organizationId, resellerPk, resellerId, providerPk]
  return JSON.stringify([place, now, idGiven, besideDeleted, entry && { ...entry, id: '', target: '' }])
}

/** Returns whether the statements above can insert a row and those that are like it. */
function canShare({ besideDeleted, entry }: NewUserRow): boolean {
  return !besideDeleted && entry !== null && entry.changes === undefined
}

async function insertTogether(tx: Tx, rows: readonly NewUserRow[]): Promise<InsertOutcome[]> {
  const outcomes = await insertRows(tx, rows)
  const users = new Map<number, number[]>()
  const entries: AuditEntry[] = []
  for (const [i, { groups, entry }] of rows.entries()) {
    const pk = outcomes[i]
    if (typeof pk !== 'number') continue
    for (const group of groups) {
      const members = users.get(group.pk)
      if (members) members.push(pk)
      else users.set(group.pk, [pk])
    }
    if (entry) entries.push(entry)
  }
  for (const [group, members] of users) await tx.run(insertMembers, { group, users: JSON.stringify(members) })
  await writeEntries(tx, entries)
  return outcomes
}

async function insertRows(tx: Tx, rows: readonly NewUserRow[]): Promise<InsertOutcome[]> {
  const { user, organizationId, resellerId, idGiven } = rows[0] as NewUserRow
  const { organizationPk, resellerPk, providerPk, now } = user
  const shared = { organizationPk, organizationId, resellerPk, resellerId, providerPk, now }
  const after = (await tx.get(selectLastUser, {}))?.pk ?? 0
  const entered = JSON.stringify(rows.map(toJson))
  const count = await tx.run(insertMany, { ...shared, idGiven: idGiven ? 1 : 0, rows: entered })
  // Each row gets the primary key after the one before.
  if (count === rows.length) return rows.map((_, i) => after + 1 + i)
  const inserted = await tx.all(selectUsersAfter, { after })
  let next = 0
  return rows.map(({ user, emailKey }) => {
    const { pk, id, email_key } = inserted[next] ?? {}
    if (pk === undefined || id !== user.id || email_key !== emailKey) return 'refused'
    next++
    return pk
  })
}

function toJson({ user, emailKey, nameKey }: NewUserRow): unknown[] {
  const { id, firstName, lastName, email } = user
  const values = [id, firstName, lastName, email, nameKey]
  return emailKey === email ? values : [...values, emailKey]
}

/** Writes audit entries that differ in their ids and targets only. */
async function writeEntries(tx: Tx, entries: readonly AuditEntry[]): Promise<void> {
  const { block } = tx
  const [first] = entries
  if (!first || !block) return
  const { id, target, hash, ...shared } = toEntryRow(first, block)
  const hashOf = newEntryHasher(first, shared.caller, block.number)
  const { length: position } = block.hashes
  const hashes = entries.map((entry, i) => hashOf(entry, position + i))
  const rows = JSON.stringify(entries.map((entry, i) => [entry.id, entry.target, hashes[i]]))
  await tx.run(insertEntries, { ...shared, position, rows })
  block.hashes.push(...hashes)
}
