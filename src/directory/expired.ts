import { deleteExpiredResponses, EXPIRED_AT_ONCE } from '../store/tables/idempotency-keys.ts'
import { deleteOldAttempts } from './attempts.ts'
import type { Directory } from './directory.ts'
import { deleteOldJobs } from './jobs/jobs.ts'
import { deleteOldRefreshTokens } from './refresh-tokens.ts'
import { deleteOldSigningKeys } from './sealing/signing-keys.ts'
import { deleteOldSessions } from './sessions.ts'
import { deleteOldLinks } from './sign-in-links.ts'
import { write } from './unit.ts'
import { deleteOldDeadLetters } from './webhooks.ts'

/**
 * Deletes the rows whose time is over, one kind after the other. Each file decides how long its rows are kept.
 * @throws {DirectoryError} `store_unavailable`
 */
export async function deleteExpired(dir: Directory): Promise<void> {
  await deleteOldResponses(dir)
  await deleteOldRefreshTokens(dir)
  await deleteOldSigningKeys(dir)
  await deleteOldJobs(dir)
  await deleteOldDeadLetters(dir)
  await deleteOldSessions(dir)
  await deleteOldLinks(dir)
  await deleteOldAttempts(dir)
}

/**
 * Deletes responses that are too old to be replayed, in several commits if there are many.
 * @returns the number of deleted responses
 * @throws {DirectoryError} `store_unavailable`
 */
export async function deleteOldResponses(dir: Directory): Promise<number> {
  const now = dir.now().toISOString()
  for (let deleted = 0; ; ) {
    const count = await write(dir, (tx) => deleteExpiredResponses(tx, now))
    deleted += count
    if (count < EXPIRED_AT_ONCE) return deleted
  }
}
