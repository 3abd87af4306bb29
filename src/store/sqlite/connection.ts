import { DatabaseSync, type StatementSync } from 'node:sqlite'
import {
  type Compilable,
  type CompiledQuery,
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from 'kysely'
import { headBlock, toNextBlock } from '../audit/blocks.ts'
import type { ColumnTypes } from '../migrations/migration.ts'
import {
  type AppliedMigration,
  ConstraintError,
  type InsertOutcome,
  type NewUserRow,
  type OpenBlock,
  StoreError,
  type Tx,
  UnitEndedError,
  type UserSearch,
  type UserSearchPage,
} from '../port.ts'
import type { Tables } from '../schema.ts'
import { bind, compile, type Plan, type Statement } from '../statement.ts'
import { enlistUsers } from './enlist-users.ts'
import { insertUsers } from './insert-users.ts'
import { searchPage, searchUsers } from './user-search.ts'

/** The pages in the write-ahead log before a checkpoint. More pages make checkpoints rarer and longer. */
const CHECKPOINT_PAGES = 16_000

const SQLITE_UNIQUE = 2067
const SQLITE_PRIMARY_KEY = 1555
const SQLITE_FOREIGN_KEY = 787
/** Errors of a statement: SQLITE_ERROR, _TOOBIG, _CONSTRAINT, _MISMATCH, _MISUSE, _RANGE. */
const UNIT_FAULTS: ReadonlySet<number> = new Set([1, 18, 19, 20, 21, 25])

interface StatementResult {
  readonly changes: number
  readonly lastInsertRowid: number
}

/** One connection, its prepared statements, and the transaction interface over both. */
export class Connection implements Tx {
  readonly builder: Kysely<Tables> = newBuilder()
  readonly #db: DatabaseSync
  readonly #exec = new Map<string, StatementSync>()
  readonly #prepared = new Map<Statement<never, unknown>, { plan: Plan; run: StatementSync }>()
  /** The audit block of the running commit. */
  block: OpenBlock | null = null
  /** The number of writing statements that have run. It shows whether a unit has written. */
  writes = 0
  /** The state of the running unit; see `Tx.insertUsers`. */
  #unit: 'new' | 'begun' | 'ended' = 'new'

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
    const { changes, lastInsertRowid } = this.#call(statement, params, 'run') as StatementResult
    return changes === 1 ? lastInsertRowid : undefined
  }

  async run<P extends object>(statement: Statement<P, unknown>, params: P): Promise<number> {
    return (this.#call(statement, params, 'run') as StatementResult).changes
  }

  async insertAll<P extends object>(statement: Statement<P, unknown>, rows: readonly P[]): Promise<void> {
    for (const row of rows) this.#call(statement, row, 'run')
  }

  async insertUsers(rows: readonly NewUserRow[]): Promise<InsertOutcome[]> {
    const isFirst = this.#unit === 'new' && rows.length === 1
    const outcomes = await insertUsers(this, rows)
    // The user could stay in this unit, but callers must not depend on the engine.
    if (isFirst && outcomes[0] !== 'refused') this.#unit = 'ended'
    return outcomes
  }

  enlistUsers(limit: number): Promise<number> {
    return enlistUsers(this, limit)
  }

  searchUsers(search: UserSearch, limit: number): Promise<number[]> {
    return searchUsers(this, search, limit)
  }

  searchPage(search: UserSearch, page: UserSearchPage): Promise<number[]> {
    return searchPage(this, search, page)
  }

  /** Must be called before the first statement of a unit, and before statements that belong to no unit. */
  beginUnit(): void {
    this.#unit = 'new'
  }

  async query<R>(build: (db: Kysely<Tables>) => Compilable<R>): Promise<R[]> {
    this.#assertInUnit()
    try {
      const query = build(this.builder).compile()
      const rows = this.runCompiled(query) as R[]
      if (query.query.kind !== 'SelectQueryNode') this.writes++
      return rows
    } catch (error) {
      throw toQueryError(error)
    }
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
    statement.run()
  }

  /** Runs a statement that is not worth preparing. */
  execOnce(text: string): void {
    this.#db.exec(text)
  }

  /** Returns the row of a pragma. */
  pragma(text: string): Readonly<Record<string, unknown>> {
    return this.#db.prepare(`PRAGMA ${text}`).get() ?? {}
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
  async begin(): Promise<void> {
    this.exec('BEGIN IMMEDIATE')
    this.beginUnit()
    this.block = toNextBlock(await this.get(headBlock, {}))
  }

  /** Creates the table `migrations` if it does not exist. */
  createMigrationsTable(): void {
    this.#db.exec(
      'CREATE TABLE IF NOT EXISTS migrations (version integer PRIMARY KEY, name text NOT NULL, applied_at text NOT NULL)',
    )
  }

  /** Returns the applied migrations, in order; none if their table does not exist yet. */
  listMigrations(): AppliedMigration[] {
    const table = this.#db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'").get()
    if (!table) return []
    return this.#db
      .prepare('SELECT version, applied_at FROM migrations ORDER BY version')
      .all()
      .map((row) => ({ version: row.version as number, appliedAt: row.applied_at as string }))
  }

  close(): void {
    this.#db.close()
  }

  #call<P extends object>(
    statement: Statement<P, unknown>,
    params: P,
    method: 'get' | 'all' | 'run',
  ): unknown {
    this.#assertInUnit()
    try {
      const { plan, run } =
        this.#prepared.get(statement as Statement<never, unknown>) ?? this.#prepare(statement)
      const result = run[method](...(bind(plan, params) as string[]))
      if (plan.writes) this.writes++
      return result
    } catch (error) {
      throw toQueryError(error)
    }
  }

  #assertInUnit(): void {
    if (this.#unit === 'ended') throw new UnitEndedError()
    this.#unit = 'begun'
  }

  #prepare<P extends object>(statement: Statement<P, unknown>): { plan: Plan; run: StatementSync } {
    const plan = compile(statement, this.builder)
    const prepared = { plan, run: this.#db.prepare(plan.sql) }
    this.#prepared.set(statement as Statement<never, unknown>, prepared)
    return prepared
  }
}

