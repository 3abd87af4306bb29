import { closeSync, fsyncSync, openSync, readSync, renameSync, writeSync } from 'node:fs'
import type { Connection } from './connection.ts'
import { toStoreError } from './errors.ts'
import { assertLogBelongs } from './log-check.ts'
import { isLogMarked, markLog } from './log-marks.ts'

/** How much of the log is read and written at once, in bytes. */
const PART = 2 ** 16

/**
 * Makes the log durable that a killed process left, and copies it into the file, so that the next commit begins a new
 * log. If the last sync of that process failed, its log has commits in memory that are not on disk. SQLite would write
 * after that hole, or into the file what is in the hole: after a power failure, the log before the hole would be
 * replayed over newer pages. Does nothing while another process reads or writes.
 * @param path the file that links lead to
 * @throws {StoreError} when the log or the file cannot be written
 */
export function beginNewLog(db: Connection, path: string): void {
  try {
    db.exec('BEGIN IMMEDIATE')
    rewrite(`${path}-wal`)
    db.rollback()
    db.pragma('wal_checkpoint(RESTART)')
  } catch (error) {
    db.rollback()
    const reason = toStoreError(error)
    if (reason.reason !== 'busy') throw reason
  }
}

/** Writes a file over itself, and syncs it: a sync leaves out what an earlier one has failed to write. */
function rewrite(path: string): void {
  const file = openSync(path, 'r+')
  try {
    const part = Buffer.alloc(PART)
    let at = 0
    for (let size = -1; size !== 0; at += size) {
      size = readSync(file, part, 0, PART, at)
      writeSync(file, part, 0, size, at)
    }
    if (at > 0) fsyncSync(file)
  } finally {
    closeSync(file)
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
 * @param options.writesLog false if the log belongs to another file, or has not reached the disk. The file then has
 *   another name while it is closed, so that SQLite leaves both as they are
 */
export function closeConnections(
  path: string,
  connections: readonly Connection[],
  { writesLog }: { readonly writesLog: boolean },
): void {
  const moved = `${path}.closing`
  const isMoved = !writesLog && renameIfPossible(path, moved)
  for (const connection of connections) connection.close()
  if (isMoved) renameSync(moved, path)
}

/** Renames a file. Returns false if that fails: a file system with faults may take no writes, so SQLite cannot either. */
function renameIfPossible(path: string, name: string): boolean {
  try {
    renameSync(path, name)
    return true
  } catch {
    return false
  }
}
