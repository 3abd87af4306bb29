import { type BigIntStats, closeSync, fdatasync, openSync, realpathSync, statSync } from 'node:fs'
import { promisify } from 'node:util'
import { retry } from '../../retry.ts'
import { sealBlock } from '../audit/blocks.ts'
import { getAuditKey } from '../audit/keys.ts'
import { verifySealedAuditLog } from '../audit/verify.ts'
import { dropAllLeases } from '../leases.ts'
import { isCurrent } from '../migrations/latest.ts'
import {
  type AppliedMigration,
  type AuditHead,
  type AuditKey,
  type AuditKeySealer,
  type AuditVerdict,
  type Store,
  StoreError,
  type StoreEvents,
  type Tx,
} from '../port.ts'
import { writeHeartbeat } from '../tables/heartbeats.ts'
import { type Connection, openConnection, toStoreError } from './connection.ts'
import { type FileLock, takeFileLock } from './file-lock.ts'
import { resolveLinks } from './files.ts'
import { assertLogBelongs } from './log-check.ts'
import { markLog } from './log-marks.ts'
import { beginNewLog, closeConnections, keepLogMarked } from './open-log.ts'

/** How long a unit waits for another process that writes to the same file. */
const BUSY_LIMIT_MS = 3_000
const BUSY_PAUSE_MS = 10
/** How long `writeLater` waits for a commit that it can join. */
const LATER_MS = 25
/** The most units that share one commit: enough for all connections of a busy server, and few enough to be quick. */
const MAX_UNITS_PER_COMMIT = 256

const syncFile = promisify(fdatasync)

/** A unit of work that waits for its commit. */
interface Unit {
  run(tx: Tx): Promise<unknown>
  resolve(value: unknown): void
  reject(reason: unknown): void
}

type Outcome = { readonly value: unknown } | { readonly error: unknown }

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

/**
 * The engine for one process: one file, with one connection for reads and one for writes. Waiting units share a commit.
 */
class SqliteStore implements Store {
  readonly maxIdleMs = 0
  readonly #events: StoreEvents
  readonly #auditKeys: AuditKeySealer
  /** The audit key, once a commit with it is in the file. */
  #auditKey: AuditKey | null = null
  readonly #servingLock: FileLock | null
  readonly #writer: Connection
  readonly #reader: Connection
  readonly #path: string
  readonly #file: BigIntStats
  /** The time of the last change of the file when its log was last seen to be marked. */
  #markedAt: bigint | null = null
  readonly #queue: Unit[] = []
  /** The write-ahead log, for syncs; opened by the first commit. */
  #log: number | null = null
  /** Set when a sync has failed, or another file was copied over this one: what is on disk is unknown then. */
  #broken: StoreError | null = null
  #flushing: Promise<void> | null = null
  #flushLater: NodeJS.Timeout | undefined
  #reading: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(path: string, events: StoreEvents, { serving, auditKeys }: SqliteOptions) {
    // A separate file next to the store, so that commands can still use the store.
    this.#servingLock = serving
      ? takeFileLock(servingLockOf(path), `another Usher already serves ${path}`)
      : null
    this.#events = events
    this.#auditKeys = auditKeys
    this.#writer = openConnection(path, false)
    if (serving) beginNewLog(this.#writer)
    this.#reader = openConnection(path, true)
    // If the path is a symbolic link, SQLite puts its log next to the file that the link points to.
    this.#path = realpathSync(path)
    this.#file = statSync(this.#path, { bigint: true })
  }

