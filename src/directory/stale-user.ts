import { DirectoryError } from '../model/error.ts'
import type { Group, User } from '../model/users.ts'

/** Refuses a change of a user who has changed since the caller read them. It has the user as they are now. */
export class StaleUserError extends DirectoryError {
  readonly user: User
  readonly groups: readonly Group[]

  constructor({ message }: DirectoryError, user: User, groups: readonly Group[]) {
    super('precondition_failed', message)
    this.user = user
    this.groups = groups
  }
}
