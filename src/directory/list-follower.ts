import { runWhenIdle } from '../loop.ts'
import { selectNewestUnlisted, selectOldestUnlisted } from '../store/users/unlisted-users.ts'
import type { Directory } from './directory.ts'
import { read, write } from './unit.ts'

/** How many users one commit takes into the lists: about 20 ms on SQLite, in which nothing else runs. */
const BATCH = 250
/** The same while requests wait for the commit. */
const SMALL_BATCH = 50
/** How long a list call waits for the users who were created before it. */
const PATIENCE_MS = 1_000
/** How many batches a list call takes in if there are too many to wait for: creates wait for each batch. */
const BATCHES_BEHIND = 1

/**
 * Takes the users who were created before this call into the lists. Creates leave that to a follower and to the calls
 * that list, because it costs more than everything else that a create does in the store. If there are too many users,
 * as after an import, only the newest are taken in, so that a list has the users of single creates.
 * @throws {DirectoryError} `store_unavailable`
 */
export async function catchUpLists(dir: Directory): Promise<void> {
  const { listing } = dir
  const newest = await read(dir, selectNewestUnlisted)
  let isLeft = newest !== undefined
  const began = performance.now()
  for (let batches = 0; isLeft && newest !== undefined; batches++) {
    if (listing.isBehind ? batches >= BATCHES_BEHIND : performance.now() - began > PATIENCE_MS) break
    await enlistBatch(dir, newest, listing.isBehind ? SMALL_BATCH : BATCH)
    isLeft = await isUnlisted(dir, newest)
  }
  listing.isBehind = isLeft
}

/**
 * Takes all users into the lists who were created before this call, however long it takes.
 * @throws {DirectoryError} `store_unavailable`
 */
export async function completeLists(dir: Directory): Promise<void> {
  const newest = await read(dir, selectNewestUnlisted)
  if (newest !== undefined) while (await isUnlisted(dir, newest)) await enlistBatch(dir)
}

/** Returns whether a user up to a primary key is not in the lists yet. */
async function isUnlisted(dir: Directory, upTo: number): Promise<boolean> {
  const oldest = await read(dir, selectOldestUnlisted)
  return oldest !== undefined && oldest <= upTo
}

/**
 * Takes some users into the lists. Calls that come meanwhile share the batch.
 * @param newest takes the newest users up to this primary key; the oldest ones when left out
 */
async function enlistBatch(dir: Directory, newest?: number, limit = BATCH): Promise<void> {
  const { listing } = dir
  listing.batch ??= write(dir, (tx) => tx.userIndex.enlistUsers(tx, limit, newest)).finally(() => {
    listing.batch = null
  })
  await listing.batch
}

/**
 * Takes new users into the lists until none is left, as far as the process has time for it.
 * @throws {DirectoryError} `store_unavailable`
 */
export async function followUsers(dir: Directory, stopping: AbortSignal): Promise<void> {
  const isBehind = (): Promise<boolean> => read(dir, (tx) => tx.userIndex.areListsBehind(tx))
  if (!(await isBehind())) return
  await runWhenIdle(stopping, async (isWaitedFor) => {
    await enlistBatch(dir, undefined, isWaitedFor ? SMALL_BATCH : BATCH)
    const isLeft = await isBehind()
    dir.listing.isBehind &&= isLeft
    return isLeft
  })
}
