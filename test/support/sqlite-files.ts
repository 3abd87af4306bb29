import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'

/** Makes URLs of SQLite files that do not exist yet; whatever lies there is gone when the tests of the file have ended. */
export function sqliteFiles(): () => Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'usher-files-'))
  after(() => rmSync(folder, { recursive: true }))
  let made = 0
  return async () => `sqlite:${join(folder, `${made++}.db`)}`
}
