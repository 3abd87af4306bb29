import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import { pendingMigrations } from './migrate.ts'
import { type AppliedMigration, type Store, StoreError, type StoreEvents, type Tx } from './port.ts'
import {
  columnTypes,
  describe,
  MAX_CONNECTIONS,
  newPool,
  openSlowClient,
  type PostgresOptions,
} from './postgres-connection.ts'
import { isOutdated, isRetryable, toStoreError } from './postgres-errors.ts'
import { NewUsers } from './postgres-new-users.ts'
import { type Begin, PostgresTx, Statements } from './postgres-tx.ts'
import { beat } from './write-check.ts'

/** How often a unit runs at the most: also when every connection turns out to be outdated, one after the other. */
const MAX_TRIES = MAX_CONNECTIONS + 2
const LONGEST_PAUSE_MS = 200
/** Names the lock under which one process at a time changes the schema: 'usher' in ASCII. */
const MIGRATION_LOCK = 0x7573686572

/**
 * Opens a PostgreSQL database as a store. Connections are made as they are needed.
 * @param options the URL may carry everything that libpq's URLs do, `sslmode` among it
 */
export function openPostgres(options: PostgresOptions, events: StoreEvents): Store {
  return new PostgresStore(options, events)
}

/** The engine for several processes: units of work are transactions over a bounded pool of connections. */
class PostgresStore implements Store {
  readonly embedded = false
  readonly #options: PostgresOptions
  readonly #where: string
  readonly #events: StoreEvents
  readonly #pool: pg.Pool
  readonly #statements = new Statements()
  readonly #newUsers: NewUsers
  readonly #running = new Set<Promise<unknown>>()
  #closed = false

  constructor(options: PostgresOptions, events: StoreEvents) {
    this.#options = options
    this.#where = describe(options.url)
    this.#events = events
    this.#pool = newPool(options)
    // A connection that breaks while nobody uses it leaves the pool; whoever asks next gets a new one.
    this.#pool.on('error', () => undefined)
    this.#newUsers = new NewUsers(this.#pool, events)
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

  async checkWritable(): Promise<void> {
    await this.write((tx) => tx.run(beat, { at: new Date().toISOString() }))
  }

  migrate(): Promise<number[]> {
    return this.#onSlowClient(async (client) => {
      // Most starts find nothing to do; they need neither the lock nor the right to change the schema.
      if (this.#findPending(await listVersions(client)).versions.length === 0) return []
      await client.query('begin')
      // Processes that start at the same moment take turns.
      await client.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
      await client.query(
        'create table if not exists migrations (version integer primary key, name text not null, applied_at text not null)',
      )
      const { steps, versions } = this.#findPending(await listVersions(client))
      for (const step of steps) {
        const { sql, parameters } = step.compile()
        await client.query(sql, [...parameters])
      }
      await client.query('commit')
      return versions
    })
  }

  listApplied(): Promise<AppliedMigration[]> {
    return this.#onSlowClient(listVersions)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
    await this.#pool.end()
  }

  #findPending(applied: readonly AppliedMigration[]): ReturnType<typeof pendingMigrations> {
    const versions = applied.map((one) => one.version)
    return pendingMigrations(this.#statements.builder, columnTypes, versions)
  }

  /** Runs work until it is not undone for a reason that is none of its own, and counts as under way until then. */
  async #run<T>(
    begin: Begin,
    work: (tx: Tx) => Promise<T>,
    end: (tx: PostgresTx) => Promise<void>,
  ): Promise<T> {
    if (this.#closed) throw new StoreError('closed', 'the store is closed')
    const running = this.#repeat(() => this.#attempt(begin, work, end))
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  async #repeat<T>(attempt: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await attempt()
      } catch (error) {
        if (!isRetryable(error)) throw error
        if (tries === MAX_TRIES) throw toStoreError(error, this.#where)
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
    const tx = new PostgresTx({
      pool: this.#pool,
      statements: this.#statements,
      begin,
      newUsers: this.#newUsers,
    })
    try {
      const result = await work(tx)
      await end(tx)
      return result
    } catch (error) {
      await tx.rollback(isOutdated(error))
      throw error
    }
  }

  async #onSlowClient<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    try {
      const client = await openSlowClient(this.#options)
      try {
        return await work(client)
      } finally {
        await client.end()
      }
    } catch (error) {
      throw toStoreError(error, this.#where)
    }
  }
}

/** The versions that have been applied; none where there is no table of them yet. */
async function listVersions(client: pg.Client): Promise<AppliedMigration[]> {
  const { rows: found } = await client.query("select to_regclass('migrations') as name")
  if (found[0]?.name === null) return []
  const { rows } = await client.query<{ version: number; applied_at: string }>(
    'select version, applied_at from migrations order by version',
  )
  return rows.map((row) => ({ version: row.version, appliedAt: row.applied_at }))
}
