import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { makeFolder } from '../make-folder.ts'
import { type AuditKeySealer, type Store, StoreError, type StoreEvents } from './port.ts'
import type { BackupOptions } from './sqlite/backup.ts'
import { isFileLocked } from './sqlite/file-lock.ts'
import type { StagedRestore } from './sqlite/restore.ts'
import { openSqlite, servingLockOf } from './sqlite/store.ts'

/** Locks between processes; here because only this file may import an engine. */
export { takeFileLock } from './sqlite/file-lock.ts'

/** Copies a SQLite store to one file; see `sqlite/backup.ts`. */
export async function backUpFile(path: string, target: string, options: BackupOptions): Promise<void> {
  const { backUpFile } = await import('./sqlite/backup.ts')
  return backUpFile(path, target, options)
}

/** Copies a backup next to a SQLite store; see `sqlite/restore.ts`. */
export async function stageRestore(
  path: string,
  backup: string,
  options: { readonly incomplete: boolean },
): Promise<StagedRestore> {
  const { stageRestore } = await import('./sqlite/restore.ts')
  return stageRestore(path, backup, options)
}

/** Returns the path of a SQLite store, or null for a store on PostgreSQL. */
export function toSqlitePath(url: string): string | null {
  return url.startsWith('sqlite:') ? url.slice('sqlite:'.length) : null
}

/** Returns whether a server serves a SQLite store at this moment. */
export function isServed(path: string): boolean {
  return isFileLocked(servingLockOf(path))
}

/** How to open a store. */
export interface OpenOptions {
  /**
   * Encrypts and opens the audit key. Without it, the store has no audit log: a unit that writes an audit entry fails,
   * and a directory without an audit key cannot be migrated.
   */
  readonly auditKeys?: AuditKeySealer
  readonly events?: StoreEvents
  /** Whether this process is a server. If the store is for a single process, there must be no other server. */
  readonly serving?: boolean
  /** Whether to create a missing store. Default: true. */
  readonly create?: boolean
  /** Whether to accept a database that may lose commits. Default: false. */
  readonly allowDataLoss?: boolean
  /** Whether statements may run as long as they need. Waiting for a lock is limited in any case. Default: false. */
  readonly patient?: boolean
}

const refuse = (): never => {
  throw new Error('no master key was given')
}
const NO_KEYS: AuditKeySealer = { seal: refuse, open: refuse }

/**
 * Opens a store, and applies the missing migrations.
 * @param url `sqlite:<path>`, or `postgres://user:password@host:port/database`
 * @throws {StoreError} with a message for the operator
 */
export async function openStore(url: string, options: OpenOptions = {}): Promise<Store> {
  await using opened = new AsyncDisposableStack()
  const store = await openUnmigrated(url, options)
  opened.defer(() => store.close())
  if (options.create === false && (await store.listMigrations()).length === 0)
    throw new StoreError('missing', 'the store is empty; usher init sets it up')
  await store.migrate()
  // From here on, the caller closes it.
  opened.move()
  return store
}

/**
 * Opens a store without migrating it.
 * @param url as for `openStore`
 * @throws {StoreError} with a message for the operator
 */
export async function openUnmigrated(
  url: string,
  {
    events = { committed: () => undefined, slowed: () => undefined },
    serving = false,
    create = true,
    auditKeys = NO_KEYS,
    ...options
  }: OpenOptions = {},
): Promise<Store> {
  if (/^postgres(ql)?:/.test(url)) {
    // Loaded only when needed, because the driver would delay a start on SQLite.
    const { openPostgres } = await import('./postgres/store.ts')
    const { allowDataLoss = false, patient = false } = options
    return openPostgres(url, { allowDataLoss, patient }, { events, auditKeys })
  }
  const path = toSqlitePath(url) ?? ''
  if (path === '' || path === ':memory:') {
    throw new StoreError(
      'failed',
      'the database URL must be sqlite:<path> with the path of a file, or postgres://…',
    )
  }
  if (!create && !existsSync(path))
    throw new StoreError(
      'missing',
      `there is no store at ${path}: check USHER_DATA_DIR and USHER_DATABASE_URL, and that the volume is mounted. ` +
        'usher init creates a store, and usher restore FILE puts a backup in place',
    )
  try {
    makeFolder(dirname(path))
  } catch (error) {
    throw new StoreError('missing', `${dirname(path)} cannot be created: ${(error as Error).message}`, error)
  }
  return openSqlite(path, events, { serving, auditKeys })
}
