import { LRUCache } from 'lru-cache'
import { CACHE_TTL_MS, type Directory } from '../directory/directory.ts'
import { type FoundSession, findSession, noteSessionUse } from '../directory/sessions.ts'
import { idleEndOf } from '../model/sessions.ts'
import { AuthError, ExpiredError } from './auth-error.ts'

/**
 * Returns the session and the person that the token of a cookie stands for.
 * @throws {AuthError} without a token, or if its session has ended or its person may no longer enter
 * @throws {DirectoryError} `store_unavailable`
 */
export type SessionCheck = (token: string | undefined) => Promise<FoundSession>

/** The most sessions that are cached. */
const CACHE_ENTRIES = 1_000

/** A cached session, and what had been changed when its look-up began. */
interface Cached extends FoundSession {
  readonly changes: number
}

/**
 * Returns a function that checks sessions. A session is cached for CACHE_TTL_MS. So every process refuses within 5 s one
 * that ended, and a person who was deleted or suspended, or lost a group.
 */
export function newSessionCheck(dir: Directory): SessionCheck {
  const sessions = new LRUCache<string, Cached>({ max: CACHE_ENTRIES, ttl: CACHE_TTL_MS, ttlResolution: 0 })
  const find = async (token: string): Promise<FoundSession | undefined> => {
    const cached = sessions.get(token)
    if (cached?.changes === dir.changes.count) return cached
    const changes = dir.changes.count
    const found = await findSession(dir, token)
    if (!found) return undefined
    const session = await noteSessionUse(dir, found.session)
    const known = { ...found, session, changes }
    sessions.set(token, known)
    return known
  }
  return async (token) => {
    if (token === undefined) throw new AuthError('Sign in to the console', { presented: false })
    const found = await find(token)
    if (!found || idleEndOf(found.session) <= dir.now().toISOString())
      // A page that goes on polling must not lock its address out. A token has 256 random bits, too many to guess.
      throw new ExpiredError('The session has ended; sign in again')
    return found
  }
}
