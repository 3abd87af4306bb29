import { type BigIntStats, closeSync, fdatasync, openSync } from 'node:fs'
import { promisify } from 'node:util'
import { retry } from '../../retry.ts'
import { getAuditKey } from '../audit/keys.ts'
import { type AuditKey, type AuditKeySealer, StoreError, type StoreEvents, type Tx } from '../port.ts'
import type { Connection } from './connection.ts'
import type { CreateWriter } from './create-writer.ts'
import { toStoreError, UnsyncedError } from './errors.ts'
import { statInPlace } from './files.ts'
import { sealBlock } from './insert-user.ts'
import { keepLogMarked } from './open-log.ts'

/** How long a unit waits for another process that writes to the same file. */
const BUSY_LIMIT_MS = 3_000
const BUSY_PAUSE_MS = 10
/** How long a unit that can wait does so, for a commit that it can join. */
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

/** What a writer needs. */
interface WriterParts {
  readonly db: Connection
  readonly path: string
  /** The file when it was opened. */
  readonly file: BigIntStats
  readonly auditKeys: AuditKeySealer
  readonly events: StoreEvents
}

/** Writes units of work. Those that wait at the same moment share a commit. */
export class UnitWriter {
  readonly #db: Connection
  readonly #path: string
  readonly #file: BigIntStats
  readonly #auditKeys: AuditKeySealer
  readonly #events: StoreEvents
  readonly #units: Unit[] = []
  #running: Promise<void> | null = null
  #committing: Promise<void> | null = null
  #later: NodeJS.Timeout | undefined
  /** The write-ahead log, for syncs; opened by the first commit. */
  #log: number | null = null
  #isClosing = false
  /** Inserts users while this process serves; started by the first create that finds an audit key. */
  thread: CreateWriter | null = null
  /** The audit key, once a commit with it is in the file. */
  auditKey: AuditKey | null = null
  /** The time of the last change of the file when its log was last seen to be marked. */
  #markedAt: bigint | null = null
  /** Set when a sync has failed, or another file was copied over this one: what is on disk is unknown then. */
  broken: StoreError | null = null

  constructor({ db, path, file, auditKeys, events }: WriterParts) {
    this.#db = db
    this.#path = path
    this.#file = file
    this.#auditKeys = auditKeys
    this.#events = events
  }

  /**
   * Runs work as one unit.
   * @param canWait whether the unit may wait a moment; false when left out
   */
  enqueue<T>(work: (tx: Tx) => Promise<T>, canWait = false): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.#units.push({ run: work, resolve: resolve as (value: unknown) => void, reject })
    if (canWait) this.#later ??= setTimeout(() => this.#flush(), LATER_MS)
    else this.#flush()
    return promise
  }

  /** Waits for the commit that runs. The next one does not begin before pending I/O is handled. */
  async whenIdle(): Promise<void> {
    while (this.#committing) await this.#committing.catch(() => undefined)
  }

  /** Waits until no unit is left, and closes the log. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#flush()
    while (this.#running) await this.#running
    if (this.#log !== null) closeSync(this.#log)
  }

  /** Repeats `begin` while another process writes to the file, for BUSY_LIMIT_MS at most. */
  whenFree(begin: () => Promise<void>): Promise<void> {
    return retry(begin, ({ error, elapsedMs }) => {
      const reason = toStoreError(error)
      if (reason.reason !== 'busy' || this.#isClosing || elapsedMs > BUSY_LIMIT_MS) throw reason
      return BUSY_PAUSE_MS
    })
  }

  #flush(): void {
    clearTimeout(this.#later)
    this.#later = undefined
    // An earlier flush may already have written the units.
    if (this.#units.length > 0) this.#running ??= this.#run()
  }

  /** Commits the units. It first handles all pending I/O, so that requests that arrived together commit together. */
  async #run(): Promise<void> {
    do {
      await new Promise(setImmediate)
      const units = this.#units.splice(0, MAX_UNITS_PER_COMMIT)
      this.#committing = this.#commit(units)
      await this.#committing.catch((error) => {
        // Every unit must end, also after an unexpected error.
        for (const unit of units) unit.reject(toStoreError(error))
      })
      this.#committing = null
    } while (this.#units.length > 0)
    this.#running = null
  }

  async #commit(units: Unit[]): Promise<void> {
    // SQLite lets only one connection write at a time.
    await this.thread?.drain()
    let outcomes: Outcome[]
    try {
      if (this.broken) throw this.broken
      outcomes = (await this.#runTogether(units)) ?? (await this.#runApart(units))
      this.#log ??= openSync(`${this.#path}-wal`, 'r+')
      const { block } = this.#db
      const hasEntries = block !== null && block.hashes.length > 0
      const key = hasEntries ? await this.#getAuditKey() : null
      if (hasEntries && key) sealBlock(this.#db, block, key)
      this.#db.exec('COMMIT')
      this.auditKey ??= key
    } catch (error) {
      this.#db.rollback()
      const reason = toStoreError(error)
      if (reason.reason === 'replaced') this.broken = reason
      for (const unit of units) unit.reject(reason)
      return
    }
    await this.#settle(units, outcomes)
  }

  /** Returns the audit key: the known one, or that of the database, which the open transaction may have inserted. */
  async #getAuditKey(): Promise<AuditKey> {
    return this.auditKey ?? getAuditKey(this.#db, this.#auditKeys)
  }

  /**
   * Resolves or rejects the units once their commit is on disk. Meanwhile requests are read and the next units queue.
   */
  async #settle(units: Unit[], outcomes: Outcome[]): Promise<void> {
    try {
      if (this.#log !== null) await syncFile(this.#log)
    } catch (error) {
      this.broken = new UnsyncedError(this.#path, error as Error)
      for (const unit of units) unit.reject(this.broken)
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
      this.#db.begin()
    } catch (error) {
      if (toStoreError(error).reason !== 'busy') throw error
      await this.whenFree(async () => this.#db.begin())
    }
    // Only a checkpoint changes the file, and only after a checkpoint can a commit begin a new log.
    if (statInPlace(this.#path, this.#file) !== this.#markedAt) await this.#keepLogMarked()
  }

  async #keepLogMarked(): Promise<void> {
    const isMarked = await keepLogMarked(this.#db, this.#path, (work) => this.whenFree(work))
    if (isMarked) this.#markedAt = statInPlace(this.#path, this.#file)
  }

  /**
   * Runs units without savepoints, which is faster. Returns null, with everything undone, if a unit failed after it had
   * written: its writes cannot be separated from those of the other units.
   */
  async #runTogether(units: Unit[]): Promise<Outcome[] | null> {
    const db = this.#db
    await this.#begin()
    const outcomes: Outcome[] = []
    for (const unit of units) {
      const before = db.writes
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
    const db = this.#db
    await this.#begin()
    const outcomes: Outcome[] = []
    for (const unit of units) {
      const entries = db.block?.hashes.length ?? 0
      db.exec('SAVEPOINT unit')
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