/**
 * Opens a connection to a SQLite file.
 * @throws {StoreError} when the file cannot be opened or is not a SQLite file
 */
export function openConnection(path: string, readOnly: boolean): Connection {
  try {
    const db = new DatabaseSync(path, { readOnly, timeout: 0 })
    if (!readOnly) {
      db.exec('PRAGMA journal_mode = WAL')
      // SqliteStore syncs commits in another thread. With NORMAL, SQLite still syncs around checkpoints.
      db.exec('PRAGMA synchronous = NORMAL')
      // What is deleted is overwritten with zeros, so that the file does not keep the values of erased persons.
      db.exec('PRAGMA secure_delete = FAST')
      db.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
    }
    db.exec('PRAGMA foreign_keys = ON')
    db.exec('PRAGMA temp_store = MEMORY')
    // 32 MiB. With three times as much no clear gain was measured (docs/performance.md).
    db.exec('PRAGMA cache_size = -32768')
    return new Connection(db)
  } catch (error) {
    throw toStoreError(error, path)
  }
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

/**
 * Converts an error of a statement: faults of the file or disk become a `StoreError`, refused rows a `ConstraintError`.
 */
function toQueryError(error: unknown): Error {
  const { errcode } = error as { errcode?: number }
  if (errcode === SQLITE_UNIQUE || errcode === SQLITE_PRIMARY_KEY || errcode === SQLITE_FOREIGN_KEY) {
    return new ConstraintError((error as Error).message, error)
  }
  const isUnitFault = errcode === undefined || UNIT_FAULTS.has(errcode & 0xff)
  return isUnitFault ? (error as Error) : toStoreError(error)
}

/** Converts a failure of SQLite or of the file to an error with a message for the operator. */
export function toStoreError(error: unknown, path = 'the store'): StoreError {
  if (error instanceof StoreError) return error
  const { errcode, code, message } = error as { errcode?: number; code?: string; message: string }
  if (code === 'ENOENT') return new StoreError('missing', `${path} cannot be opened: ${message}`, error)
  switch ((errcode ?? 0) & 0xff) {
    case 5:
    case 6:
      return new StoreError('busy', `${path} is locked by another process`, error)
    case 8:
      return new StoreError('readonly', `${path} cannot be written: it is read-only`, error)
    case 11:
      return new StoreError(
        'damaged',
        `${path} is damaged: ${message}. Put a backup in place with usher restore FILE`,
        error,
      )
    case 13:
      return new StoreError('full', `${path} cannot grow: the disk is full`, error)
    case 14:
      return new StoreError('missing', `${path} cannot be opened: ${message}`, error)
    case 26:
      return new StoreError('not_a_store', `${path} is not a SQLite file`, error)
    default:
      return new StoreError('failed', `${path} failed: ${message}`, error)
  }
}
