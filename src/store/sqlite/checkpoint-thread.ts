import type { DatabaseSync } from 'node:sqlite'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { openDatabase } from './database.ts'
import { assertLogBelongs } from './log-check.ts'

// The thread that copies the log into the file, see checkpointer.ts.

/** How often the log is copied. Each pass copies what was written during the one before, which is less and less. */
const PASSES = 3

const path = workerData as string
const port = parentPort as MessagePort
const db = openDatabase(path, { mustExist: true })
/** While one of them reads, no commit of any process can begin a new log. They take turns. */
const readers = [openDatabase(path, { readOnly: true }), openDatabase(path, { readOnly: true })] as const

port.on('message', (isWanted: boolean) => {
  if (isWanted) {
    copyLog()
    port.postMessage(null)
  } else {
    for (const one of [...readers, db]) one.close()
    port.close()
  }
})

function copyLog(): void {
  try {
    assertLogBelongs(path)
    for (let pass = 0; pass < PASSES; pass++) {
      const [next, last] = pass % 2 === 0 ? readers : [readers[1], readers[0]]
      beginRead(next)
      endRead(last)
      db.exec('PRAGMA wal_checkpoint(PASSIVE)')
    }
  } catch {
    // The next commit copies the log itself, meets the same fault, and reports it.
  } finally {
    for (const one of readers) endRead(one)
  }
}

/** Takes a snapshot of all commits until now. */
function beginRead(reader: DatabaseSync): void {
  reader.exec('BEGIN')
  reader.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get()
}

function endRead(reader: DatabaseSync): void {
  if (reader.isTransaction) reader.exec('ROLLBACK')
}
