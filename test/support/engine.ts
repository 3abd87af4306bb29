import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { findServer, type TestServer } from './postgres.ts'

export type Engine = 'sqlite' | 'postgres'

/**
 * Where the real programs of this test process keep their directories; in SQLite while there is none. It belongs to
 * the process, since the files with the tests are the same for both engines.
 */
let server: TestServer | undefined
const databases = new Map<string, Promise<string>>()

export function engine(): Engine {
  return server ? 'postgres' : 'sqlite'
}

/** From now on the real programs of this process use PostgreSQL. */
export function useServer(found: TestServer): void {
  server = found
}

/** The URL of the store of a data directory. On PostgreSQL the first call makes a database for it. */
export async function storeUrl(dataDir: string): Promise<string> {
  if (!server) return `sqlite:${join(dataDir, 'usher.db')}`
  const url = databases.get(dataDir) ?? server.createDatabase()
  databases.set(dataDir, url)
  return url
}

/** The environment of a real program: this process's without its own Usher settings, and with those of a test. */
export async function programEnvironment(
  dataDir: string,
  settings: Readonly<Record<string, string>>,
): Promise<NodeJS.ProcessEnv> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('USHER_'))
  // With SQLite nothing is said, so that tests see what Usher does by itself.
  const elsewhere = server && !settings.USHER_DATABASE_URL
  return {
    ...Object.fromEntries(inherited),
    USHER_DATA_DIR: dataDir,
    USHER_PORT: '0',
    ...(elsewhere && { USHER_DATABASE_URL: await storeUrl(dataDir) }),
    ...settings,
  }
}

/**
 * Runs test files again with PostgreSQL under the real programs that they start; where there is none, one skipped
 * test for each, with the reason.
 * @param folder where they are
 * @param files by default all in the folder that are not for one engine alone
 */
export async function onPostgres(folder: string, files = listNeutralTests(folder)): Promise<void> {
  const found = await findServer()
  if ('reason' in found) {
    for (const file of files) test(file, { skip: found.reason }, () => undefined)
    return
  }
  useServer(found)
  for (const file of files)
    describe(`${file} on PostgreSQL`, async () => {
      await import(pathToFileURL(join(folder, file)).href)
    })
}

function listNeutralTests(folder: string): string[] {
  return readdirSync(folder).filter((file) => /^[^.]+\.test\.ts$/.test(file))
}
