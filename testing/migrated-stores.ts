import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { openStore } from '../src/store/open.ts'

/** The name of the database that has all migrations, on the server that all test files share. */
export const MIGRATED_DATABASE = 'usher_migrated'

/** The name of the variable with the path of a migrated SQLite file, which the global setup makes. */
const FILE_VARIABLE = 'USHER_TEST_MIGRATED_FILE'

let ownFile: Promise<string> | undefined

/** Applies all migrations to a store. Copying it costs a tenth of that. */
export async function migrate(url: string): Promise<void> {
  await (await openStore(url)).close()
}

/** Makes a migrated SQLite file for all processes that inherit the environment; returns how to delete it. */
export async function shareMigratedFile(): Promise<() => void> {
  const { path, remove } = await makeFile()
  process.env[FILE_VARIABLE] = path
  return remove
}

/** Creates a SQLite store at a path, and its folder, by copying one that has all migrations. */
export async function copyMigratedFile(path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  copyFileSync(process.env[FILE_VARIABLE] ?? (await findOwnFile()), path)
}

/** Returns the file of this process, which ends without the global setup. */
function findOwnFile(): Promise<string> {
  ownFile ??= makeFile().then(({ path, remove }) => {
    process.once('exit', remove)
    return path
  })
  return ownFile
}

async function makeFile(): Promise<{ path: string; remove: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'usher-migrated-'))
  const path = join(folder, 'usher.db')
  await migrate(`sqlite:${path}`)
  chmodSync(path, 0o600)
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
