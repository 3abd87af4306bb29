import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'

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
 * @param options.overwrite whether the new name may exist
 * @throws {Error} `EEXIST` when it exists and must not
 */
export function putInPlace(
  path: string,
  target: string,
  { overwrite }: { readonly overwrite: boolean },
): void {
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
