import type { Directory } from '../directory/directory.ts'
import { enterByLink as enter, type SignedIn, type SignInRequest } from '../directory/sign-in.ts'
import { DirectoryError } from '../model/error.ts'
import type { EnteredPerson } from '../model/sessions.ts'
import { AuthError } from './auth-error.ts'

/** A link that is not good. It counts as a failed authentication. */
export class LinkError extends AuthError {
  constructor(message: string) {
    super(message)
    this.name = 'LinkError'
  }
}

/**
 * Signs a person in by a one-time link; see the function of the same name in `directory`.
 * @throws {LinkError} for a link that is unknown, used or too old
 * @throws {DirectoryError} `invalid`, `person_not_permitted`, `email_taken`, `store_unavailable`
 */
export async function enterByLink(
  dir: Directory,
  request: SignInRequest & { readonly link: string; readonly entered: EnteredPerson },
): Promise<SignedIn> {
  try {
    return await enter(dir, request)
  } catch (error) {
    if (error instanceof DirectoryError && error.code === 'link_not_valid') throw new LinkError(error.message)
    throw error
  }
}
