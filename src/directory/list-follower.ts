import { runWhenIdle } from '../loop.ts'
import { DirectoryError } from '../model/error.ts'
import { selectNewestUnlisted, selectOldestUnlisted } from '../store/users/unlisted-users.ts'
import type { Directory } from './directory.ts'
import { read, write } from './unit.ts'

/** How many users one commit takes into the lists. On SQLite nothing else runs meanwhile, for about 10 ms. */
const BATCH = 250
/** How long a list call waits for the users who were created before it. */
const PATIENCE_MS = 10_000

/**
 * Takes every user into the lists who was created before this call. A create leaves that to a follower and to the list
 * calls, because it would cost a create more than everything else that it does in the store.
 * @param patienceMs how long to wait for them
 * @throws {DirectoryError} `store_unavailable`; also when there are too many of these users, as after an import
 */
export async function catchUpLists(dir: Directory, patienceMs = PATIENCE_MS): Promise<void> {
  const newest = await read(dir, selectNewestUnlisted)
  if (newest === undefined) return
  const until = performance.now() + patienceMs
  for (let oldest: number | undefined = newest; oldest !== undefined && oldest <= newest; ) {
    if (performance.now() > until) {
      const message = 'Very many users were added, and are being put into the lists; try again in a minute.'
      throw new DirectoryError('store_unavailable', message)
    }
    await enlistBatch(dir)
    oldest = await read(dir, selectOldestUnlisted)
  }
}

/** Takes some users into the lists. Calls that come meanwhile share the batch. */
async function enlistBatch(dir: Directory): Promise<void> {
  dir.listing.batch ??= write(dir, (tx) => tx.enlistUsers(BATCH)).finally(() => {
    dir.listing.batch = null
  })
  await dir.listing.batch
}

/**
 * Takes new users into the lists until none is left, as far as the process has time for it.
 * @throws {DirectoryError} `store_unavailable`
 */
export async function followUsers(dir: Directory, stopping: AbortSignal): Promise<void> {
  const isListed = async (): Promise<boolean> => (await read(dir, selectNewestUnlisted)) === undefined
  if (await isListed()) return
  await runWhenIdle(stopping, async () => {
    await enlistBatch(dir)
    return !(await isListed())
  })
}
