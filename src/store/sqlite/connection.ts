import type { DatabaseSync, StatementSync } from 'node:sqlite'
import {
  type Compilable,
  type CompiledQuery,
  DummyDriver,
  Kysely,
  type RawBuilder,
  type SqlBool,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from 'kysely'
import { type BlockHead, toNextBlock } from '../audit/block-rows.ts'
import type { ColumnTypes } from '../migrations/migration.ts'
import type { InsertOutcome, NewUserRow, OpenBlock, Tx } from '../port.ts'
import type { Tables } from '../schema.ts'
import { bind, compile, type Plan, type Statement } from '../statement.ts'
import { toKeyList } from '../tables/key-lists.ts'
import { CREATE_STATEMENTS } from './create-statements.ts'
import { openDatabase } from './database.ts'
import { toQueryError, toStoreError } from './errors.ts'
import { insertUsers, MANY } from './insert-together.ts'
import { type CreateStatement, insertUser, type StatementResult, type Writer } from './insert-user.ts'
import { USER_INDEX } from './user-index.ts'

interface PreparedStatement {
  readonly plan: Plan
  readonly run: StatementSync
}
type PreparedStatements = Map<Statement<never, unknown>, PreparedStatement>

/** One connection, its prepared statements, and the transaction interface over both. */
export class Connection implements Tx, Writer {
  readonly builder: Kysely<Tables> = newBuilder()
  readonly userIndex = USER_INDEX
  readonly #db: DatabaseSync
  readonly #exec = new Map<string, StatementSync>()
  readonly #prepared = { rows: new Map() as PreparedStatements, counts: new Map() as PreparedStatements }
  /** The audit block of the running commit. */
  block: OpenBlock | null = null
  readonly locks = { shared: sql``, exclusive: sql`` }
  /** The number of writing statements that have run. It shows whether a unit has written. */
  writes = 0

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  async get<P extends object, R>(statement: Statement<P, R>, params: P): Promise<R | undefined> {
    return this.#call(statement, params, 'get') as R | undefined
  }

  async all<P extends object, R>(statement: Statement<P, R>, params: P): Promise<R[]> {
    return this.#call(statement, params, 'all') as R[]
  }

  // SQLite returns the row id anyway; a RETURNING clause would cost more than the rest of a small insert.
  async insert<P extends object>(statement: Statement<P, unknown>, params: P): Promise<number | undefined> {
    const { changes, lastInsertRowid } = this.#call(statement, params, 'run')
    return changes === 1 ? lastInsertRowid : undefined
  }

  async run<P extends object>(statement: Statement<P, unknown>, params: P): Promise<number> {
    return this.#call(statement, params, 'run').changes
  }

  async insertAll<P extends object>(statement: Statement<P, unknown>, rows: readonly P[]): Promise<void> {
    for (const row of rows) this.#call(statement, row, 'run')
  }

  async insertUsers(rows: readonly NewUserRow[]): Promise<InsertOutcome[]> {
    return rows.length < MANY ? rows.map((row) => insertUser(this, row)) : insertUsers(this, rows)
  }

  /** Compiles the statements of creates for another connection. */
  compileCreates(): Readonly<Record<CreateStatement, Plan>> {
    const compiled = Object.entries(CREATE_STATEMENTS).map(([name, one]) => [
      name,
      compile(one as Statement<object, unknown>, this.builder),
    ])
    return Object.fromEntries(compiled)
  }

  getNow(name: CreateStatement): unknown {
    return this.#call(CREATE_STATEMENTS[name] as Statement<object, unknown>, {}, 'get')
  }

  runNow(name: CreateStatement, params: object): StatementResult {
    return this.#call(CREATE_STATEMENTS[name] as Statement<object, unknown>, params, 'run')
  }

  async query<R>(build: (db: Kysely<Tables>) => Compilable<R>): Promise<R[]> {
    try {
      const query = build(this.builder).compile()
      const rows = this.runCompiled(query) as R[]
      if (query.query.kind !== 'SelectQueryNode') this.writes++
      return rows
    } catch (error) {
      throw toQueryError(error)
    }
  }

  async queryArrays(build: (db: Kysely<Tables>) => Compilable<unknown>): Promise<unknown[][]> {
    try {
      const { sql: text, parameters } = build(this.builder).compile()
      const statement = this.#db.prepare(text)
      statement.setReturnArrays(true)
      return statement.all(...(parameters as string[])) as unknown as unknown[][]
    } catch (error) {
      throw toQueryError(error)
    }
  }

  isOneOf(column: string, pks: readonly number[]): RawBuilder<SqlBool> {
    return sql`${sql.ref(column)} in (${toKeyList(pks)})`
  }

  /** Runs work on one snapshot. */
  async snapshot<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    try {
      this.exec('BEGIN')
      return await work(this)
    } catch (error) {
      throw (error as { errcode?: number }).errcode === undefined ? error : toStoreError(error)
    } finally {
      // A snapshot writes nothing, so there is nothing to commit.
      this.rollback()
    }
  }

  /** Runs a query that a builder compiled, and returns its rows. */
  runCompiled({ sql: text, parameters }: CompiledQuery): unknown[] {
    return this.#db.prepare(text).all(...(parameters as string[]))
  }

  /** Runs a statement that controls transactions. */
  exec(text: string): void {
    let statement = this.#exec.get(text)
    if (!statement) {
      statement = this.#db.prepare(text)
      this.#exec.set(text, statement)
    }
    // Not `run`, which reads the last row id.
    statement.get()
  }

  /** Runs a statement that is not worth preparing. */
  execOnce(text: string): void {
    this.#db.exec(text)
  }

  /** Returns the row of a pragma. */
  pragma(text: string): Readonly<Record<string, unknown>> {
    return this.readRows(`PRAGMA ${text}`)[0] ?? {}
  }

  /** Runs a query that is not worth preparing, and returns its rows. */
  readRows(text: string): Readonly<Record<string, unknown>>[] {
    return this.#db.prepare(text).all()
  }

  /** Undoes the open transaction, if there is one. */
  rollback(): void {
    this.block = null
    if (this.#db.isTransaction) this.exec('ROLLBACK')
  }

  /**
   * Begins a transaction that writes, and opens its audit block: every commit writes one.
   * @throws when another process writes to the file
   */
  begin(): void {
    this.exec('BEGIN IMMEDIATE')
    this.block = toNextBlock(this.getNow('headBlock') as BlockHead | undefined)
  }

  close(): void {
    this.#db.close()
  }

  #call<P extends object>(statement: Statement<P, unknown>, params: P, method: 'get' | 'all'): unknown
  #call<P extends object>(statement: Statement<P, unknown>, params: P, method: 'run'): StatementResult
  #call<P extends object>(
    statement: Statement<P, unknown>,
    params: P,
    method: 'get' | 'all' | 'run',
  ): unknown {
    try {
      const prepared = method === 'run' ? this.#prepared.counts : this.#prepared.rows
      const { plan, run } =
        prepared.get(statement as Statement<never, unknown>) ?? this.#prepare(statement, prepared)
      const result = run[method](...(bind(plan, params) as string[]))
      if (plan.writes) this.writes++
      if (method !== 'run') return result
      // The connection's last row id may be that of another statement: one of the index for searches, and then larger
      // than a number can be, so it is read as a bigint.
      const { changes, lastInsertRowid } = result as { changes: bigint; lastInsertRowid: bigint }
      return { changes: Number(changes), lastInsertRowid: Number(lastInsertRowid) }
    } catch (error) {
      throw toQueryError(error)
    }
  }

  #prepare<P extends object>(statement: Statement<P, unknown>, into: PreparedStatements): PreparedStatement {
    const plan = compile(statement, this.builder)
    const prepared = { plan, run: this.#db.prepare(plan.sql) }
    prepared.run.setReadBigInts(into === this.#prepared.counts)
    into.set(statement as Statement<never, unknown>, prepared)
    return prepared
  }
}

/**
 * Opens a connection to a SQLite file.
 * @throws {StoreError} when the file cannot be opened or is not a SQLite file
 */
export function openConnection(path: string, options: { readonly readOnly?: boolean } = {}): Connection {
  return new Connection(openDatabase(path, options))
}

/** Makes a query builder that only compiles: its queries run on a `Connection`. */
export function newBuilder<T>(): Kysely<T> {
  return new Kysely<T>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  })
}

/** The column types of SQLite. */
export const columnTypes: ColumnTypes = {
  engine: 'sqlite',
  pk: ['integer', (column) => column.primaryKey()],
  ref: 'integer',
  number: 'integer',
  text: 'text',
  hash: 'text',
  clustered: (table) => table.modifyEnd(sql`without rowid`),
}
