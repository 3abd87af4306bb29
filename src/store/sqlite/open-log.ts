import { renameSync } from 'node:fs'
import type { Connection } from './connection.ts'
import { toStoreError } from './errors.ts'
import { assertLogBelongs } from './log-check.ts'
import { isLogMarked, markLog } from './log-marks.ts'

/**
 * Copies the log that a killed process left into the file, so that the next commit begins a new log. If the last sync
 * of that process failed, its log has commits in memory that are not on disk, and SQLite would write after that hole:
 * after a power failure it could not read past the hole. Does nothing while another process reads or writes.
 * @throws {StoreError} when the file cannot be written
 */
export function beginNewLog(db: Connection): void {
  try {
    db.pragma('wal_checkpoint(RESTART)')
  } catch (error) {
    throw toStoreError(error)
  }
}

/**
 * Marks the log of an open store, if a commit can begin a new one. Must be called in a transaction that has run no
 * statement, and returns in one.
 * @param whenFree repeats its work while another process writes
 * @returns whether the log is marked; if not, a reader keeps the log in use
 * @throws {StoreError} `replaced` if another file was copied over the file: SQLite would mix the two
 */
export async function keepLogMarked(
  db: Connection,
  path: string,
  whenFree: (work: () => Promise<void>) => Promise<void>,
): Promise<boolean> {
  if (isLogMarked(db, path)) return true
  assertLogBelongs(path)
  db.rollback()
  await whenFree(async () => markLog(db, path))
  await whenFree(async () => db.begin())
  return isLogMarked(db, path)
}

/**
 * Closes the connections to a file. The last one of all processes writes the log into the file.
 * @param writesLog false if the log belongs to another file. The file then has another name while it is closed, so that
 *   SQLite leaves both as they are
 */
export function closeConnections(path: string, connections: readonly Connection[], writesLog: boolean): void {
  const moved = `${path}.closing`
  if (!writesLog) renameSync(path, moved)
  for (const connection of connections) connection.close()
  if (!writesLog) renameSync(moved, path)
}
