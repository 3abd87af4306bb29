import type { Operation } from '../model/audit.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import type { Person, Session } from '../model/sessions.ts'
import { selectUsersOfIdentity } from '../store/tables/identities.ts'
import { selectSession } from '../store/tables/sessions.ts'
import { ACCESS, isPermitted } from './access.ts'
import type { Directory } from './directory.ts'
import { findPeople, findPerson } from './people.ts'
import { runRead } from './unit.ts'

/** The calling person, and what they may do. */
export interface Me {
  readonly person: Person
  readonly session: Session
  /** The operations that the person may run. */
  readonly permitted: readonly Operation[]
  /** The other users that the person is at the same OpenID provider. */
  readonly others: readonly Person[]
}

/**
 * Returns the calling person.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`; `session_not_found` if the session ended meanwhile
 */
export function getMe(dir: Directory, ctx: Context): Promise<Me> {
  const { caller } = ctx
  return runRead(dir, ctx, 'GetMe', async ({ tx }) => {
    const id = caller.kind === 'person' ? caller.session : undefined
    const session = id === undefined ? undefined : await selectSession(tx, id)
    const person = session && (await findPerson(tx, session.userPk))
    if (!person) throw new DirectoryError('session_not_found', 'The session has ended.')
    const bound = session.identity ? await selectUsersOfIdentity(tx, session.identity) : []
    const others = await findPeople(
      tx,
      bound.filter((pk) => pk !== session.userPk),
    )
    const operations = Object.keys(ACCESS) as Operation[]
    return { person, session, others, permitted: operations.filter((one) => isPermitted(ctx, one)) }
  })
}
