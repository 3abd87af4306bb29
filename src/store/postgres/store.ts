import type { Duplex } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import { verifyAuditLog } from '../audit/verify.ts'
import {
  type AppliedMigration,
  type AuditVerdict,
  ConstraintError,
  type Store,
  StoreError,
  type StoreEvents,
  type Tx,
} from '../port.ts'
import { writeHeartbeat } from '../tables/heartbeats.ts'
import { MAX_BLOCK, sealAuditEntries } from './audit-sealer.ts'
import { describe, MAX_CONNECTIONS, newPool, type PostgresOptions } from './connection.ts'
import { CreateBatch } from './create-batch.ts'
import { isOutdated, isRetryable, toStoreError } from './errors.ts'
import { listMigrations, migrate, skipUsedKeys } from './schema.ts'
import { type Begin, PostgresTx, Statements } from './tx.ts'

/**
 * How often a unit runs at the least before it is given up: also when every connection turns out to be outdated, one
 * after the other. And for how long it goes on: of many that want one row, each round lets one through.
 */
const LEAST_TRIES = MAX_CONNECTIONS + 2
const RETRY_MS = 5_000
const LONGEST_PAUSE_MS = 200
/** What units that are under way get, when the store is closed, to end by themselves. */
const END_MS = 3_000

/** pg's client with its socket, which pg's types leave out. */
type OpenClient = pg.PoolClient & { readonly connection: { readonly stream: Duplex } }

/**
 * Opens a PostgreSQL database as a store. Connections are made as they are needed.
 * @param options the URL may carry parameters as libpq's do, `sslmode` among them
 * @throws {StoreError} when the URL cannot be used
 */
export function openPostgres(options: PostgresOptions, events: StoreEvents): Store {
  try {
    return new PostgresStore(options, events)
  } catch (error) {
    // A certificate that the URL names and that is not there, for example.
    throw new StoreError('failed', `the database URL cannot be used: ${(error as Error).message}`, error)
  }
}

/** The engine for several processes: units of work are transactions over a bounded pool of connections. */
class PostgresStore implements Store {
  readonly singleProcess = false
  readonly #options: PostgresOptions
  readonly #where: string
  readonly #events: StoreEvents
  readonly #pool: pg.Pool
  readonly #statements = new Statements()
  readonly #batch: CreateBatch
  readonly #running = new Set<Promise<unknown>>()
  /** Every open connection, those that end as well. */
  readonly #clients = new Set<OpenClient>()
  #closing: Promise<void> | null = null

  constructor(options: PostgresOptions, events: StoreEvents) {
    this.#options = options
    this.#where = describe(options.url)
    this.#events = events
    this.#pool = newPool(options)
    // A connection that breaks while nobody uses it leaves the pool; whoever asks next gets a new one.
    this.#pool.on('error', () => undefined)
    this.#pool.on('connect', (client) => {
      this.#clients.add(client as OpenClient)
      client.on('end', () => this.#clients.delete(client as OpenClient))
    })
    this.#batch = new CreateBatch(this.#pool, events)
  }

  read<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const begin = 'begin isolation level repeatable read read only'
    return this.#run(begin, work, async (tx) => tx.endRead())
  }

  write<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.#run('begin isolation level repeatable read', work, async (tx) => {
      if (await tx.commit()) this.#events.committed(1)
    })
  }

  /** Here a commit of its own holds nobody up. */
  writeLater<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.write(work)
  }

  writeWithKeys<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.write(async (tx) => {
      const result = await work(tx)
      await skipUsedKeys(tx)
      return result
    })
  }

  async heartbeat(): Promise<void> {
    await this.write((tx) => tx.run(writeHeartbeat, { at: new Date().toISOString() }))
  }

  async sealAudit(): Promise<void> {
    try {
      while ((await this.write(sealAuditEntries)) === MAX_BLOCK);
    } catch (error) {
      // Another process sealed these entries first.
      if (!(error instanceof ConstraintError)) throw error
    }
  }

  verifyAudit(): Promise<AuditVerdict> {
    return this.read(verifyAuditLog)
  }

  migrate(): Promise<number[]> {
    return this.#named(migrate(this.#options))
  }

  listMigrations(): Promise<AppliedMigration[]> {
    return this.#named(listMigrations(this.#options))
  }

  /** Within `END_MS`, also when the database has fallen silent: what is under way then fails. */
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
    // A connection to a silent database is never closed from the other side, and would keep the process alive.
    for (const client of this.#clients) client.connection.stream.destroy()
  }

  /** Runs work until it is not undone for a reason that is none of its own, and counts as under way until then. */
  async #run<T>(
    begin: Begin,
    work: (tx: Tx) => Promise<T>,
    end: (tx: PostgresTx) => Promise<void>,
  ): Promise<T> {
    if (this.#closing) throw new StoreError('closed', 'the store is closed')
    const running = this.#repeat(() => this.#attempt(begin, work, end))
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  async #repeat<T>(attempt: () => Promise<T>): Promise<T> {
    const begun = Date.now()
    for (let tries = 1; ; tries++) {
      try {
        return await attempt()
      } catch (error) {
        if (!isRetryable(error)) throw error
        if (tries >= LEAST_TRIES && Date.now() - begun > RETRY_MS) throw toStoreError(error, this.#where)
      }
      // At random, so that those who met do not meet again.
      await pause(Math.random() * Math.min(2 ** tries, LONGEST_PAUSE_MS))
    }
  }

  async #attempt<T>(
    begin: Begin,
    work: (tx: Tx) => Promise<T>,
    end: (tx: PostgresTx) => Promise<void>,
  ): Promise<T> {
    const tx = new PostgresTx({ pool: this.#pool, statements: this.#statements, begin, batch: this.#batch })
    try {
      const result = await work(tx)
      await end(tx)
      return result
    } catch (error) {
      await tx.rollback(isOutdated(error))
      throw error
    }
  }

  /** Errors that say which database it was. */
  async #named<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      throw toStoreError(error, this.#where)
    }
  }
}
