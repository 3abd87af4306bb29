import { join } from 'node:path'

/** A PostgreSQL server that makes new databases. */
export interface DatabaseServer {
  /** Returns the URL of a new, empty database. */
  createDatabase(): Promise<string>
  /** Returns the URL of a new database with all migrations. */
  createMigrated(): Promise<string>
}

export type Engine = 'sqlite' | 'postgres'

/** State of the process: the contract suites are the same for both engines and do not pass the engine on. */
let server: DatabaseServer | undefined
const databases = new Map<string, Promise<string>>()

/** Returns the engine of the programs that this process starts. */
export function engine(): Engine {
  return server ? 'postgres' : 'sqlite'
}

/** Makes every program that this process starts from now on use PostgreSQL. */
export function useServer(found: DatabaseServer): void {
  server = found
}

/** Returns the URL of the store of a data directory. On PostgreSQL the first call creates its database, migrated. */
export async function storeUrl(dataDir: string): Promise<string> {
  if (!server) return `sqlite:${join(dataDir, 'usher.db')}`
  const url = databases.get(dataDir) ?? server.createMigrated()
  databases.set(dataDir, url)
  return url
}

/** Makes a data directory have an empty store, where others get a migrated one. */
export function useEmptyStore(dataDir: string): void {
  if (server) databases.set(dataDir, server.createDatabase())
}

/**
 * Returns the environment of a real program: this process's own, without its Usher settings, plus the given settings.
 * With SQLite no database is named, so that the program uses its default.
 */
export async function programEnvironment(
  dataDir: string,
  settings: Readonly<Record<string, string>>,
): Promise<NodeJS.ProcessEnv> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('USHER_'))
  const onServer = server && !settings.USHER_DATABASE_URL
  return {
    ...Object.fromEntries(inherited),
    USHER_DATA_DIR: dataDir,
    USHER_PORT: '0',
    ...(onServer && { USHER_DATABASE_URL: await storeUrl(dataDir) }),
    ...settings,
  }
}
