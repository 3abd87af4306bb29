import { type Compilable, type InsertResult, type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely'
import type pg from 'pg'
import type { InsertOutcome, NewUserRow, QueryBuilder, Tx } from '../port.ts'
import type { Tables } from '../schema.ts'
import { bind, compile, onlyCompares, type Plan, type Statement } from '../statement.ts'
import { newBuilder } from './connection.ts'
import { toQueryError } from './errors.ts'
import { newInsertUsers, toOutcomes } from './insert-users.ts'
import { USER_INDEX } from './user-index.ts'

/** A statement and the name under which each connection prepares it once. */
interface Prepared {
  readonly plan: Plan
  readonly name: string
}

/** The compiled statements of a store, shared by its connections. */
export class Statements {
  readonly builder: Kysely<Tables> = newBuilder()
  readonly #prepared = new Map<object, Prepared>()

  /**
   * Returns the compiled statement.
   * @param suffix SQL to append; one statement must always get one suffix
   */
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

/** How a transaction begins. */
export type Begin =
  | 'begin isolation level repeatable read'
  | 'begin isolation level repeatable read read only'
  | 'begin isolation level read committed'

/** One transaction. It begins with its first statement: a unit without statements takes no connection. */
export class PostgresTx implements Tx {
  /** Audit entries are sealed after their commit, so that writers need not wait for each other. */
  readonly block = null
  readonly locks = { shared: sql`for share`, exclusive: sql`for update` }
  readonly userIndex = USER_INDEX
  readonly #pool: pg.Pool
  readonly #statements: Statements
  readonly #begin: Begin
  #client: pg.PoolClient | null = null
  #beginning: Promise<pg.PoolClient> | null = null
  #begun: Promise<unknown> = Promise.resolve()
  #wrote = false
  /** What the first statement that failed failed with; undefined if none has. */
  #failure: unknown
  /** Set when the unit ends. */
  #ended = false

  constructor(parts: { pool: pg.Pool; statements: Statements; begin: Begin }) {
    this.#pool = parts.pool
    this.#statements = parts.statements
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

  async insertAll<P extends object>(
    statement: Statement<P, InsertResult>,
    rows: readonly P[],
  ): Promise<void> {
    const { plan } = this.#statements.prepare(statement, '')
    const most = Math.floor(MAX_PARAMETERS / Math.max(plan.slots.length, 1))
    for (let from = 0; from < rows.length; from += most) {
      const some = rows.slice(from, from + most)
      this.#wrote = true
      await this.#send({
        text: repeatValues(plan, some.length),
        values: some.flatMap((row) => bind(plan, row)),
      })
    }
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

  async queryArrays(build: (db: QueryBuilder) => Compilable<unknown>): Promise<unknown[][]> {
    const { sql, parameters } = build(this.#statements.builder).compile()
    if (holdsNul(parameters)) return []
    const query: pg.QueryArrayConfig = { text: sql, values: [...parameters], rowMode: 'array' }
    return (await this.#send(query)).rows as unknown[][]
  }

  isOneOf(column: string, pks: readonly number[]): RawBuilder<SqlBool> {
    // To parse a list of thousands takes longer than to find its rows.
    return sql`${sql.ref(column)} = any(${`{${pks.join()}}`}::bigint[])`
  }

  async insertUsers(rows: readonly NewUserRow[]): Promise<InsertOutcome[]> {
    this.#wrote = true
    return toOutcomes(await this.#send(newInsertUsers(rows)), rows.length)
  }

  /** Returns whether the unit wrote something. */
  async commit(): Promise<boolean> {
    if (!this.#client) {
      this.#ended = true
      return false
    }
    const { command } = await this.#send({ text: 'commit' })
    // PostgreSQL returns ROLLBACK if a statement failed and the unit continued.
    if (command === 'ROLLBACK') throw new Error('the unit continued after one of its statements failed')
    this.#release()
    return this.#wrote
  }

  /** Ends a snapshot, without waiting for the database. */
  endRead(): void {
    this.#ended = true
    const client = this.#client
    client?.query('commit').then(
      () => client.release(),
      (error) => client.release(error),
    )
  }

  /**
   * Undoes the unit, whatever the state of the connection.
   * @param outdated whether the connection's prepared statements are outdated, so that it must be closed
   */
  async rollback(outdated: boolean): Promise<void> {
    this.#ended = true
    if (!this.#client) return
    try {
      await this.#client.query('rollback')
      this.#release(outdated)
    } catch (error) {
      // The connection is closed, and the database then rolls back by itself.
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
    if (this.#ended) throw new Error('the unit has ended')
    try {
      // BEGIN was sent together with the first statement; its response arrives before that of the statement.
      this.#beginning ??= this.#connect()
      const result = await (await this.#beginning).query(query)
      await this.#begun
      return result
    } catch (error) {
      // PostgreSQL refuses all later statements, among them those that were sent with the one that failed.
      this.#failure ??= toQueryError(error)
      throw this.#failure
    }
  }

  async #connect(): Promise<pg.PoolClient> {
    const client = await this.#pool.connect()
    this.#client = client
    this.#begun = client.query(this.#begin)
    // A failure is reported after the first statement; see #send.
    this.#begun.catch(() => undefined)
    return client
  }
}

/** The most parameters of one statement, far below PostgreSQL's limit of 65,535. */
const MAX_PARAMETERS = 10_000

/** Returns the SQL of an insert of one row for several rows: the list of values is repeated, with other parameters. */
function repeatValues({ sql, slots }: Plan, rows: number): string {
  const [, insert, values] = /^(.* values )(\(.*\))$/s.exec(sql) ?? []
  if (insert === undefined || values === undefined) throw new Error('the statement ends with no values')
  const lists = Array.from({ length: rows }, (_, row) =>
    values.replace(/\$(\d+)/g, (_, place: string) => `$${Number(place) + row * slots.length}`),
  )
  return insert + lists.join(', ')
}

/**
 * Returns whether a text contains U+0000. PostgreSQL rejects it: no row has it, and a query for it would be an error.
 */
function holdsNul(values: readonly unknown[]): boolean {
  return values.some((value) => typeof value === 'string' && value.includes('\0'))
}
