import { DAY_MS } from '../model/times.ts'
import { deleteAttemptsBefore } from '../store/accounts/attempts.ts'
import type { Directory } from './directory.ts'
import { write } from './unit.ts'

/** How long attempts are kept: 90 days after their last repetition. */
const KEPT_MS = 90 * DAY_MS
/** The most attempts that one unit deletes, because other units wait for it. */
const BATCH = 1_000

/**
 * Deletes attempts that are too old to explain anything.
 * @throws {DirectoryError} `store_unavailable`
 */
export async function deleteOldAttempts(dir: Directory): Promise<void> {
  const before = new Date(dir.now().getTime() - KEPT_MS).toISOString()
  while ((await write(dir, (tx) => deleteAttemptsBefore(tx, before, BATCH))) === BATCH);
}
