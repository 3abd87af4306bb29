import {
  type BigIntStats,
  closeSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'
import { StoreError } from '../port.ts'

/** The first bytes of every SQLite file. */
const MAGIC = Buffer.from('SQLite format 3\0')

/**
 * Returns the file that a path stands for: the target of a symbolic link, also if there is none yet.
 * @throws {Error} `ELOOP` when links point to each other
 */
export function resolveLinks(path: string): string {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true)
    return statSync(path, { throwIfNoEntry: false }) ? realpathSync(path) : resolve(path)
  // Throws ELOOP if the links point to each other; the recursion would not end.
  statSync(path, { throwIfNoEntry: false })
  return resolveLinks(resolve(dirname(path), readlinkSync(path)))
}

/**
 * Returns the time of the last change of an open file, in nanoseconds.
 * @param file the file when it was opened
 * @throws {StoreError} `missing` if the path has no or another file: writes would be lost without an error
 */
export function statInPlace(path: string, file: Pick<BigIntStats, 'ino' | 'dev'>): bigint {
  const now = statSync(path, { bigint: true, throwIfNoEntry: false })
  if (now?.ino === file.ino && now.dev === file.dev) return now.mtimeNs
  throw new StoreError('missing', `${path} was removed or replaced while it was open`)
}

/**
 * Returns whether a path is a SQLite file, which SQLite does not have open. Folders and pipes are none.
 * @throws {StoreError} when it cannot be read
 */
export function isSqliteFile(path: string): boolean {
  if (!statSync(path).isFile()) return false
  const file = openToRead(path)
  try {
    const start = Buffer.alloc(MAGIC.length)
    readSync(file, start, 0, MAGIC.length, 0)
    return start.equals(MAGIC)
  } finally {
    closeSync(file)
  }
}

function openToRead(path: string): number {
  try {
    return openSync(path, 'r')
  } catch (error) {
    throw new StoreError('failed', `${path} cannot be read: ${(error as Error).message}`, error)
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
