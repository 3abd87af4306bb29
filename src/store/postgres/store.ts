import type { Duplex } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import { retry } from '../../retry.ts'
import { AUDIT_PART, checkAuditLog, verifyAuditLog } from '../audit/verify.ts'
import { CreateBatch } from '../create-batch.ts'
import {
  type AppliedMigration,
  type AuditCheck,
  type AuditHead,
  type AuditKeySealer,
  type AuditVerdict,
  ConstraintError,
  type InsertOutcome,
  type NewUserRow,
  type Store,
  StoreError,
  type StoreEvents,
  type Tx,
  type WriteOptions,
} from '../port.ts'
import { writeHeartbeat } from '../tables/heartbeats.ts'
import { MAX_BLOCK, sealAuditEntries } from './audit-sealer.ts'
import { explainCertificate } from './certificate.ts'
import {
  describeDatabase,
  IDLE_IN_UNIT_MS,
  MAX_CONNECTIONS,
  newPool,
  type PostgresOptions,
  toConnection,
} from './connection.ts'
import { isOfOneRow, isOutdated, isRetryable, nameDatabase, toStoreError } from './errors.ts'
import { insertUsersAlone } from './insert-users.ts'
import { listMigrations, migrate, skipUsedKeys } from './schema.ts'
import { type Begin, PostgresTx, Statements } from './tx.ts'

/** The least number of tries of a unit: every connection of the pool may have outdated statements. */
const MIN_TRIES = MAX_CONNECTIONS + 2
/**
 * A unit is retried for at least this time, and at least MIN_TRIES times; then it fails. If many units change one row
 * at once, only one of them succeeds at a time, so the others need several tries.
 */
const RETRY_MS = 5_000
const MAX_PAUSE_MS = 200
/** How long close() waits for running units. */
const END_MS = 3_000

/** pg's client with its socket, which pg's types leave out. */
type OpenClient = pg.PoolClient & { readonly connection: { readonly stream: Duplex } }

/**
 * Opens a PostgreSQL database as a store. Connections are opened when they are needed.
 * @param url with the parameters of libpq, such as `sslmode`
 * @throws {StoreError} when the URL cannot be used
 */
export async function openPostgres(
  url: string,
  options: Omit<PostgresOptions, 'connection'>,
  parts: { events: StoreEvents; auditKeys: AuditKeySealer },
): Promise<Store> {
  return new PostgresStore(
    { ...options, connection: await readConnection(url) },
    parts.events,
    parts.auditKeys,
  )
}

async function readConnection(url: string): Promise<PostgresOptions['connection']> {
  try {
    return await toConnection(url)
  } catch (error) {
    // For example, a certificate file cannot be read.
    throw new StoreError('failed', `the database URL ${(error as Error).message}`, error)
  }
}

/** The engine for several processes: units of work are transactions on a bounded pool of connections. */
class PostgresStore implements Store {
  readonly maxIdleMs = IDLE_IN_UNIT_MS
  readonly #options: PostgresOptions
  readonly #where: string
  readonly #events: StoreEvents
  readonly #auditKeys: AuditKeySealer
  readonly #pool: pg.Pool
  readonly #statements = new Statements()
  readonly #batch: CreateBatch
  readonly #running = new Set<Promise<unknown>>()
  /** All open connections, including those that are closing. */
  readonly #clients = new Set<OpenClient>()
  #closing: Promise<void> | null = null

