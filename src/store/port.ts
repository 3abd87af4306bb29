import type { Compilable, InsertResult, RawBuilder, SqlBool } from 'kysely'
import type { AuditEntry } from '../model/audit.ts'
import type { Group, User } from '../model/users.ts'
import type { AuditCheck, AuditHead, AuditVerdict } from './audit-checks.ts'
import type { Statement } from './statement.ts'
import type {
  AreaSearch,
  CountedUsers,
  FoundKeys,
  FoundUsers,
  UserArea,
  UserSearch,
  UserSearchPage,
  UserWords,
} from './user-searches.ts'

export type * from './audit-checks.ts'
export * from './user-searches.ts'

/**
 * Stores the directory. SQLite and PostgreSQL implement it; code outside this folder does not know which one runs.
 *
 * Work passed to `read` and `write` may run more than once, for example after a serialization failure. It must only
 * query: no network, no timers, no other side effects.
 */
export interface Store {
  /**
   * The longest time between the last statement of a unit and its commit, in milliseconds; 0 if the store runs one unit
   * at a time. What a unit uses from outside the store, such as a master key, must stay valid for this long.
   */
  readonly maxIdleMs: number
  /** Runs work on one consistent snapshot, which includes every write that has resolved. */
  read<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /**
   * Runs work as one unit: atomic, isolated, and on disk when the promise resolves. The unit reads one snapshot. If it
   * would overwrite a row that changed after the snapshot, it runs again.
   * @param options.canWait whether the unit may wait a moment to join the next commit, for data that may be lost in a
   *   crash; false when left out
   * @param options.seesLatest whether each statement sees the newest commits, in place of the snapshot; false when left
   *   out. The unit must lock what it relies on
   * @throws what work throws, after the writes of work have been undone
   * @throws {ConstraintError} when a unique index or a foreign key refuses a row; the unit must then end
   * @throws {StoreError} when the store cannot do it now
   */
  write<T>(work: (tx: Tx) => Promise<T>, options?: WriteOptions): Promise<T>
  /**
   * Inserts one user as a unit of its own; see `Tx.insertUsers`. Users that are inserted at the same moment share a
   * commit, which costs a fraction of what `write` would.
   * @throws {ConstraintError} when a group does not exist
   * @throws {StoreError} when the store cannot do it now
   */
  insertUser(row: NewUserRow): Promise<InsertOutcome>
  /**
   * Like `write`, for a unit that inserts rows with given primary keys into an empty store. Primary keys that the store
   * assigns later are higher than all of these.
   */
  writeWithKeys<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /**
   * Ends the leases that earlier processes left behind, if this store is used by one process only (SQLite).
   * @returns whether this process is the only one that leases accounts from now on
   * @throws {StoreError} when the store cannot do it now
   */
  dropStaleLeases(): Promise<boolean>
  /**
   * Writes one row, to find out whether the store accepts writes.
   * @throws {StoreError} when it does not
   */
  heartbeat(): Promise<void>
  /**
   * Puts the audit entries that are in no block yet into blocks. Does nothing on SQLite, which writes a block with
   * every commit.
   * @throws {StoreError} when the store cannot do it now
   */
  sealAudit(): Promise<void>
  /**
   * Checks the whole audit log: every entry against its hash, every block against its entries and the block before it.
   * @param expected a block that the log must contain, as it was noted before
   * @throws {StoreError} when the store cannot do it now
   */
  verifyAudit(expected?: AuditHead): Promise<AuditVerdict>
  /**
   * Checks the next part of the audit log.
   * @param from what the part before returned; null for the first part
   * @param most after how many blocks and entries the part ends (default: 1,000)
   * @throws {StoreError} when the store cannot do it now
   */
  checkAudit(from: AuditCheck | null, most?: number): Promise<AuditCheck>
  /**
   * Applies the missing migrations.
   * @returns the versions that it applied, in order
   * @throws {StoreError} `newer` when the store has a migration that this program does not know
   */
  migrate(): Promise<number[]>
  /** Returns the applied migrations, in order; none if the store was never migrated. */
  listMigrations(): Promise<AppliedMigration[]>
  /** Waits for the units of work that have begun, refuses new ones, and closes. */
  close(): Promise<void>
}

