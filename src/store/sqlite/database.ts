import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { toStoreError } from './errors.ts'

/** The pages in the write-ahead log after which a commit copies it. More pages make checkpoints rarer and longer. */
const CHECKPOINT_PAGES = 16_000

interface DatabaseOptions {
  readonly readOnly?: boolean
  readonly mustExist?: boolean
  readonly busyMs?: number
  readonly checkpointPages?: number
}

/**
 * Opens a SQLite file, with the settings that every connection has.
 * @param options.mustExist whether to fail in place of making a file that is missing
 * @param options.busyMs how long a statement waits, and its thread with it, while another process writes; 0 when left
 *   out
 * @param options.checkpointPages how many pages in the log make a commit copy the log into the file
 * @throws {StoreError} when the file cannot be opened or is not a SQLite file
 */
export function openDatabase(
  path: string,
  { readOnly = false, mustExist = false, busyMs = 0, checkpointPages = CHECKPOINT_PAGES }: DatabaseOptions,
): DatabaseSync {
  try {
    const url = pathToFileURL(path)
    if (mustExist) url.searchParams.set('mode', 'rw')
    const db = new DatabaseSync(mustExist ? url : path, { readOnly, timeout: busyMs })
    if (!readOnly) {
      db.exec('PRAGMA journal_mode = WAL')
      // Commits are synced by the store. With NORMAL, SQLite still syncs around checkpoints.
      db.exec('PRAGMA synchronous = NORMAL')
      // What is deleted is overwritten with zeros, so that the file does not keep the values of erased persons.
      db.exec('PRAGMA secure_delete = FAST')
      db.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`)
    }
    db.exec('PRAGMA foreign_keys = ON')
    db.exec('PRAGMA temp_store = MEMORY')
    // 32 MiB. With three times as much no clear gain was measured (docs/performance.md).
    db.exec('PRAGMA cache_size = -32768')
    return db
  } catch (error) {
    throw toStoreError(error, path)
  }
}
