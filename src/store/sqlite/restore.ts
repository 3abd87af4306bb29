import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  lstatSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { makeFolder } from '../../make-folder.ts'
import { linkIfPossible, putInPlace, syncPath } from '../../put-in-place.ts'
import { StoreError } from '../port.ts'
import { completeCopy } from './backup.ts'
import { toStoreError } from './errors.ts'
import { type FileLock, takeFileLock } from './file-lock.ts'
import { isSqliteFile, resolveLinks } from './files.ts'
import { assertLogBelongs } from './log-check.ts'

/** A copy of a backup next to the store, and the locks that keep other processes from the store. */
export interface StagedRestore {
  /** The copy, a store of its own. It may be migrated and read. */
  readonly path: string
  /**
   * Puts the copy in the place of the store, in one step. The copy must be closed.
   * @returns the name under which the former store is kept, with its log next to it; null if there was none
   */
  install(now: Date): string | null
  /** Removes what is left of the copy, and ends the locks. */
  close(): void
}

/**
 * Copies a backup next to a store and checks it, while no other process uses the store.
 * @param options.incomplete whether to take a copy that lacks the log it had
 * @throws {StoreError} `busy` when another process uses the store, `not_a_store`, `damaged`, `replaced` when the backup
 *   lacks its log, and others when a file cannot be read or written
 */
export function stageRestore(
  path: string,
  backup: string,
  { incomplete }: { readonly incomplete: boolean },
): StagedRestore {
  const target = resolveLinks(path)
  assertBackup(target, backup)
  const hasLog = hasOwnLog(backup)
  if (!hasLog && !incomplete)
    throw new StoreError(
      'replaced',
      `${backup} was copied without the log ${backup}-wal, which had its newest changes, or lies next to another log. --force restores it without them`,
    )
  makeFolderOf(path, target)
  const staged = `${target}.restoring`
  const locks = new DisposableStack()
  locks.defer(() => removeAll(staged))
  try {
    locks.adopt(lockStore(target), (lock) => lock.close())
    copyInto(staged, backup, hasLog ? ['', '-wal'] : [''])
    completeCopy(staged, backup)
    assertUsherStore(staged, backup)
    return {
      path: staged,
      install: (now) => install(staged, target, now),
      close: () => locks.dispose(),
    }
  } catch (error) {
    locks.dispose()
    throw toStoreError(error, target)
  }
}

/** Makes the folder of a store. If the store is a symbolic link, its folder must exist: its volume may not be mounted. */
function makeFolderOf(path: string, target: string): void {
  const folder = dirname(target)
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() && !existsSync(folder))
    throw new StoreError(
      'missing',
      `${path} points to ${target}, whose folder does not exist: check that its volume is mounted`,
    )
  makeFolder(folder)
}

function assertBackup(target: string, backup: string): void {
  if (!existsSync(backup)) throw new StoreError('missing', `there is no file ${backup}`)
  if (realpathSync(backup) === target)
    throw new StoreError('taken', `${backup} is the store itself: copy it to another name, and restore that`)
  if (!isSqliteFile(backup))
    throw new StoreError('not_a_store', `${backup} is not a backup of a SQLite store`)
}

function assertUsherStore(staged: string, backup: string): void {
  const db = new DatabaseSync(staged, { readOnly: true })
  const tables = db
    .prepare("SELECT name FROM sqlite_schema WHERE name IN ('migrations', 'audit_blocks')")
    .all()
  db.close()
  if (tables.length < 2) throw new StoreError('not_a_store', `${backup} is not a backup of Usher`)
}

/**
 * Keeps servers and all other programs from the store.
 * @throws {StoreError} `busy`
 */
function lockStore(path: string): FileLock {
  const serving = takeFileLock(`${path}-serving`, `Usher serves ${path}: stop it, and try again`)
  try {
    const file = existsSync(path) ? lockFile(path) : null
    return {
      close() {
        file?.close()
        serving.close()
      },
    }
  } catch (error) {
    serving.close()
    throw error
  }
}

/**
 * Takes the lock that SQLite itself has on a file, without touching its log, which may belong to another file: SQLite
 * looks for the log by the name of the file, and has its locks on the file whatever its name.
 */
function lockFile(path: string): FileLock | null {
  const link = `${path}.locked`
  removeAll(link)
  // Without a second name there is only the lock of servers.
  if (!linkIfPossible(path, link)) return null
  const db = new DatabaseSync(link, { timeout: 0 })
  const close = (): void => {
    db.close()
    removeAll(link)
  }
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE')
    db.exec('BEGIN IMMEDIATE')
  } catch (error) {
    const { reason } = toStoreError(error)
    // A file that SQLite cannot read is one that no process uses.
    if (reason === 'busy') {
      close()
      throw new StoreError('busy', `another program uses ${path}: end it, and try again`, error)
    }
  }
  return { close }
}

function hasOwnLog(backup: string): boolean {
  try {
    assertLogBelongs(backup)
    return true
  } catch (error) {
    if (toStoreError(error).reason !== 'replaced') throw error
    return false
  }
}

function copyInto(staged: string, backup: string, suffixes: readonly string[]): void {
  removeAll(staged)
  for (const suffix of suffixes) {
    if (!existsSync(`${backup}${suffix}`)) continue
    copyFileSync(`${backup}${suffix}`, `${staged}${suffix}`)
    // The copy has the mode of the backup, which others may be allowed to read.
    chmodSync(`${staged}${suffix}`, 0o600)
  }
}

function install(staged: string, target: string, now: Date): string | null {
  const kept = ['', ...LOGS].some((suffix) => existsSync(`${target}${suffix}`)) ? keep(target, now) : null
  // The server may run as another user than this command.
  const owner = statSync(kept && existsSync(kept) ? kept : dirname(target))
  if (process.getuid?.() === 0) chownSync(staged, owner.uid, owner.gid)
  putInPlace(staged, target, { overwrite: true })
  return kept
}

/** What SQLite would write into a file of the name. Other programs may leave a journal. */
const LOGS = ['-wal', '-journal']

/** Gives the store another name, and its log the name that fits. If possible, the store keeps its own name until then. */
function keep(target: string, now: Date): string {
  const kept = `${target}.replaced-${now.toISOString().replace(/[-:.]/g, '')}`
  if (existsSync(target) && !linkIfPossible(target, kept)) renameSync(target, kept)
  for (const suffix of LOGS)
    if (existsSync(`${target}${suffix}`)) renameSync(`${target}${suffix}`, `${kept}${suffix}`)
  rmSync(`${target}-shm`, { force: true })
  syncPath(dirname(target))
  return kept
}

/** Removes a file with everything that SQLite may have put next to it. */
function removeAll(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${suffix}`, { force: true })
}
