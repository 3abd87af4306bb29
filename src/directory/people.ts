import type { Person } from '../model/sessions.ts'
import type { Tx } from '../store/port.ts'
import { deleteResponsesOfPerson } from '../store/tables/idempotency-keys.ts'
import { deleteIdentitiesOf } from '../store/tables/identities.ts'
import { type PersonRow, selectPerson } from '../store/tables/people.ts'
import { deleteSessionsOf } from '../store/tables/sessions.ts'
import { deleteSignInLinksOf } from '../store/tables/sign-in-links.ts'
import { getPermission } from './group-meanings.ts'

/**
 * Returns the person that a user is in the console: a live, active user of a provider or a reseller, who is in the
 * group Administrator or Viewer. Undefined for other users.
 */
export async function findPerson(tx: Tx, userPk: number): Promise<Person | undefined> {
  return toPerson(await selectPerson(tx, userPk))
}

/** Returns those of several users who may enter the console. */
export async function findPeople(tx: Tx, userPks: readonly number[]): Promise<Person[]> {
  const people: Person[] = []
  for (const pk of userPks) {
    const person = await findPerson(tx, pk)
    if (person) people.push(person)
  }
  return people
}

function toPerson(row: PersonRow | undefined): Person | undefined {
  const permission = row && getPermission(row.groups)
  return row && permission ? { ...row, permission } : undefined
}

/** Ends the sessions of a user and voids their links, for good: a resume does not bring them back. */
export async function endAccess(tx: Tx, userPk: number): Promise<void> {
  await deleteSessionsOf(tx, userPk)
  await deleteSignInLinksOf(tx, userPk)
}

/** Deletes the sessions, links and identities of a user, and the recorded responses to their calls. */
export async function forgetPerson(tx: Tx, { pk, id }: { pk: number; id: string }): Promise<void> {
  await endAccess(tx, pk)
  await deleteIdentitiesOf(tx, pk)
  await deleteResponsesOfPerson(tx, id)
}
