import { setImmediate as nextTurn } from 'node:timers/promises'
import { DirectoryError } from '../model/error.ts'
import { selectNewestUnlisted, selectOldestUnlisted } from '../store/users/unlisted-users.ts'
import type { Directory } from './directory.ts'
import { read, write } from './unit.ts'

/** How many users one commit takes into the lists. On SQLite nothing else runs meanwhile, for about 10 ms. */
const BATCH = 250
/** The follower leaves users to the next list call while more than this are created in one of its rounds. */
const BUSY = 1_000
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
 * Makes the work of the follower: it takes users into the lists in moments with few creates. Each call is one round.
 * @returns a function that takes the signal that ends the round
 */
export function newListFollower(dir: Directory): (stopping: AbortSignal) => Promise<void> {
  let known = 0
  return async (stopping) => {
    for (let newest = await read(dir, selectNewestUnlisted); newest !== undefined && !stopping.aborted; ) {
      const isBusy = newest - known > BUSY && known > 0
      known = newest
      if (isBusy) return
      await enlistBatch(dir)
      await nextTurn()
      newest = await read(dir, selectNewestUnlisted)
    }
  }
}
