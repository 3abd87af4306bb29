import { chownSync, existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../port.ts'
import { toStoreError } from './errors.ts'

/** A lock between processes of one machine. The operating system releases it when its process ends. */
export interface FileLock {
  close(): void
}

/**
 * Takes a lock and holds it until `close`.
 * @param path a file for this lock only; it is created, stays empty, and is never deleted
 * @param taken the error message if another process has the lock
 * @throws {StoreError} `busy` when another process has the lock
 */
export function takeFileLock(path: string, taken: string): FileLock {
  try {
    // Node has no file locks. SQLite uses the locks of the operating system.
    const db = new DatabaseSync(path, { timeout: 0 })
    db.exec('BEGIN EXCLUSIVE')
    giveToOwner(path)
    return db
  } catch (error) {
    const reason = toStoreError(error, path)
    throw reason.reason === 'busy' ? new StoreError('busy', taken, error) : reason
  }
}

/**
 * Returns whether a process holds the lock at this moment.
 * @param path as for `takeFileLock`
 */
export function isFileLocked(path: string): boolean {
  if (!existsSync(path)) return false
  try {
    const db = new DatabaseSync(path, { readOnly: true, timeout: 0 })
    try {
      db.prepare('SELECT count(*) FROM sqlite_schema').get()
      return false
    } finally {
      db.close()
    }
  } catch (error) {
    return toStoreError(error, path).reason === 'busy'
  }
}

/** If root made the file, the user of the folder must be able to take the lock later. */
function giveToOwner(path: string): void {
  if (process.geteuid?.() !== 0) return
  const { uid, gid } = statSync(dirname(path))
  chownSync(path, uid, gid)
}
