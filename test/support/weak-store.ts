import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { DatabaseSync, type StatementSync } from 'node:sqlite'

// Loaded into a program before its own code (`node --import`), to have many checkpoints within few creates, and to make
// it weak on purpose.

/** Whose syncs are off: `SQLite`, or `its commits`, which Usher syncs. */
const weakness = process.env.WEAKNESS ?? ''

const { exec, prepare } = DatabaseSync.prototype
DatabaseSync.prototype.exec = function (sql: string): void {
  const small = sql.replace(/wal_autocheckpoint = \d+/, 'wal_autocheckpoint = 200')
  exec.call(this, weakness === 'SQLite' ? small.replace('synchronous = NORMAL', 'synchronous = OFF') : small)
}

// The log is also copied by a thread, when it has some thousand pages: here, after a few.
DatabaseSync.prototype.prepare = function (sql: string): StatementSync {
  const statement = prepare.call(this, sql)
  if (!sql.includes('wal_checkpoint(NOOP)')) return statement
  const get = statement.get.bind(statement)
  return Object.assign(statement, { get: () => ({ ...get(), log: Number(get()?.log) * 1_000 }) })
}

if (weakness === 'its commits') {
  const fdatasync = (_file: number, done: () => void): void => void setImmediate(done)
  Object.assign(fs, { fdatasync, fdatasyncSync: () => undefined })
  syncBuiltinESMExports()
}
