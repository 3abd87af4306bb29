import type { DatabaseSync } from 'node:sqlite'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { FromCheckpointThread, ToCheckpointThread } from './checkpointer.ts'
import { openDatabase } from './database.ts'
import { assertLogBelongs } from './log-check.ts'

// The thread that copies the log into the file, see checkpointer.ts.

/** How often the log is copied. Each pass copies what was written during the one before, which is less and less. */
const PASSES = 3

const path = workerData as string
const port = parentPort as MessagePort
const db = openDatabase(path, { mustExist: true })
/**
 * While one of them reads, no commit of any process can begin a new log, unless the file had all of the log when the
 * read began. They take turns.
 */
const readers = [openDatabase(path, { readOnly: true }), openDatabase(path, { readOnly: true })] as const

port.on('message', (message: ToCheckpointThread) => {
  if (message === 'copy') {
    copyLog()
    port.postMessage('copied' satisfies FromCheckpointThread)
    return
  }
  for (const one of readers) endRead(one)
  if (message === 'release') return
  for (const one of [...readers, db]) one.close()
  port.close()
})

function copyLog(): void {
  try {
    assertLogBelongs(path)
    let [reader, other] = readers
    beginRead(reader)
    for (let pass = 0; pass < PASSES && !isCopied(); pass++) {
      if (pass === 0) port.postMessage('kept' satisfies FromCheckpointThread)
      else {
        ;[reader, other] = [other, reader]
        beginRead(reader)
        endRead(other)
      }
      db.exec('PRAGMA wal_checkpoint(PASSIVE)')
    }
  } catch {
    // The next commit copies the log itself, meets the same fault, and reports it.
  }
}

/** Returns whether the file has all of the log. A reader that began then would not keep the log in use. */
function isCopied(): boolean {
  const counts = db.prepare('PRAGMA wal_checkpoint(NOOP)').get()
  return counts?.log === counts?.checkpointed
}

/** Takes a snapshot of all commits until now. */
function beginRead(reader: DatabaseSync): void {
  reader.exec('BEGIN')
  reader.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get()
}

function endRead(reader: DatabaseSync): void {
  if (reader.isTransaction) reader.exec('ROLLBACK')
}
