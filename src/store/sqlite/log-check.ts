import { closeSync, openSync, readSync, realpathSync, statSync } from 'node:fs'
import { StoreError } from '../port.ts'
import { isOpenMark, type Mark, readFileMark } from './log-marks.ts'

// The format of the log: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
const LOG_HEADER = 32
const LOG_MAGIC: readonly number[] = [0x377f0682, 0x377f0683]
const FRAME_HEADER = 24
/** Offsets in page 1, the header of the file. */
const [COOKIE, USER_VERSION, APPLICATION_ID] = [40, 60, 68]

/**
 * Checks that a store file and the write-ahead log next to it belong together. Must run before SQLite opens the file:
 * SQLite would mix the two. Does nothing if there is no file and no log. May run while other processes use the store.
 * @throws {StoreError} `replaced` when the file or the log was replaced or removed; the message says what to do
 */
export function assertLogBelongs(path: string): void {
  // Another process may write between the reads of one look. Only a real fault looks the same twice.
  let seen = ''
  for (;;) {
    const { problem, evidence } = compareMarks(path)
    if (problem === null) return
    if (evidence === seen) throw new StoreError('replaced', problem)
    seen = evidence
  }
}

interface Comparison {
  /** What is wrong, and what to do; null if nothing is. */
  readonly problem: string | null
  /** What was compared. */
  readonly evidence: string
}

function compareMarks(path: string): Comparison {
  const found = statSync(path, { throwIfNoEntry: false })
  // SQLite puts the log next to the file that a symbolic link points to.
  const file = found ? realpathSync(path) : path
  const log = `${file}-wal`
  const logSize = statSync(log, { throwIfNoEntry: false })?.size ?? 0
  if (!found || found.size === 0) {
    const problem = logSize > 0 ? `there is a log ${log}, but its file ${file} is missing or empty` : null
    return { problem: problem && `${problem}. ${PUT_BACK}`, evidence: String(logSize) }
  }
  const mark = readMarkOrNull(file)
  // The file is damaged: opening it explains how.
  if (mark === null) return { problem: null, evidence: '' }
  if (logSize === 0 || !hasHeader(log)) {
    const problem = `${file} was in use when it was copied or last written, and its log ${log} is missing: the newest changes are in the log`
    return {
      problem: isOpenMark(mark.mark) ? `${problem}. ${PUT_BACK}` : null,
      evidence: JSON.stringify(mark),
    }
  }
  const { belongs, seen } = belongsTo(mark, log)
  const problem = `${log} is not the log of ${file}: one of them was replaced, for example by a copy of a backup, and Usher would mix them`
  return { problem: belongs ? null : `${problem}. ${PUT_BACK}`, evidence: JSON.stringify([mark, seen]) }
}

const PUT_BACK =
  'To put a backup in place, run usher restore FILE, which keeps what is here under other names (docs/operating.md, "Back up and restore")'

function readMarkOrNull(path: string): Mark | null {
  try {
    return readFileMark(path)
  } catch {
    return null
  }
}

/**
 * Returns whether a file has the state in which its log began, or one that a checkpoint of the log gave it.
 * @returns also what was compared
 */
function belongsTo(file: Mark, path: string): { belongs: boolean; seen: readonly Mark[] } {
  const seen: Mark[] = []
  let commits = 0
  for (const marks of readCommits(path)) {
    commits++
    for (const inLog of marks) {
      seen.push(inLog)
      if (seen.length === 1 && isBaseOf(file, inLog)) return { belongs: true, seen }
      // A checkpoint writes page 1 first.
      if (inLog.mark === file.mark && inLog.before === file.before && inLog.cookie === file.cookie)
        return { belongs: true, seen }
    }
  }
  // An empty log changes no file. A log without page 1 was not begun by Usher, so an open file cannot be its base.
  return { belongs: commits === 0 || (seen.length === 0 && !isOpenMark(file.mark)), seen }
}

/** Returns whether a log whose first mark is `first` was begun over the file. */
function isBaseOf(file: Mark, first: Mark): boolean {
  // Version 0.1.0 wrote no marks.
  if (first.mark === 0) return file.mark === 0
  // A backup may have that mark too, but it has another cookie.
  return file.mark === first.before && file.cookie === first.cookie
}

/**
 * Reads the commits in a log that SQLite would replay, in order: for each, the marks of the pages 1 in it. A power
 * failure can leave the header of a frame without its page, so the checksums count, as for SQLite.
 */
function* readCommits(path: string): Generator<readonly Mark[]> {
  const log = openOrNull(path)
  if (log === null) return
  try {
    const header = Buffer.alloc(LOG_HEADER)
    if (readSync(log, header, 0, LOG_HEADER, 0) < LOG_HEADER) return
    const sum = newChecksum(header)
    if (!sum.add(header.subarray(0, 24)).equals(header.subarray(24))) return
    const salts = header.subarray(16, 24)
    const frame = Buffer.alloc(FRAME_HEADER + header.readUInt32BE(8))
    let uncommitted: Mark[] = []
    for (
      let at = LOG_HEADER;
      readSync(log, frame, 0, frame.length, at) === frame.length;
      at += frame.length
    ) {
      // Frames of an older log follow.
      if (!frame.subarray(8, 16).equals(salts)) return
      const page = frame.subarray(FRAME_HEADER)
      if (!sum.add(frame.subarray(0, 8)).add(page).equals(frame.subarray(16, 24))) return
      if (frame.readUInt32BE(0) === 1) uncommitted.push(toMark(page))
      if (frame.readUInt32BE(4) === 0) continue
      yield uncommitted
      uncommitted = []
    }
  } finally {
    closeSync(log)
  }
}

/** The checksum over a log so far. */
interface Checksum {
  /** @param bytes a multiple of 8 bytes */
  add(bytes: Buffer): Checksum
  equals(stored: Buffer): boolean
}

/** Returns an empty checksum, as in "Checksum Algorithm" of the format of the log. */
function newChecksum(header: Buffer): Checksum {
  const read = header.readUInt32BE(0) % 2 === 0 ? 'readUInt32LE' : 'readUInt32BE'
  let [first, second] = [0, 0]
  return {
    add(bytes) {
      for (let at = 0; at < bytes.length; at += 8) {
        first = (first + bytes[read](at) + second) >>> 0
        second = (second + bytes[read](at + 4) + first) >>> 0
      }
      return this
    },
    equals: (stored) => stored.readUInt32BE(0) === first && stored.readUInt32BE(4) === second,
  }
}

/** Returns whether SQLite takes a file for a log. */
function hasHeader(path: string): boolean {
  const log = openOrNull(path)
  if (log === null) return false
  try {
    const magic = Buffer.alloc(4)
    return readSync(log, magic, 0, 4, 0) === 4 && LOG_MAGIC.includes(magic.readUInt32BE(0))
  } finally {
    closeSync(log)
  }
}

/** Opens a log. Returns null if the last process that used it has removed it meanwhile. */
function openOrNull(path: string): number | null {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function toMark(page: Buffer): Mark {
  return {
    cookie: page.readInt32BE(COOKIE),
    mark: page.readInt32BE(USER_VERSION),
    before: page.readInt32BE(APPLICATION_ID),
  }
}
