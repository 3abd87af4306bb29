import { type BigIntStats, realpathSync, statSync } from 'node:fs'
import { AUDIT_PART, checkAuditLog, verifyAuditLog } from '../audit/verify.ts'
import { CreateBatch } from '../create-batch.ts'
import { dropAllLeases } from '../leases.ts'
import { isCurrent } from '../migrations/latest.ts'
import {
  type AppliedMigration,
  type AuditCheck,
  type AuditHead,
  type AuditKeySealer,
  type AuditVerdict,
  type InsertOutcome,
  type NewUserRow,
  type Store,
  StoreError,
  type StoreEvents,
  type Tx,
  type WriteOptions,
} from '../port.ts'
import { writeHeartbeat } from '../tables/heartbeats.ts'
import { listMigrations } from './applied-migrations.ts'
import { type Connection, openConnection } from './connection.ts'
import { CreateWriter } from './create-writer.ts'
import { toStoreError, UnsyncedError } from './errors.ts'
import { type FileLock, takeFileLock } from './file-lock.ts'
import { resolveLinks, statInPlace } from './files.ts'
import { assertLogBelongs } from './log-check.ts'
import { markLog } from './log-marks.ts'
import { beginNewLog, closeConnections } from './open-log.ts'
import { UnitWriter } from './unit-writer.ts'

/**
 * Opens a SQLite file as a store, and creates the file if it is missing.
 * @param options see `OpenOptions`
 * @throws {StoreError} when the file cannot be opened or is not a SQLite file, its log belongs to another file, or
 *   another process serves it
 */
export function openSqlite(path: string, events: StoreEvents, options: SqliteOptions): Store {
  assertLogBelongs(path)
  return new SqliteStore(path, events, options)
}

/** Returns the path of the lock that a server of a store holds. */
export function servingLockOf(path: string): string {
  return `${resolveLinks(path)}-serving`
}

interface SqliteOptions {
  readonly serving: boolean
  readonly auditKeys: AuditKeySealer
}

/** How long after the end of the thread another one is started. */
const THREAD_PAUSE_MS = 5_000

/**
 * The engine for one process: one file, with one connection for reads and one for writes. Waiting units share a commit.
 */