/** The options of `Store.write`. */
export interface WriteOptions {
  readonly canWait?: boolean
  readonly seesLatest?: boolean
}

/** One transaction. Parameters are bound, never written into the SQL text. */
export interface Tx {
  get<P extends object, R>(statement: Statement<P, R>, params: P): Promise<R | undefined>
  all<P extends object, R>(statement: Statement<P, R>, params: P): Promise<R[]>
  /** Inserts one row. Returns its primary key, or undefined if the statement ignored a conflict and wrote nothing. */
  insert<P extends object>(statement: Statement<P, InsertResult>, params: P): Promise<number | undefined>
  /** Returns the number of rows changed. */
  run<P extends object>(statement: Statement<P, unknown>, params: P): Promise<number>
  /**
   * Inserts rows by a statement that ends with the values of one row: together on PostgreSQL, where each statement
   * costs a round trip; one after the other on SQLite, where that is faster.
   */
  insertAll<P extends object>(statement: Statement<P, InsertResult>, rows: readonly P[]): Promise<void>
  /**
   * Runs a query whose shape depends on the request. It is compiled on each call, so the create path must not use it.
   */
  query<R>(build: (db: QueryBuilder) => Compilable<R>): Promise<R[]>
  /** Runs a query that only reads. A row is the array of its values: thousands of objects would take twice as long. */
  queryArrays(build: (db: QueryBuilder) => Compilable<unknown>): Promise<unknown[][]>
  /** Returns the condition that a column is one of the primary keys, in the form that the engine reads fastest. */
  isOneOf(column: string, pks: readonly number[]): RawBuilder<SqlBool>
  /**
   * What a query ends with to lock its rows until the unit ends; nothing on SQLite, where units run one at a time. Other
   * units cannot change rows with a `shared` lock, nor refer to rows with an `exclusive` one.
   */
  readonly locks: Readonly<Record<'shared' | 'exclusive', RawBuilder<unknown>>>
  readonly userIndex: UserIndex
  /** The audit block of this commit; null on PostgreSQL, which seals audit entries after their commit. */
  readonly block: OpenBlock | null
  /**
   * Inserts users, each with its memberships and its audit entry. A row is refused, with nothing written for it, when
   * its id or e-mail is taken (see also `idGiven`), when a deleted user of the organization has the e-mail (but see
   * `besideDeleted`), or when the organization was deleted or has no relation to the reseller. Of several rows with one
   * id or e-mail, one is inserted.
   * @returns an outcome for each row, in order
   */
  insertUsers(rows: readonly NewUserRow[]): Promise<InsertOutcome[]>
}

/** The lists of users, and the searches in them. Each engine has indexes of its own for them. */
export interface UserIndex {
  /**
   * Takes users who are in no list yet into the indexes and the totals. No other statement may precede it in its unit.
   * @param newest takes the newest users up to this primary key; the oldest ones when left out
   * @returns how many; less than `limit` if none is left
   */
  enlistUsers(tx: Tx, limit: number, newest?: number): Promise<number>
  /** Deletes what the indexes keep of the names and the address of a deleted user. */
  forgetUser(tx: Tx, user: Pick<User, 'pk' | 'id' | 'organizationPk'>): Promise<void>
  /** Returns whether `enlistUsers` has something to do: new users, or parts of the indexes that changes have filled. */
  areListsBehind(tx: Tx): Promise<boolean>
  /**
   * Returns the primary keys of live users that a search finds, at most `limit`, in no particular order. A search of
   * words finds exactly these users; one of groups alone may find others on PostgreSQL.
   */
  searchUsers(tx: Tx, search: UserSearch, request: { readonly limit: number }): Promise<number[]>
  /**
   * Finds live users of an area by words, in no particular order. It looks at a limited number of users, so it may
   * miss some; users who are in no list yet are not found.
   * @param search.words one of them has at least MIN_SEARCHED characters
   */
  findUsers(tx: Tx, area: UserArea, search: UserWords): Promise<FoundKeys>
  /**
   * Returns a page of the live users that a search finds, in the order of the list.
   * @returns undefined if the order of the list itself leads to the page sooner; never with `page.after`
   */
  searchPage(tx: Tx, search: UserSearch, page: UserSearchPage): Promise<FoundUsers | undefined>
  /**
   * Reads all live users of a small area, and returns a page of those whom a search finds, in the order of the list.
   * @param within.search all users are found without words and groups; words may be shorter than MIN_SEARCHED characters
   * @returns undefined if SQL that both engines share is as fast
   */
  searchArea(tx: Tx, within: AreaSearch, page: UserSearchPage): Promise<CountedUsers | undefined>
}

