import { diff } from '../model/audit.ts'
import { isSameEmail } from '../model/email.ts'
import type { NewPerson, User } from '../model/users.ts'
import { replaceMemberships, selectMemberships } from '../store/tables/groups.ts'
import { isIdTaken } from '../store/tables/ids.ts'
import { selectUser, selectUserByEmail, updateUser } from '../store/tables/users.ts'
import { giveAccountBack } from './accounts-job.ts'
import { areSameGroups, listGroupIds } from './groups.ts'
import { findDeletedUser } from './reach.ts'
import { emailTakenBy, ID_TAKEN, idTaken } from './taken.ts'
import type { AuditDetails, Unit } from './unit.ts'

/** The result of a create. */
export interface CreateUserResult {
  readonly id: string
  /** Whether the user is new; false for a user that existed or was restored. */
  readonly created: boolean
  /** Set if the user was deleted, and was restored with the new content. */
  readonly restored?: true
}

/** A person whom the store refused to insert, and what the entry of their create says. */
export interface Refused {
  readonly person: NewPerson
  readonly details: AuditDetails
}

/**
 * Restores the deleted user with the e-mail of a person whom the store refused to insert, or returns the existing user
 * if it equals the person.
 * @param insertBeside inserts the person although a deleted user has the e-mail
 * @throws {DirectoryError} `email_taken`, `id_taken`
 */
export async function repeatCreate(
  unit: Unit,
  refused: Refused,
  insertBeside: () => Promise<{ id: string; pk: number | 'refused' }>,
): Promise<CreateUserResult> {
  const { email, organization } = refused.person
  const holder = email === null ? undefined : await selectUserByEmail(unit.tx, organization.pk, email)
  if (email === null || holder) return repeat(unit, holder, refused)
  const deleted = await findDeletedUser(unit, { organization, email })
  if (deleted) return restore(unit, deleted, refused)
  // A deleted user in the context of another reseller is out of reach, and does not keep the e-mail.
  const { id, pk } = await insertBeside()
  return pk === 'refused' ? repeat(unit, holder, refused) : { id, created: true }
}

/**
 * Restores a deleted user with new content.
 * @throws {DirectoryError} `id_taken` when the person has another id
 */
export async function restore(
  unit: Unit,
  deleted: User,
  { person, details }: Refused,
): Promise<CreateUserResult> {
  const { tx, now } = unit
  const { id, reseller, groups } = person
  if (id !== undefined && id !== deleted.id) throw idTaken((await isIdTaken(tx, id)) ? ID_TAKEN : ID_DIFFERS)
  const before = { ...deleted, groups: listGroupIds(await selectMemberships(tx, deleted.pk)) }
  await updateUser(tx, deleted.pk, { ...person, resellerPk: reseller?.pk ?? null, active: true, now })
  await replaceMemberships(tx, deleted.pk, groups)
  const { firstName, lastName, email } = person
  const after = { firstName, lastName, email, groups: listGroupIds(groups), active: true, deletedAt: null }
  const about = { outcome: 'restored', target: deleted.id, person: { id: deleted.id } } as const
  await unit.audit({ ...details, ...about, changes: diff(before, after) })
  await giveAccountBack(unit, deleted, person.organization)
  return { id: deleted.id, created: false, restored: true }
}

/** Returns the existing user if it equals the person, as after an earlier create. Otherwise throws the conflict. */
async function repeat(
  unit: Unit,
  holder: User | undefined,
  { person, details }: Refused,
): Promise<CreateUserResult> {
  const { tx } = unit
  const found = (person.id === undefined ? undefined : await selectUser(tx, person.id)) ?? holder
  const isSame =
    found !== undefined &&
    found.deletedAt === null &&
    isSameUser(found, person) &&
    areSameGroups(await selectMemberships(tx, found.pk), person.groups)
  if (isSame) {
    await unit.audit({ ...details, outcome: 'repeated', target: found.id, changedFields: [] })
    return { id: found.id, created: false }
  }
  if (holder) throw await emailTakenBy(unit, holder)
  throw idTaken()
}

function isSameUser(found: User, person: NewPerson): boolean {
  return (
    found.organizationPk === person.organization.pk &&
    found.resellerPk === (person.reseller?.pk ?? null) &&
    found.firstName === person.firstName &&
    found.lastName === person.lastName &&
    isSameEmail(found.email, person.email) &&
    (person.id === undefined || found.id === person.id)
  )
}

const ID_DIFFERS = 'differs from the id of the deleted user with this e-mail; leave it out, or send that id'
