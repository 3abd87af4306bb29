import {
  type BigIntStats,
  closeSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  realpathSync,
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
