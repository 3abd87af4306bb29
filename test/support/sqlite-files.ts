import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'

/** Returns a function that makes URLs of new SQLite files, which are deleted after the tests of the file. */
export function sqliteFiles(): () => Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'usher-files-'))
  after(() => rmSync(folder, { recursive: true }))
  let made = 0
  return async () => `sqlite:${join(folder, `${made++}.db`)}`
}
