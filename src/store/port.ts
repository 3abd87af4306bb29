import type { Compilable, InsertResult } from 'kysely'
import type { Statement } from './statement.ts'
import type { WholeUser } from './tables/users.ts'

/**
 * The place where the directory is kept. Two engines stand behind it; nothing outside this folder knows which.
 *
 * Work passed to `read` and `write` may be run more than once (a batch that has to be taken apart, a
 * serialization failure), so it does nothing but query: no network, no timers, no side effects.
 */
export interface Store {
  /**
   * Whether one process has the store to itself: then nobody else reconciles accounts, and every commit is an audit
   * block. Otherwise several processes share it, and audit entries are sealed a moment later.
   */
  readonly embedded: boolean
  /** Runs work on one consistent snapshot that holds every write that has been answered. */
  read<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /**
   * Runs work as one unit: all of it or nothing, isolated, and on disk when the promise resolves. What it reads is one
   * snapshot; a unit that would overwrite a row changed since then runs again.
   * @throws whatever work throws, after its writes have been undone
   * @throws {ConstraintError} when a unique index or a reference refuses; the unit can then do nothing but end
   * @throws {StoreError} when the store cannot do it now
   */
  write<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /**
   * As `write`, for what does no harm when a crash loses it: it need not have a commit of its own, and waits a moment
   * for the next one.
   */
  writeLater<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** @throws {StoreError} when nothing can be written now */
  checkWritable(): Promise<void>
  /** Applies the migrations that are missing; answers the versions that it applied. */
  migrate(): Promise<number[]>
  /** The versions that have been applied, in order, and when; of a store that was never migrated, none. */
  listApplied(): Promise<AppliedMigration[]>
  /** Ends units of work that have begun, refuses new ones, and closes. */
  close(): Promise<void>
}

/** One transaction. Parameters are bound, never spliced into SQL. */
export interface Tx {
  get<P extends object, R>(statement: Statement<P, R>, params: P): Promise<R | undefined>
  all<P extends object, R>(statement: Statement<P, R>, params: P): Promise<R[]>
  /** Inserts one row; answers its key, or undefined, with nothing written, where a conflict was to be ignored. */
  insert<P extends object>(statement: Statement<P, InsertResult>, params: P): Promise<number | undefined>
  /** Answers the number of rows changed. */
  run<P extends object>(statement: Statement<P, unknown>, params: P): Promise<number>
  /** For a query whose shape depends on the request; it is compiled on each call, so not for the create path. */
  query<R>(build: (db: QueryBuilder) => Compilable<R>): Promise<R[]>
  /** The audit block of this commit, where the engine seals as it commits; null where a sealer follows. */
  readonly block: OpenBlock | null
  /** Writes a whole user at once, where that is worth a way of the engine's own; see `addUser`. */
  readonly addUser?: (user: WholeUser) => Promise<boolean>
}

export interface AppliedMigration {
  readonly version: number
  /** ISO 8601. */
  readonly appliedAt: string
}

export type QueryBuilder = Parameters<Statement<object, unknown>['build']>[0]

/** The audit block that will hold the entries of the running commit. */
export interface OpenBlock {
  readonly number: number
  readonly previousHash: string
  readonly hashes: string[]
}

/** What became known of commits, for metrics. */
export interface StoreEvents {
  /** A commit is on disk; it held so many units of work. */
  committed(units: number): void
}

export type StoreErrorReason =
  | 'busy'
  | 'full'
  | 'readonly'
  | 'missing'
  | 'unreachable'
  | 'unsafe'
  | 'not_empty'
  | 'not_a_store'
  | 'newer'
  | 'closed'
  | 'failed'

/** The store cannot do now what it was asked. The message is for the operator. */
export class StoreError extends Error {
  readonly reason: StoreErrorReason

  constructor(reason: StoreErrorReason, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'StoreError'
    this.reason = reason
  }
}

/**
 * A unique index refused a row, or a row that another refers to has gone. Whoever meets it in a race runs the unit
 * again, and finds what was first.
 */
export class ConstraintError extends Error {
  constructor(message: string, cause: unknown) {
    super(message, { cause })
    this.name = 'ConstraintError'
  }
}
