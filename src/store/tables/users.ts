import { type Selectable, type SqlBool, sql } from 'kysely'
import { foldEmail } from '../../model/email.ts'
import { nameKeyOf, type User } from '../../model/users.ts'
import type { Tx, UserRecord } from '../port.ts'
import type { Tables } from '../schema.ts'
import { statement } from '../statement.ts'

/** The columns that make a user. */
export type UserRow = Omit<Selectable<Tables['users']>, 'email_key' | 'name_key' | 'listed'>

/** Makes a user of a row. */
export function toUser(row: UserRow): User {
  return {
    pk: row.pk,
    id: row.id,
    organizationPk: row.organization_pk,
    providerPk: row.provider_pk,
    resellerPk: row.reseller_pk,
    firstName: row.first_name,
    lastName: row.last_name,
    email: row.email,
    active: row.active === 1,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    deletedAt: row.deleted_at,
  }
}

type Names = Pick<UserRecord, 'resellerPk' | 'firstName' | 'lastName' | 'email'>

type ChangeParams = Names & {
  pk: number
  emailKey: string | null
  keepsKey: number
  nameKey: string
  active: number
  now: string
}

const update = statement((db, p: ChangeParams) =>
  db
    .updateTable('users')
    .set((eb) => ({
      reseller_pk: p.resellerPk,
      first_name: p.firstName,
      last_name: p.lastName,
      email: p.email,
      email_key: eb
        .case()
        .when(eb.val(p.keepsKey), '=', sql.lit(1))
        .then(eb.ref('email_key'))
        .else(p.emailKey)
        .end(),
      name_key: p.nameKey,
      active: p.active,
      version: eb('version', '+', 1),
      updated_at: p.now,
      deleted_at: null,
    }))
    .where('pk', '=', p.pk),
)

/**
 * Replaces the content of a user, who is restored if they were deleted.
 * @param change.keepsKey whether the key of the e-mail stays, because only its letter case changes. A user who shares
 *   an address with an older one has a key of their own; see decision 22
 * @throws {ConstraintError} when another user of the organization has the e-mail
 */
export async function updateUser(
  tx: Tx,
  pk: number,
  change: Names & { readonly active: boolean; readonly keepsKey?: boolean; readonly now: string },
): Promise<void> {
  const { resellerPk, firstName, lastName, email, now } = change
  const emailKey = email === null ? null : foldEmail(email)
  const nameKey = nameKeyOf({ firstName, lastName, email, emailKey })
  const [active, keepsKey] = [change.active ? 1 : 0, change.keepsKey ? 1 : 0]
  const names = { resellerPk, firstName, lastName, email, emailKey, keepsKey, nameKey }
  await tx.run(update, { pk, ...names, active, now })
}

const selectById = statement((db, p: { id: string }) =>
  db.selectFrom('users').selectAll().where('id', '=', p.id),
)

/** Returns the user with this id, deleted or not. */
export async function selectUser(tx: Tx, id: string): Promise<User | undefined> {
  const row = await tx.get(selectById, { id })
  return row && toUser(row)
}

const selectByEmail = statement((db, p: { organization: number; emailKey: string }) =>
  db
    .selectFrom('users')
    .selectAll()
    .where('organization_pk', '=', p.organization)
    .where('email_key', '=', p.emailKey)
    .where('deleted_at', 'is', null),
)

/** Returns the user of an organization with this e-mail, compared without case, unless it was deleted. */
export async function selectUserByEmail(
  tx: Tx,
  organization: number,
  email: string,
): Promise<User | undefined> {
  const row = await tx.get(selectByEmail, { organization, emailKey: foldEmail(email) })
  return row && toUser(row)
}

const touch = statement((db, p: { pk: number; now: string }) =>
  db
    .updateTable('users')
    .set((eb) => ({ version: eb('version', '+', 1), updated_at: p.now }))
    .where('pk', '=', p.pk),
)

/** Marks a user as changed, so that concurrent units that change the user run one after the other. */
export async function touchUser(tx: Tx, pk: number, now: string): Promise<void> {
  await tx.run(touch, { pk, now })
}

const lock = statement((db, p: { pk: number }) =>
  db
    .updateTable('users')
    .set((eb) => ({ version: eb.ref('version') }))
    .where('pk', '=', p.pk),
)

/** Locks a user as `touchUser` does, but without a new version: for a unit that callers do not see as a change. */
export async function lockUser(tx: Tx, pk: number): Promise<void> {
  await tx.run(lock, { pk })
}

const markDeleted = statement((db, p: { pk: number; now: string }) =>
  db
    .updateTable('users')
    .set((eb) => ({ version: eb('version', '+', 1), updated_at: p.now, deleted_at: p.now }))
    .where('pk', '=', p.pk),
)

/** Marks a user as deleted. The row stays, so that the user can be restored. */
export async function markUserDeleted(tx: Tx, pk: number, now: string): Promise<void> {
  await tx.run(markDeleted, { pk, now })
}

const markRestored = statement((db, p: { pk: number; now: string }) =>
  db
    .updateTable('users')
    .set((eb) => ({ version: eb('version', '+', 1), updated_at: p.now, deleted_at: null }))
    .where('pk', '=', p.pk),
)

/**
 * Restores a deleted user with what they had.
 * @throws {ConstraintError} when another user of the organization has the e-mail
 */
export async function markUserRestored(tx: Tx, pk: number, now: string): Promise<void> {
  await tx.run(markRestored, { pk, now })
}

const setActive = statement((db, p: { pk: number; active: number; now: string }) =>
  db
    .updateTable('users')
    .set((eb) => ({ version: eb('version', '+', 1), updated_at: p.now, active: p.active }))
    .where('pk', '=', p.pk),
)

/** Suspends a user, or ends their suspension. */
export async function updateUserActive(
  tx: Tx,
  pk: number,
  { active, now }: { active: boolean; now: string },
): Promise<void> {
  await tx.run(setActive, { pk, active: active ? 1 : 0, now })
}

/** A user whose e-mail address belongs to an older user of the organization; see decision 22. */
export interface SharedEmail {
  readonly id: string
  readonly email: string
  readonly organizationId: string
  /** The user who is found by the address; null if this user was deleted. */
  readonly olderId: string | null
}

// The condition is a literal, so that it equals the one of the index users_shared_email.
const IS_SHARED = sql<SqlBool>`users.email_key like '% %'`

const countShared = statement((db) =>
  db
    .selectFrom('users')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where(IS_SHARED)
    .where('users.deleted_at', 'is', null),
)

/** Counts the users that `selectSharedEmails` returns. */
export async function countSharedEmails(tx: Tx): Promise<number> {
  return (await tx.get(countShared, {}))?.count ?? 0
}

const selectShared = statement((db) =>
  db
    .selectFrom('users')
    .innerJoin('organizations', 'organizations.pk', 'users.organization_pk')
    .select(['users.id', 'users.email', 'users.organization_pk', 'organizations.id as organizationId'])
    .where(IS_SHARED)
    .where('users.deleted_at', 'is', null)
    .orderBy('users.pk'),
)

/** Returns the users who share their e-mail address with an older user of the organization, oldest first. */
export async function selectSharedEmails(tx: Tx): Promise<SharedEmail[]> {
  const shared: SharedEmail[] = []
  for (const { id, email, organization_pk, organizationId } of await tx.all(selectShared, {})) {
    const older = await selectUserByEmail(tx, organization_pk, email ?? '')
    shared.push({ id, email: email ?? '', organizationId, olderId: older?.id ?? null })
  }
  return shared
}
