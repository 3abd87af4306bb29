import { runWhenIdle } from '../loop.ts'
import { selectNewestUnlisted, selectOldestUnlisted } from '../store/users/unlisted-users.ts'
import type { Directory } from './directory.ts'
import { read, write } from './unit.ts'

/** How many users one commit takes into the lists. On SQLite nothing else runs meanwhile, for about 20 ms. */
const BATCH = 250
/** How long a list call waits for the users who were created before it. */
const PATIENCE_MS = 1_000
/** How many batches a list call takes in while there are more than it can wait for. */
const BATCHES_BEHIND = 4

/**
 * Takes the users into the lists who were created before this call. A create leaves that to a follower and to the list
 * calls, because it would cost a create more than everything else that it does in the store. When there are too many,
 * as after an import, it takes in the newest, so that a list has the users of single creates.
 * @throws {DirectoryError} `store_unavailable`
 */
export async function catchUpLists(dir: Directory): Promise<void> {
  const { listing } = dir
  const newest = await read(dir, selectNewestUnlisted)
  let isLeft = newest !== undefined
  const began = performance.now()
  for (let batches = 0; isLeft && newest !== undefined; batches++) {
    if (listing.isBehind ? batches >= BATCHES_BEHIND : performance.now() - began > PATIENCE_MS) break
    isLeft = !(await enlistBatch(dir, newest))
  }
  listing.isBehind = isLeft
}

/**
 * Takes all users into the lists who were created before this call, however long it takes.
 * @throws {DirectoryError} `store_unavailable`
 */
export async function completeLists(dir: Directory): Promise<void> {
  const newest = await read(dir, selectNewestUnlisted)
  if (newest !== undefined) while (!(await enlistBatch(dir, newest)));
}

/**
 * Takes some users into the lists, the newest first. Calls that come meanwhile share the batch.
 * @param upTo the highest primary key of a user to take
 * @returns whether no such user is left
 */
async function enlistBatch(dir: Directory, upTo: number): Promise<boolean> {
  const { listing } = dir
  listing.batch ??= write(dir, (tx) => tx.enlistUsers(BATCH, upTo)).finally(() => {
    listing.batch = null
  })
  await listing.batch
  const oldest = await read(dir, selectOldestUnlisted)
  return oldest === undefined || oldest > upTo
}

/**
 * Takes new users into the lists until none is left, as far as the process has time for it.
 * @throws {DirectoryError} `store_unavailable`
 */
export async function followUsers(dir: Directory, stopping: AbortSignal): Promise<void> {
  let newest = await read(dir, selectNewestUnlisted)
  if (newest === undefined) return
  await runWhenIdle(stopping, async () => {
    await enlistBatch(dir, newest ?? 0)
    newest = await read(dir, selectNewestUnlisted)
    dir.listing.isBehind &&= newest !== undefined
    return newest !== undefined
  })
}