class SqliteStore implements Store {
  readonly maxIdleMs = 0
  readonly #events: StoreEvents
  readonly #auditKeys: AuditKeySealer
  readonly #servingLock: FileLock | null
  readonly #writer: Connection
  readonly #reader: Connection
  readonly #path: string
  readonly #file: BigIntStats
  readonly #units: UnitWriter
  readonly #creates = new CreateBatch({
    insert: (rows) => this.#insertTogether(rows),
    isOfOneRow: (error) => !(error instanceof StoreError),
    ...{ running: 3, enough: 24 },
  })
  /** When the thread may be started, as `performance.now()` returns it. */
  #threadFrom = 0
  #reading: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(path: string, events: StoreEvents, { serving, auditKeys }: SqliteOptions) {
    // A separate file next to the store, so that commands can still use the store.
    this.#servingLock = serving
      ? takeFileLock(servingLockOf(path), `another Usher already serves ${path}`)
      : null
    this.#events = events
    this.#auditKeys = auditKeys
    this.#writer = openConnection(path)
    // If the path is a symbolic link, SQLite puts its log next to the file that the link points to.
    this.#path = realpathSync(path)
    if (serving) beginNewLog(this.#writer, this.#path)
    this.#reader = openConnection(path, { readOnly: true })
    this.#file = statSync(this.#path, { bigint: true })
    this.#units = new UnitWriter({ db: this.#writer, path: this.#path, file: this.#file, auditKeys, events })
  }

  #assertOpen(): void {
    if (this.#closed) throw new StoreError('closed', 'the store is closed')
  }

  async read<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    this.#assertOpen()
    // Only one read runs at a time: overlapping reads on one connection would share a snapshot and keep it open.
    const result = this.#reading.then(() => this.#reader.snapshot(work))
    this.#reading = result.catch(() => undefined)
    return result
  }

  async write<T>(work: (tx: Tx) => Promise<T>, { canWait }: WriteOptions = {}): Promise<T> {
    this.#assertOpen()
    return this.#units.enqueue(work, canWait)
  }

  async insertUser(row: NewUserRow): Promise<InsertOutcome> {
    this.#assertOpen()
    return this.#creates.add(row)
  }

  /** Inserts users in the thread, or as a unit while there is none. */
  async #insertTogether(rows: readonly NewUserRow[]): Promise<readonly InsertOutcome[]> {
    await this.#units.whenIdle()
    const { broken } = this.#units
    if (broken) throw broken
    const thread = this.#findThread()
    if (!thread) return this.#units.enqueue((tx) => tx.insertUsers(rows))
    try {
      const outcomes = await thread.insert(rows)
      this.#events.committed(rows.length)
      return outcomes
    } catch (error) {
      if (error instanceof UnsyncedError || isReplaced(error)) this.#units.broken = error
      throw error
    }
  }

  /**
   * Returns the thread if it is ready. Starts it if there is none, and the last one has not just ended.
   * @throws {StoreError} `missing`
   */
  #findThread(): CreateWriter | undefined {
    const { auditKey, thread } = this.#units
    if (!thread && this.#servingLock && auditKey && performance.now() >= this.#threadFrom) {
      statInPlace(this.#path, this.#file)
      const plans = this.#writer.compileCreates()
      const start = { path: this.#path, file: this.#file, auditKey, plans }
      this.#units.thread = new CreateWriter(start, (reason) => this.#noteEnd(reason))
    }
    return this.#units.thread?.isReady ? this.#units.thread : undefined
  }

  #noteEnd(reason: StoreError): void {
    this.#units.thread = null
    this.#threadFrom = performance.now() + THREAD_PAUSE_MS
    this.#events.slowed(reason)
  }

  /** Needs nothing special: SQLite continues after the highest primary key by itself. */
  writeWithKeys<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.write(work)
  }

  async dropStaleLeases(): Promise<boolean> {
    await this.write(dropAllLeases)
    return true
  }

  async heartbeat(): Promise<void> {
    await this.write((tx) => tx.run(writeHeartbeat, { at: new Date().toISOString() }))
  }

  /** Does nothing: every commit seals its own audit entries. */
  async sealAudit(): Promise<void> {}

  verifyAudit(expected?: AuditHead): Promise<AuditVerdict> {
    return this.read((tx) => verifyAuditLog(tx, { sealer: this.#auditKeys, isSealed: true, expected }))
  }

  checkAudit(from: AuditCheck | null, most = AUDIT_PART): Promise<AuditCheck> {
    const options = { sealer: this.#auditKeys, isSealed: true, from, most }
    return this.read((tx) => checkAuditLog(tx, options))
  }

  async migrate(): Promise<number[]> {
    const db = this.#writer
    if (isCurrent(listMigrations(db))) return []
    const { applyPending, listPending } = await import('./schema.ts')
    if (listPending(db).length === 0) return []
    // A migration changes the schema, which a mark contains.
    await this.#units.whenFree(async () => markLog(db, this.#path))
    await this.#units.whenFree(async () => db.exec('BEGIN IMMEDIATE'))
    try {
      const versions = await applyPending(db, this.#auditKeys)
      db.exec('COMMIT')
      return versions
    } catch (error) {
      db.rollback()
      throw toStoreError(error)
    }
  }

  async listMigrations(): Promise<AppliedMigration[]> {
    this.#assertOpen()
    return listMigrations(this.#writer)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#creates.drain()
    await this.#units.thread?.close()
    await this.#units.close()
    await this.#reading
    closeConnections(this.#path, [this.#reader, this.#writer], { writesLog: !this.#units.broken })
    this.#servingLock?.close()
  }
}

function isReplaced(error: unknown): error is StoreError {
  return error instanceof StoreError && error.reason === 'replaced'
}