/** A row of `users`, as it is inserted. */
export interface UserRecord {
  readonly id: string
  readonly organizationPk: number
  readonly resellerPk: number | null
  /** The provider of the organization. */
  readonly providerPk: number
  readonly firstName: string | null
  readonly lastName: string | null
  readonly email: string | null
  /** ISO 8601. */
  readonly now: string
}

/** A user for `insertUsers`, with everything that is written with it. */
export interface NewUserRow {
  readonly user: UserRecord
  /**
   * The ids of the organization and the reseller. SQLite gives the primary key of a deleted row to a new one, so it
   * compares these ids as well.
   */
  readonly organizationId: string
  readonly resellerId: string | null
  /** The e-mail as `foldEmail` returns it. */
  readonly emailKey: string | null
  /** As `nameKeyOf` returns it. */
  readonly nameKey: string
  readonly groups: readonly Group[]
  /** Whether the caller chose the id. Then no organization, group or client may have it either. */
  readonly idGiven?: boolean
  /** Whether the row is inserted although a deleted user of the organization has the e-mail. */
  readonly besideDeleted?: boolean
  /** The entry that says that the user was created; null if an entry of the same unit says it. */
  readonly entry: AuditEntry | null
}

/** The outcome of one row of `insertUsers`: the primary key of the new user, unless the row was refused. */
export type InsertOutcome = number | 'refused'

/** A migration that a store has. */
export interface AppliedMigration {
  readonly version: number
  /** ISO 8601. */
  readonly appliedAt: string
}

/** Builds queries for the current tables; it cannot run them. */
export type QueryBuilder = Parameters<Statement<object, unknown>['build']>[0]

/** The audit block that will hold the entries of the running commit. */
export interface OpenBlock {
  readonly number: number
  readonly previousHash: string
  readonly hashes: string[]
}

/**
 * The key of the audit log. From one block on, the hashes of blocks are HMACs with it, so that only a process that has
 * the master key can make them.
 */
export interface AuditKey {
  readonly id: string
  readonly secret: Buffer
  /** The first block whose hash is an HMAC. */
  readonly from: number
  /** The hash of the block before it. It protects all blocks without an HMAC. */
  readonly previousHash: string
}

/** Encrypts the audit key for its row, and opens it again: the store does not know the master keys. */
export interface AuditKeySealer {
  /** @throws {Error} when there is no master key */
  seal(key: AuditKey): string
  /** @throws {Error} when the master keys do not open the text */
  open(id: string, sealed: string): AuditKey
}

/** Reports what the store does, for metrics and the log. */
export interface StoreEvents {
  /** A commit with this many units of work is on disk. */
  committed(units: number): void
  /** Something has failed that the store works without for a while, but slower. */
  slowed(reason: StoreError): void
}

/** Why the store cannot do it. */
export type StoreErrorReason =
  | 'busy'
  | 'full'
  | 'readonly'
  | 'missing'
  | 'replaced'
  | 'damaged'
  | 'taken'
  | 'unreachable'
  | 'unsafe'
  | 'not_empty'
  | 'not_a_store'
  | 'newer'
  | 'closed'
  | 'failed'

/** The store cannot do what it was asked for. The message is for the operator. */
export class StoreError extends Error {
  readonly reason: StoreErrorReason

  constructor(reason: StoreErrorReason, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'StoreError'
    this.reason = reason
  }
}

/**
 * A unique index refused a row, or a row refers to another row that no longer exists. If another unit was faster, the
 * caller runs its unit again, which then finds the row of the other unit.
 */
export class ConstraintError extends Error {
  constructor(message: string, cause: unknown) {
    super(message, { cause })
    this.name = 'ConstraintError'
  }
}
