import { randomInt } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'

// SQLite replays the write-ahead log (`-wal`) that lies next to a file, whichever file it was written for. So Usher
// marks both with a number in the header of the file (`user_version`), next to the number before it (`application_id`).
// When a new log begins, `markLog` writes an odd mark into the file, and then an even mark into the log, which names
// the odd one. A copy made through SQLite contains the log, and so has an even mark: it is not the file that the log
// belongs to. log-check.ts compares the marks; docs/decisions/0024 says why.

/** What marks a file, or a page in its log. A change of the schema changes the cookie; so does a backup by SQLite. */
export interface Mark {
  readonly cookie: number
  readonly mark: number
  readonly before: number
}

/** What marking needs of a connection. */
export interface Marked {
  /** Runs a statement that is not worth preparing. */
  execOnce(text: string): void
  /** Returns the row of a pragma. */
  pragma(text: string): Readonly<Record<string, unknown>>
  rollback(): void
}

/** Returns whether a mark belongs to a file whose log has what was written since. */
export function isOpenMark(mark: number): boolean {
  return mark % 2 !== 0
}

/**
 * Returns whether the log is marked, and no checkpoint has begun since, so that the next commit cannot begin a new log.
 * Must be called in a transaction that writes.
 */
export function isLogMarked(db: Marked, path: string): boolean {
  const mark = readPragma(db, 'user_version')
  if (mark === 0 || isOpenMark(mark)) return false
  return readPragma(db, 'application_id') === readFileMark(path).mark
}

/**
 * Marks the file and a new log, in two small commits. Does nothing while a reader keeps the log in use: no new log can
 * begin then.
 * @throws what SQLite throws, for example when another process writes or the disk is full
 */
export function markLog(db: Marked, path: string): void {
  if (!copyLog(db)) return
  inTransaction(db, () => {
    const mark = readPragma(db, 'user_version')
    const isUnfinished = isOpenMark(mark) && readFileMark(path).mark === mark
    if (!isUnfinished && !isLogMarked(db, path)) setMark(db, newMark() + 1, mark)
  })
  copyLog(db)
  inTransaction(db, () => {
    const mark = readPragma(db, 'user_version')
    // Another process may have marked the log meanwhile.
    if (isOpenMark(mark)) setMark(db, newMark(), mark)
  })
}

/** Removes the marks from a copy, which has no log. */
export function clearMark(db: Marked): void {
  setMark(db, 0, 0)
}

/** Reads the mark of the file itself, without its log. */
export function readFileMark(path: string): Mark {
  const url = pathToFileURL(path)
  // SQLite ignores the log of a file that cannot change. Usher must not open the file in another way: closing it would
  // end the locks that SQLite has on it in this process.
  url.searchParams.set('immutable', '1')
  const db = new DatabaseSync(url, { readOnly: true, defensive: false })
  try {
    // In the middle of a checkpoint the header already counts pages that are not in the file yet. SQLite calls such a
    // file damaged, unless its schema is writable.
    db.exec('PRAGMA writable_schema = ON')
    const read = (name: string): number => Number(db.prepare(`PRAGMA ${name}`).get()?.[name])
    return { cookie: read('schema_version'), mark: read('user_version'), before: read('application_id') }
  } finally {
    db.close()
  }
}

/** Copies the log into the file. Returns whether all of it is there. */
function copyLog(db: Marked): boolean {
  const { busy, log, checkpointed } = db.pragma('wal_checkpoint(PASSIVE)')
  // Busy while another process copies.
  return busy === 0 && log === checkpointed
}

function inTransaction(db: Marked, work: () => void): void {
  try {
    db.execOnce('BEGIN IMMEDIATE')
    work()
    db.execOnce('COMMIT')
  } catch (error) {
    db.rollback()
    throw error
  }
}

function readPragma(db: Marked, name: string): number {
  return Number(db.pragma(name)[name])
}

function setMark(db: Marked, mark: number, before: number): void {
  db.execOnce(`PRAGMA user_version = ${mark}`)
  db.execOnce(`PRAGMA application_id = ${before}`)
}

/** Returns a new even mark. */
function newMark(): number {
  return randomInt(1, 2 ** 30) * 2
}
