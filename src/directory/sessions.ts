import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import { foldId } from '../model/ids.ts'
import { idleEndOf, type Person, SESSION_IDLE_MS, SESSION_SEEN_MS, type Session } from '../model/sessions.ts'
import { StoreError } from '../store/port.ts'
import { selectUserByPk } from '../store/tables/people.ts'
import {
  deleteEndedSessions,
  deleteSession,
  deleteSessionsOf,
  type LiveAt,
  markSessionSeen,
  type OwnedSession,
  selectSession,
  selectSessionByHash,
  selectSessions,
  selectSessionsOf,
} from '../store/tables/sessions.ts'
import { type Directory, forgetCached } from './directory.ts'
import { findPerson } from './people.ts'
import { getReachableUser, type UserRef } from './reach.ts'
import { hashSignInToken } from './sign-in-tokens.ts'
import { read, runRead, runUnit, type Unit, write } from './unit.ts'

/** A session and the person whose it is. */
export interface FoundSession {
  readonly session: Session
  readonly person: Person
}

/**
 * Finds the session of a token.
 * @returns undefined if there is none, if it has ended, or if the person may no longer enter
 * @throws {DirectoryError} `store_unavailable`
 */
export async function findSession(dir: Directory, token: string): Promise<FoundSession | undefined> {
  const hash = hashSignInToken(token)
  if (hash === undefined) return undefined
  const found = await read(dir, async (tx) => {
    const session = await selectSessionByHash(tx, hash)
    const person = session && (await findPerson(tx, session.userPk))
    return session && person && { session, person }
  })
  return found && idleEndOf(found.session) > dir.now().toISOString() ? found : undefined
}

/**
 * Records that a session is used, at most once a minute. A store that accepts no writes is no reason to refuse reads.
 * @returns the session with the time that was recorded
 * @throws {Error} what the store throws besides a StoreError
 */
export async function noteSessionUse(dir: Directory, session: Session): Promise<Session> {
  const now = dir.now()
  if (now.getTime() - Date.parse(session.seenAt) < SESSION_SEEN_MS) return session
  const seenAt = now.toISOString()
  try {
    await dir.store.write((tx) => markSessionSeen(tx, session.pk, seenAt), { canWait: true })
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    return session
  }
  return { ...session, seenAt }
}

/**
 * Lists live sessions, newest first: those of the calling person; for the operator, those of all people or of one.
 * @param request.user the id of the person, or their e-mail; for the operator alone
 * @param request.limit the most sessions of all people that are returned
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `email_ambiguous`, `store_unavailable`
 */
export function listSessions(
  dir: Directory,
  ctx: Context,
  request: { readonly user?: string | undefined; readonly limit: number },
): Promise<OwnedSession[]> {
  return runRead(dir, ctx, 'ListSessions', async (scope) => {
    const { tx } = scope
    const at = liveAt(dir)
    const { caller } = ctx
    const named = caller.kind === 'person' ? caller.id : request.user
    if (named === undefined) return selectSessions(tx, { ...at, limit: request.limit })
    const { user } = await getReachableUser({ ...scope, reach: 'below' }, { user: named })
    const sessions = await selectSessionsOf(tx, user.pk, at)
    return sessions.map((session) => ({ ...session, userId: user.id, email: user.email }))
  })
}

/** Returns which sessions are live now. */
export function liveAt(dir: Directory): LiveAt {
  const now = dir.now()
  return { now: now.toISOString(), idleSince: new Date(now.getTime() - SESSION_IDLE_MS).toISOString() }
}

/**
 * Ends a session: one of the caller, or, for an administrator, one of a person of the organizations below them (of a
 * reseller: of its own). Every process refuses it within 5 s.
 * @throws {DirectoryError} `not_permitted`, `session_not_found`, `store_unavailable`
 */
export async function endSession(dir: Directory, ctx: Context, id: string): Promise<void> {
  await runUnit(dir, ctx, { operation: 'EndSession', target: id }, async (unit) => {
    const session = await selectSession(unit.tx, foldId(id))
    const user = await selectUserByPk(unit.tx, session?.userPk ?? 0)
    if (!session || !user || !mayEnd(unit, user)) throw sessionNotFound(id)
    await deleteSession(unit.tx, session.pk)
    const changes = [{ name: 'user', before: user.id, after: null }]
    await unit.audit({ outcome: 'revoked', target: session.id, changes })
  })
  forgetCached(dir)
}

function mayEnd({ ctx }: Unit, user: Person['user']): boolean {
  const { caller, organization, permission } = ctx
  if (caller.kind === 'person' && caller.id === user.id) return true
  if (permission !== 'administrator') return false
  const pk = organization.kind === 'provider' ? user.providerPk : user.organizationPk
  return pk === organization.pk
}

function sessionNotFound(id: string): DirectoryError {
  return new DirectoryError('session_not_found', `There is no session with the id ${id}.`)
}

/**
 * Ends all sessions of a person.
 * @returns how many
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `email_ambiguous`, `store_unavailable`
 */
export async function endSessionsOf(dir: Directory, ctx: Context, ref: UserRef): Promise<number> {
  const ended = await runUnit(dir, ctx, { operation: 'EndSession' }, async (unit) => {
    const { user, organization } = await getReachableUser(unit, ref)
    if (!mayEnd(unit, user))
      throw new DirectoryError('user_not_found', `There is no user with the id ${ref.user}.`)
    const count = await deleteSessionsOf(unit.tx, user.pk)
    const changes = [{ name: 'sessions', before: count, after: 0 }]
    await unit.audit({ outcome: 'revoked', organization: organization.id, target: user.id, changes })
    return count
  })
  forgetCached(dir)
  return ended
}

/**
 * Ends the session in which the caller calls.
 * @returns the session
 * @throws {DirectoryError} `not_permitted`, `session_not_found`, `store_unavailable`
 */
export async function signOut(dir: Directory, ctx: Context): Promise<Session> {
  const { caller } = ctx
  const id = caller.kind === 'person' ? caller.session : undefined
  const ended = await runUnit(
    dir,
    ctx,
    { operation: 'SignOut', target: 'id' in caller ? caller.id : null },
    async (unit) => {
      const session = id === undefined ? undefined : await selectSession(unit.tx, id)
      if (!session) throw sessionNotFound(id ?? '')
      await deleteSession(unit.tx, session.pk)
      await unit.audit({
        outcome: 'revoked',
        changes: [{ name: 'session', before: session.id, after: null }],
      })
      return session
    },
  )
  forgetCached(dir)
  return ended
}

/**
 * Deletes sessions that have ended.
 * @throws {DirectoryError} `store_unavailable`
 */
export function deleteOldSessions(dir: Directory): Promise<void> {
  return write(dir, (tx) => deleteEndedSessions(tx, liveAt(dir)))
}
