import { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../port.ts'
import { toStoreError } from './connection.ts'

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
    return db
  } catch (error) {
    const reason = toStoreError(error, path)
    throw reason.reason === 'busy' ? new StoreError('busy', taken, error) : reason
  }
}
