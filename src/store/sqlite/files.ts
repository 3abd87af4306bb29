import { closeSync, fsyncSync, linkSync, openSync, readSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'

/** The first bytes of every SQLite file. */
const MAGIC = Buffer.from('SQLite format 3\0')

/** Returns whether a file that SQLite does not have open is a SQLite file. */
export function isSqliteFile(path: string): boolean {
  const file = openSync(path, 'r')
  try {
    const start = Buffer.alloc(MAGIC.length)
    readSync(file, start, 0, MAGIC.length, 0)
    return start.equals(MAGIC)
  } finally {
    closeSync(file)
  }
}

/** Creates an empty file for its owner alone, in place of one that an earlier attempt left. */
export function createEmptyFile(path: string): void {
  rmSync(path, { force: true })
  closeSync(openSync(path, 'wx', 0o600))
}

/** Syncs a file, or the names in a folder. */
export function syncPath(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/**
 * Renames a file in its folder, so that at every moment, even after a power failure, the new name is the whole file.
 * @param overwrite whether the new name may exist
 * @throws {Error} `EEXIST` when it exists and must not
 */
export function putInPlace(path: string, target: string, overwrite: boolean): void {
  syncPath(path)
  // A rename would replace a file that was made meanwhile.
  if (overwrite || !linkIfPossible(path, target)) renameSync(path, target)
  rmSync(path, { force: true })
  syncPath(dirname(target))
}

/**
 * Gives a file a second name.
 * @returns false if the file system cannot do that
 * @throws {Error} `EEXIST` when the name is taken
 */
export function linkIfPossible(path: string, name: string): boolean {
  try {
    linkSync(path, name)
    return true
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (NO_LINKS.has(code)) return false
    throw error
  }
}

/** The errors of file systems without hard links: FAT, some network shares, some containers. */
const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])
