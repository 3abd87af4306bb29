import { mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { syncPath } from './put-in-place.ts'

/**
 * Makes a folder for its owner alone, and the missing folders above it. Their names are on disk when it returns: a
 * power failure could otherwise take the folder away, with everything that was synced in it. Does nothing if there is
 * one.
 * @throws {Error} of `mkdir`
 */
export function makeFolder(path: string): void {
  const first = mkdirSync(path, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  const topmost = dirname(resolve(first))
  for (let made = resolve(path); made !== topmost; made = dirname(made)) syncIfReadable(dirname(made))
}

/** A folder that the process may write to but not read cannot be synced. */
function syncIfReadable(path: string): void {
  try {
    syncPath(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error
  }
}