  async read<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    this.#assertOpen()
    // Only one read runs at a time: overlapping reads on one connection would share a snapshot and keep it open.
    const result = this.#reading.then(() => this.#reader.snapshot(work))
    this.#reading = result.catch(() => undefined)
    return result
  }

  write<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const written = this.#enqueue(work)
    this.#flush()
    return written
  }

  writeLater<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    this.#flushLater ??= setTimeout(() => this.#flush(), LATER_MS)
    return this.#enqueue(work)
  }

  #enqueue<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#assertOpen()
      this.#queue.push({ run: work, resolve: resolve as (value: unknown) => void, reject })
    })
  }

  #flush(): void {
    clearTimeout(this.#flushLater)
    this.#flushLater = undefined
    // An earlier flush may already have written the queue.
    if (this.#queue.length > 0) this.#flushing ??= this.#flushSoon()
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
    return this.read((tx) => verifySealedAuditLog(tx, { sealer: this.#auditKeys, expected }))
  }

  async migrate(): Promise<number[]> {
    const db = this.#writer
    if (isCurrent(db.listMigrations())) return []
    const { applyPending, listPending } = await import('./schema.ts')
    if (listPending(db).length === 0) return []
    // A migration changes the schema, which a mark contains.
    await this.#whenFree(async () => markLog(db, this.#path))
    await this.#whenFree(async () => db.exec('BEGIN IMMEDIATE'))
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
    return this.#writer.listMigrations()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#flush()
    while (this.#flushing) await this.#flushing
    await this.#reading
    if (this.#log !== null) closeSync(this.#log)
    closeConnections(this.#path, [this.#reader, this.#writer], this.#broken?.reason !== 'replaced')
    this.#servingLock?.close()
  }

  #assertOpen(): void {
    if (this.#closed) throw new StoreError('closed', 'the store is closed')
  }

  /** Returns the time of the last change. Throws if the file is gone: writes would be lost without an error. */
  #assertFileInPlace(): bigint {
    const now = statSync(this.#path, { bigint: true, throwIfNoEntry: false })
    if (now?.ino === this.#file.ino && now.dev === this.#file.dev) return now.mtimeNs
    throw new StoreError('missing', `${this.#path} was removed or replaced while it was open`)
  }

  /** Commits the queue. It first handles all pending I/O, so that requests that arrived together commit together. */
  async #flushSoon(): Promise<void> {
    do {
      await new Promise(setImmediate)
      const units = this.#queue.splice(0, MAX_UNITS_PER_COMMIT)
      await this.#commit(units).catch((error) => {
        // Every unit must end, also after an unexpected error.
        for (const unit of units) unit.reject(toStoreError(error))
      })
    } while (this.#queue.length > 0)
    this.#flushing = null
  }

  async #commit(units: Unit[]): Promise<void> {
    let outcomes: Outcome[]
    try {
      if (this.#broken) throw this.#broken
      outcomes = (await this.#runTogether(units)) ?? (await this.#runApart(units))
      this.#log ??= openSync(`${this.#path}-wal`, 'r+')
      this.#writer.beginUnit()
      const { block } = this.#writer
      const hasEntries = block !== null && block.hashes.length > 0
      const key = hasEntries ? await this.#getAuditKey() : null
      if (hasEntries && key) await sealBlock(this.#writer, block, key)
      this.#writer.exec('COMMIT')
      this.#auditKey ??= key
    } catch (error) {
      this.#writer.rollback()
      const reason = toStoreError(error)
      if (reason.reason === 'replaced') this.#broken = reason
      for (const unit of units) unit.reject(reason)
      return
    }
    await this.#settle(units, outcomes)
  }

  /** Returns the audit key: the known one, or that of the database, which the open transaction may have inserted. */
  async #getAuditKey(): Promise<AuditKey> {
    return this.#auditKey ?? getAuditKey(this.#writer, this.#auditKeys)
  }

  /**
   * Resolves or rejects the units once their commit is on disk. Meanwhile requests are read and the next units queue.
   */
  async #settle(units: Unit[], outcomes: Outcome[]): Promise<void> {
    try {
      if (this.#log !== null) await syncFile(this.#log)
    } catch (error) {
      const message = `${this.#path} could not be synced: ${(error as Error).message}`
      this.#broken = new StoreError('failed', message, error)
      for (const unit of units) unit.reject(this.#broken)
      return
    }
    this.#events.committed(units.length)
    units.forEach((unit, i) => {
      const outcome = outcomes[i] as Outcome
      if ('error' in outcome) unit.reject(outcome.error)
      else unit.resolve(outcome.value)
    })
  }

  /** Begins a transaction. Waits, up to a limit, if another process writes to the file. */
  async #begin(): Promise<void> {
    try {
      await this.#writer.begin()
    } catch (error) {
      if (toStoreError(error).reason !== 'busy') throw error
      await this.#whenFree(() => this.#writer.begin())
    }
    // Only a checkpoint changes the file, and only after a checkpoint can a commit begin a new log.
    if (this.#assertFileInPlace() !== this.#markedAt) await this.#keepLogMarked()
  }

  async #keepLogMarked(): Promise<void> {
    const isMarked = await keepLogMarked(this.#writer, this.#path, (work) => this.#whenFree(work))
    if (isMarked) this.#markedAt = this.#assertFileInPlace()
  }

  /** Repeats `begin` while another process writes to the file, for BUSY_LIMIT_MS at most. */
  #whenFree(begin: () => Promise<void>): Promise<void> {
    return retry(begin, ({ error, elapsedMs }) => {
      const reason = toStoreError(error)
      if (reason.reason !== 'busy' || this.#closed || elapsedMs > BUSY_LIMIT_MS) throw reason
      return BUSY_PAUSE_MS
    })
  }

  /**
   * Runs units without savepoints, which is faster. Returns null, with everything undone, if a unit failed after it had
   * written: its writes cannot be separated from those of the other units.
   */
  async #runTogether(units: Unit[]): Promise<Outcome[] | null> {
    const db = this.#writer
    await this.#begin()
    const outcomes: Outcome[] = []
    for (const unit of units) {
      const before = db.writes
      db.beginUnit()
      const outcome = await runUnit(unit, db)
      if ('error' in outcome && db.writes !== before) {
        db.rollback()
        return null
      }
      outcomes.push(outcome)
    }
    return outcomes
  }

  /** Runs each unit in a savepoint, so that a failing one is undone alone. Slower; used after a unit has failed. */
  async #runApart(units: Unit[]): Promise<Outcome[]> {
    const db = this.#writer
    await this.#begin()
    const outcomes: Outcome[] = []
    for (const unit of units) {
      const entries = db.block?.hashes.length ?? 0
      db.exec('SAVEPOINT unit')
      db.beginUnit()
      const outcome = await runUnit(unit, db)
      if ('error' in outcome) {
        db.exec('ROLLBACK TO unit')
        if (db.block) db.block.hashes.length = entries
      }
      db.exec('RELEASE unit')
      outcomes.push(outcome)
    }
    return outcomes
  }
}

/** Runs one unit. A `StoreError` fails the whole commit; any other error only the unit. */
async function runUnit(unit: Unit, tx: Tx): Promise<Outcome> {
  try {
    return { value: await unit.run(tx) }
  } catch (error) {
    if (error instanceof StoreError) throw error
    return { error }
  }
}