  constructor(options: PostgresOptions, events: StoreEvents, auditKeys: AuditKeySealer) {
    this.#options = options
    this.#auditKeys = auditKeys
    this.#where = describeDatabase(options.connection)
    this.#events = events
    this.#pool = newPool(options)
    // A connection that breaks while idle leaves the pool, and the next unit gets a new one.
    this.#pool.on('error', () => undefined)
    this.#pool.on('connect', (client) => {
      this.#clients.add(client as OpenClient)
      client.on('end', () => this.#clients.delete(client as OpenClient))
    })
    this.#batch = new CreateBatch({
      insert: (rows) => this.#insertTogether(rows),
      isOfOneRow,
      ...{ running: 2, enough: Number.POSITIVE_INFINITY },
    })
  }

  read<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const begin = 'begin isolation level repeatable read read only'
    return this.#run(begin, work, async (tx) => tx.endRead())
  }

  /** Commits at once, also a unit that can wait: units do not share commits on PostgreSQL. */
  write<T>(work: (tx: Tx) => Promise<T>, { seesLatest = false }: WriteOptions = {}): Promise<T> {
    const begin = `begin isolation level ${seesLatest ? 'read committed' : 'repeatable read'}` as const
    return this.#run(begin, work, async (tx) => {
      if (await tx.commit()) this.#events.committed(1)
    })
  }

  async insertUser(row: NewUserRow): Promise<InsertOutcome> {
    this.#assertOpen()
    return this.#track(this.#batch.add(row).catch((error) => this.#explain(error)))
  }

  async #insertTogether(rows: readonly NewUserRow[]): Promise<InsertOutcome[]> {
    const outcomes = await insertUsersAlone(this.#pool, rows)
    const inserted = outcomes.filter((outcome) => outcome !== 'refused').length
    if (inserted > 0) this.#events.committed(inserted)
    return outcomes
  }

  writeWithKeys<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.write(async (tx) => {
      const result = await work(tx)
      await skipUsedKeys(tx)
      return result
    })
  }

  /** Does nothing: other processes may hold leases, and leases of ended processes expire. */
  async dropStaleLeases(): Promise<boolean> {
    return false
  }

  async heartbeat(): Promise<void> {
    await this.write((tx) => tx.run(writeHeartbeat, { at: new Date().toISOString() }))
  }

  async sealAudit(): Promise<void> {
    try {
      const seal = (tx: Tx): Promise<number> => sealAuditEntries(tx, this.#auditKeys)
      while ((await this.write(seal)) === MAX_BLOCK);
    } catch (error) {
      // Another process sealed these audit entries first.
      if (!(error instanceof ConstraintError)) throw error
    }
  }

  verifyAudit(expected?: AuditHead): Promise<AuditVerdict> {
    return this.read((tx) => verifyAuditLog(tx, { sealer: this.#auditKeys, isSealed: false, expected }))
  }

  checkAudit(from: AuditCheck | null, most = AUDIT_PART): Promise<AuditCheck> {
    const options = { sealer: this.#auditKeys, isSealed: false, from, most }
    return this.read((tx) => checkAuditLog(tx, options))
  }

  migrate(): Promise<number[]> {
    return this.#named(migrate(this.#options, this.#auditKeys))
  }

  listMigrations(): Promise<AppliedMigration[]> {
    return this.#named(listMigrations(this.#options))
  }

  /** Takes END_MS at most. If the database does not respond by then, running units fail. */
  close(): Promise<void> {
    this.#closing ??= this.#end()
    return this.#closing
  }

  async #end(): Promise<void> {
    const late = pause(END_MS, undefined, { ref: false })
    const units = async (): Promise<void> => {
      while (this.#running.size > 0) await Promise.allSettled(this.#running)
    }
    await Promise.race([units(), late])
    await Promise.race([this.#pool.end(), late])
    // A database that no longer responds never closes a connection, which would keep the process alive.
    for (const client of this.#clients) client.connection.stream.destroy()
  }

  /** Retries work after serialization failures, and tracks it so that close() can wait for it. */
  async #run<T>(
    begin: Begin,
    work: (tx: Tx) => Promise<T>,
    end: (tx: PostgresTx) => Promise<void>,
  ): Promise<T> {
    this.#assertOpen()
    return this.#track(
      retry(
        () => this.#runOnce(begin, work, end),
        ({ error, tries, elapsedMs }) => {
          if (!isRetryable(error)) throw error
          if (tries >= MIN_TRIES && elapsedMs > RETRY_MS) throw toStoreError(error, this.#where)
          // Random, so that units that collided do not collide again.
          return Math.random() * Math.min(2 ** tries, MAX_PAUSE_MS)
        },
      ),
    )
  }

  #assertOpen(): void {
    if (this.#closing) throw new StoreError('closed', 'the store is closed')
  }

  /** Lets `close` wait for work that runs. */
  async #track<T>(running: Promise<T>): Promise<T> {
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  async #runOnce<T>(
    begin: Begin,
    work: (tx: Tx) => Promise<T>,
    end: (tx: PostgresTx) => Promise<void>,
  ): Promise<T> {
    const tx = new PostgresTx({ pool: this.#pool, statements: this.#statements, begin })
    try {
      const result = await work(tx)
      await end(tx)
      return result
    } catch (error) {
      await tx.rollback(isOutdated(error))
      return this.#explain(error)
    }
  }

  /** Throws an error, with the name of the database in its message. */
  async #explain(error: unknown): Promise<never> {
    throw await explainCertificate(nameDatabase(error, this.#where), this.#options.connection)
  }

  /** Waits for work, and puts the name of the database into the messages of its errors. */
  async #named<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      throw await explainCertificate(toStoreError(error, this.#where), this.#options.connection)
    }
  }
}
