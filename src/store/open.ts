import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Store, StoreError, type StoreEvents } from './port.ts'
import { openSqlite } from './sqlite/store.ts'

export { takeFileLock } from './sqlite/file-lock.ts'

export interface OpenOptions {
  readonly events?: StoreEvents
  /** Whether this process serves from now on: of a store that one process has to itself, it must be the only one. */
  readonly serving?: boolean
  /** Whether a missing store is made; it is unless told otherwise. */
  readonly create?: boolean
  /** Whether a database is taken that may lose commits; it is not unless told otherwise. */
  readonly allowDataLoss?: boolean
  /** Whether a statement may take as long as it needs; otherwise it is given up while its caller still waits. */
  readonly patient?: boolean
}

/**
 * Opens the store that a URL names, and brings its schema up to date.
 * @param url `sqlite:<path>`, or `postgres://user:password@host:port/database`
 * @throws {StoreError} with a message for the operator
 */
export async function openStore(url: string, options: OpenOptions = {}): Promise<Store> {
  const store = await openUnmigrated(url, options)
  try {
    if (options.create === false && (await store.listMigrations()).length === 0)
      throw new StoreError('missing', 'the store is empty; usher init sets it up')
    await store.migrate()
    return store
  } catch (error) {
    await store.close()
    throw error
  }
}

/** Opens the store as it is. */
export async function openUnmigrated(
  url: string,
  { events = { committed: () => undefined }, serving = false, create = true, ...options }: OpenOptions = {},
): Promise<Store> {
  if (/^postgres(ql)?:/.test(url)) {
    // Loaded by those who need it: a start on SQLite has no time for a driver that it does not use.
    const { openPostgres } = await import('./postgres/store.ts')
    const { allowDataLoss = false, patient = false } = options
    return openPostgres({ url, allowDataLoss, patient }, events)
  }
  const path = url.startsWith('sqlite:') ? url.slice('sqlite:'.length) : ''
  if (path === '' || path === ':memory:') {
    throw new StoreError('failed', 'the database URL must be sqlite:<path>, naming a file, or postgres://…')
  }
  if (!create && !existsSync(path))
    throw new StoreError('missing', `there is no store at ${path}; usher init makes one`)
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new StoreError('missing', `${dirname(path)} cannot be made: ${(error as Error).message}`, error)
  }
  return openSqlite(path, events, serving)
}
