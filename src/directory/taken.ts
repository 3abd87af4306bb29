import { DirectoryError } from '../model/error.ts'
import type { User } from '../model/users.ts'
import { isUserInReach, type Scope } from './reach.ts'

/** Says that another user has an e-mail address. */
export const EMAIL_TAKEN = 'belongs to another user of this organization'
/** Says that an id is used already. */
export const ID_TAKEN = 'is taken; leave it out, or send another one'

/** Makes the refusal of an e-mail address that another user of the organization has. */
export function emailTaken(): DirectoryError {
  return new DirectoryError('email_taken', `The e-mail address ${EMAIL_TAKEN}.`, {
    issues: [{ path: 'email', rule: 'unique', message: EMAIL_TAKEN }],
  })
}

/** Makes the same refusal. It names the user who has the address, if the caller reaches them. */
export async function emailTakenBy(scope: Scope, holder: Pick<User, 'id'>): Promise<DirectoryError> {
  const error = emailTaken()
  // A user in the context of another reseller keeps the address, and stays unknown.
  error.existing = (await isUserInReach(scope, holder.id)) ? holder.id : undefined
  return error
}

/**
 * Makes the refusal of an id.
 * @param message what is wrong with it
 */
export function idTaken(message: string = ID_TAKEN): DirectoryError {
  return new DirectoryError('id_taken', `The id ${message}.`, {
    issues: [{ path: 'id', rule: 'unique', message }],
  })
}
