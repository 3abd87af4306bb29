import { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../port.ts'
import { toStoreError } from './connection.ts'

/** A lock among the processes of one machine. The system takes it back when the one that holds it dies. */
export interface FileLock {
  close(): void
}

/**
 * Takes a lock, which is held until it is closed.
 * @param path of a file for the lock alone; it is made, stays empty, and may stay where it is
 * @param taken what to say when another process has it
 * @throws {StoreError} `busy` when another process has it
 */
export function takeFileLock(path: string, taken: string): FileLock {
  try {
    // Node has no file locks of its own; SQLite's are the system's.
    const db = new DatabaseSync(path, { timeout: 0 })
    db.exec('BEGIN EXCLUSIVE')
    return db
  } catch (error) {
    const reason = toStoreError(error, path)
    throw reason.reason === 'busy' ? new StoreError('busy', taken, error) : reason
  }
}
