import type { Compilable, InsertResult, Kysely } from 'kysely'
import type pg from 'pg'
import { type InsertOutcome, type NewUserRow, type QueryBuilder, type Tx, UnitEndedError } from '../port.ts'
import type { Tables } from '../schema.ts'
import { bind, compile, onlyCompares, type Plan, type Statement } from '../statement.ts'
import { newBuilder } from './connection.ts'
import type { CreateBatch } from './create-batch.ts'
import { toQueryError } from './errors.ts'
import { newInsertUsers, toOutcomes } from './insert-users.ts'

/** A statement as it is prepared on each connection: once, under a name. */
interface Prepared {
  readonly plan: Plan
  readonly name: string
}

/** The statements of a store. Compiled once for all of its connections. */
export class Statements {
  readonly builder: Kysely<Tables> = newBuilder()
  readonly #prepared = new Map<object, Prepared>()

  /** @param suffix what the engine adds to the statement; always the same for one statement */
  prepare<P extends object>(statement: Statement<P, unknown>, suffix: string): Prepared {
    let prepared = this.#prepared.get(statement)
    if (!prepared) {
      const plan = compile(statement, this.builder)
      prepared = { plan: { ...plan, sql: plan.sql + suffix }, name: `usher_${this.#prepared.size}` }
      this.#prepared.set(statement, prepared)
    }
    return prepared
  }
}

export type Begin =
  | 'begin isolation level repeatable read'
  | 'begin isolation level repeatable read read only'

/** One transaction, which begins with its first statement: a unit that asks nothing takes no connection. */
export class PostgresTx implements Tx {
  /** Blocks are sealed by `sealAuditEntries`, so that writers need not wait for each other. */
  readonly block = null
  readonly #pool: pg.Pool
  readonly #statements: Statements
  readonly #batch: CreateBatch
  readonly #begin: Begin
  #client: pg.PoolClient | null = null
  #beginning: Promise<pg.PoolClient> | null = null
  #begun: Promise<unknown> = Promise.resolve()
  #wrote = false
  /** Set when the unit ends, also when `insertUsers` ends it early. */
  #ended = false

  constructor(parts: { pool: pg.Pool; statements: Statements; begin: Begin; batch: CreateBatch }) {
    this.#pool = parts.pool
    this.#statements = parts.statements
    this.#batch = parts.batch
    this.#begin = parts.begin
  }

  async get<P extends object, R>(statement: Statement<P, R>, params: P): Promise<R | undefined> {
    return (await this.#call(statement, params)).rows[0] as R | undefined
  }

  async all<P extends object, R>(statement: Statement<P, R>, params: P): Promise<R[]> {
    return (await this.#call(statement, params)).rows as R[]
  }

  async insert<P extends object>(
    statement: Statement<P, InsertResult>,
    params: P,
  ): Promise<number | undefined> {
    const { rows } = await this.#call(statement, params, ' returning "pk"')
    return (rows[0] as { pk: number } | undefined)?.pk
  }

  async run<P extends object>(statement: Statement<P, unknown>, params: P): Promise<number> {
    return (await this.#call(statement, params)).rowCount ?? 0
  }

  async query<R>(build: (db: QueryBuilder) => Compilable<R>): Promise<R[]> {
    const { sql, parameters, query } = build(this.#statements.builder).compile()
    if (onlyCompares(query.kind) && holdsNul(parameters)) return []
    this.#wrote ||= query.kind !== 'SelectQueryNode'
    return (await this.#send({ text: sql, values: [...parameters] })).rows as R[]
  }

  /** If the unit begins with one user, this is the whole unit, and shares its commit with other units. */
  async insertUsers(rows: readonly NewUserRow[]): Promise<InsertOutcome[]> {
    const [row] = rows
    if (row && rows.length === 1 && !this.#beginning && !this.#ended) {
      const outcome = await this.#batch.add(row)
      this.#ended = outcome === 'inserted'
      return [outcome]
    }
    this.#wrote = true
    return toOutcomes(await this.#send(newInsertUsers(rows)), rows.length)
  }

  /** Answers whether something was written. */
  async commit(): Promise<boolean> {
    if (!this.#client) {
      this.#ended = true
      return false
    }
    const { command } = await this.#send({ text: 'commit' })
    // That is how PostgreSQL answers when a statement was refused and the unit went on as if nothing had happened.
    if (command === 'ROLLBACK') throw new Error('the unit went on after a statement of it had been refused')
    this.#release()
    return this.#wrote
  }

  /** Ends a snapshot. Nobody has to wait for that. */
  endRead(): void {
    this.#ended = true
    const client = this.#client
    client?.query('commit').then(
      () => client.release(),
      (error) => client.release(error),
    )
  }

  /**
   * Undoes everything, whatever state the connection is in.
   * @param outdated whether the connection's prepared statements are not to be used again
   */
  async rollback(outdated: boolean): Promise<void> {
    this.#ended = true
    if (!this.#client) return
    try {
      await this.#client.query('rollback')
      this.#release(outdated)
    } catch (error) {
      // A connection that cannot even do that is closed; the database then rolls back by itself.
      this.#release(error as Error)
    }
  }

  #release(closing?: Error | boolean): void {
    this.#ended = true
    this.#client?.release(closing)
    this.#client = null
  }

  async #call<P extends object>(
    statement: Statement<P, unknown>,
    params: P,
    suffix = '',
  ): Promise<Pick<pg.QueryResult, 'rows' | 'rowCount'>> {
    const { plan, name } = this.#statements.prepare(statement, suffix)
    const values = bind(plan, params)
    if (plan.onlyCompares && holdsNul(values)) return { rows: [], rowCount: 0 }
    this.#wrote ||= plan.writes
    return this.#send({ name, text: plan.sql, values })
  }

  async #send(query: pg.QueryConfig): Promise<pg.QueryResult> {
    if (this.#ended) throw new UnitEndedError()
    try {
      // BEGIN travels with the statement that follows it; its answer has come when that one's has.
      this.#beginning ??= this.#connect()
      const result = await (await this.#beginning).query(query)
      await this.#begun
      return result
    } catch (error) {
      throw toQueryError(error)
    }
  }

  async #connect(): Promise<pg.PoolClient> {
    const client = await this.#pool.connect()
    this.#client = client
    this.#begun = client.query(this.#begin)
    // Looked at when the first statement has been answered.
    this.#begun.catch(() => undefined)
    return client
  }
}

/** PostgreSQL takes no U+0000 in a text, so no row has one, and asking for such a row would be an error. */
function holdsNul(values: readonly unknown[]): boolean {
  return values.some((value) => typeof value === 'string' && value.includes('\0'))
}
