import { existsSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { putInPlace } from '../../put-in-place.ts'
import { StoreError } from '../port.ts'
import { openConnection } from './connection.ts'
import { toStoreError } from './errors.ts'
import { createEmptyFile, isSqliteFile } from './files.ts'
import { assertLogBelongs } from './log-check.ts'
import { clearMark } from './log-marks.ts'

/** Pages that are copied between two looks at the signal: 16 MiB. */
const PAGES_PER_STEP = 4_096

export interface BackupOptions {
  /** Whether to replace an older backup. */
  readonly overwrite: boolean
  /** Ends the backup when it aborts. */
  readonly signal: AbortSignal
}

/**
 * Copies a store to one file, also while a server uses the store. The copy is the state of one moment. It is checked and
 * on disk when the promise resolves; if it rejects, the target is unchanged.
 * @throws {StoreError} `taken` when the target exists and must not be replaced, `damaged` when the copy is damaged, and
 *   others when a file cannot be read or written
 */
export async function backUpFile(path: string, target: string, options: BackupOptions): Promise<void> {
  if (!existsSync(path))
    throw new StoreError(
      'missing',
      `there is no store at ${path}: check USHER_DATA_DIR and USHER_DATABASE_URL`,
    )
  assertLogBelongs(path)
  assertMayWrite(path, target, options.overwrite)
  const part = `${target}.part`
  try {
    createEmptyFile(part)
    await copyPages(path, part, options.signal)
    completeCopy(part, path)
    putInPlace(part, target, options)
  } catch (error) {
    if (options.signal.aborted) throw new StoreError('failed', `stopped: ${target} was not written`, error)
    throw toCopyError(error, path, target)
  } finally {
    for (const name of [part, `${part}-journal`]) rmSync(name, { force: true })
  }
}

function assertMayWrite(path: string, target: string, overwrite: boolean): void {
  const found = statSync(target, { throwIfNoEntry: false })
  if (!found) {
    if (existsSync(dirname(target))) return
    throw new StoreError(
      'missing',
      `${target} cannot be written: the folder ${dirname(target)} does not exist`,
    )
  }
  if (!overwrite)
    throw new StoreError('taken', `${target} exists: choose another name, or replace it with --overwrite`)
  const store = statSync(path)
  if ((found.ino === store.ino && found.dev === store.dev) || !isSqliteFile(target))
    throw new StoreError('taken', `${target} is not a backup, so it is not overwritten: choose another name`)
}

async function copyPages(path: string, part: string, signal: AbortSignal): Promise<void> {
  const source = new DatabaseSync(path)
  try {
    // SQLite would begin again whenever another process writes. Within one read transaction it does not notice.
    source.exec('BEGIN')
    source.prepare('SELECT 1 FROM sqlite_schema').get()
    await backup(source, part, { rate: PAGES_PER_STEP, progress: () => signal.throwIfAborted() })
    signal.throwIfAborted()
    source.exec('ROLLBACK')
  } finally {
    source.close()
  }
}

/**
 * Makes a copy one file, without a log and without marks, and checks it.
 * @param name how a message calls the copy
 * @throws {StoreError} `damaged`, `not_a_store`
 */
export function completeCopy(copy: string, name: string): void {
  try {
    const db = openConnection(copy)
    try {
      clearMark(db)
      db.pragma('journal_mode = DELETE')
      const problem = db.pragma('integrity_check(1)').integrity_check
      if (problem !== 'ok') throw new StoreError('damaged', `${name} is damaged: ${problem}`)
    } finally {
      db.close()
    }
  } catch (error) {
    throw toCopyError((error as Error).cause ?? error, name, copy)
  }
}

/** Converts the failure of a copy. Damaged content is the fault of the original; any other failure is about the copy. */
function toCopyError(error: unknown, original: string, copy: string): StoreError {
  const reason = toStoreError(error, copy)
  return reason.reason === 'damaged' || reason.reason === 'not_a_store'
    ? toStoreError(error, original)
    : reason
}
