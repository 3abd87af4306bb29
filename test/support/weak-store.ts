import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { DatabaseSync } from 'node:sqlite'

// Loaded into a program before its own code (`node --import`), to have many checkpoints within few creates, and to make
// it weak on purpose.

/** Whose syncs are off: `SQLite`, or `its commits`, which Usher syncs. */
const weakness = process.env.WEAKNESS ?? ''

const { exec } = DatabaseSync.prototype
DatabaseSync.prototype.exec = function (sql: string): void {
  const small = sql.replace(/wal_autocheckpoint = \d+/, 'wal_autocheckpoint = 200')
  exec.call(this, weakness === 'SQLite' ? small.replace('synchronous = NORMAL', 'synchronous = OFF') : small)
}

if (weakness === 'its commits') {
  const fdatasync = (_file: number, done: () => void): void => void setImmediate(done)
  Object.assign(fs, { fdatasync, fdatasyncSync: () => undefined })
  syncBuiltinESMExports()
}
