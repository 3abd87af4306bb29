import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type Config, ConfigError } from '../config.ts'
import { toSqlitePath } from '../store/open.ts'

/**
 * Checks that a server may set up a directory: a master key in the data directory says that there was a store.
 * @throws {ConfigError} if there is a key, but no store. A store on PostgreSQL is not looked for
 */
export function assertStoreInPlace({ databaseUrl, dataDir, masterKeyFile }: Config): void {
  const path = toSqlitePath(databaseUrl)
  // A file without content holds no store either; a lost one may look like that.
  const found = path === null ? undefined : statSync(path, { throwIfNoEntry: false })
  if (path === null || (found && found.size > 0) || !existsSync(masterKeyFile)) return
  if (!existsSync(dataDir) || realpathSync(dirname(masterKeyFile)) !== realpathSync(dataDir)) return
  throw new ConfigError([
    `the master key ${masterKeyFile} exists, but its store ${path} ${found ? 'is empty' : 'does not'}: check USHER_DATA_DIR and USHER_DATABASE_URL, ` +
      'and that the volume of the store is mounted. usher restore FILE puts a backup in place; usher init sets up a new ' +
      'directory with this key',
  ])
}

/**
 * Lists what is wrong with the owners and modes of the files of a directory, one text each, with what to do. A key that
 * others may read is refused where it is read. Nothing is checked on systems without users, such as Windows.
 */
export function listFileWarnings({ databaseUrl, dataDir, masterKeyFile, masterKeys }: Config): string[] {
  const user = process.geteuid?.()
  if (user === undefined) return []
  const store = toSqlitePath(databaseUrl)
  const stores = store !== null && existsSync(store) ? listBeside(realpathSync(store)) : []
  const keys = masterKeys || !existsSync(masterKeyFile) ? [] : [masterKeyFile]
  const parents = [dataDir, ...[...stores, ...keys].map((path) => dirname(path))].filter(existsSync)
  const folders = new Set(parents.map((path) => realpathSync(path)))
  // Root may own the files of others, and may use theirs.
  const foreign = [...folders, ...stores, ...keys].filter(
    (path) => user !== 0 && ![0, user].includes(statSync(path).uid),
  )
  return [
    ...formatWarnings(foreign, `belong to another user, who can change them. To correct it: chown ${user}`),
    ...formatWarnings([...folders].filter(isOpen), 'are open to other users. To close them: chmod 700'),
    ...formatWarnings(stores.filter(isOpen), 'are open to other users. To close them: chmod 600'),
  ]
}

/** Lists a file and the files whose names begin with its name: logs, locks, and stores that a restore has kept. */
function listBeside(path: string): string[] {
  const names = readdirSync(dirname(path)).filter((name) => name.startsWith(basename(path)))
  return names.map((name) => join(dirname(path), name))
}

function isOpen(path: string): boolean {
  return ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0
}

/**
 * Makes one warning about all paths; none if there are none.
 * @param problem what is wrong, and the command to which the paths are added
 */
function formatWarnings(paths: readonly string[], problem: string): string[] {
  const text = paths.join(' ')
  return paths.length === 0 ? [] : [`these files or folders ${problem} ${text}`]
}
