import type {
  ColumnDefinitionBuilder,
  Compilable,
  CreateTableBuilder,
  Kysely,
  RawBuilder,
  SchemaModule,
} from 'kysely'

type DataTypeExpression = Parameters<CreateTableBuilder<string>['addColumn']>[1]

/**
 * The tables as a migration sees them: any table with any column. The types of today's tables would keep an old
 * migration from compiling as soon as one of its columns is dropped.
 */
export type MigratedTables = Record<string, Record<string, unknown>>

/** One step of the schema, for both engines. Never edited after a release: a later migration corrects it. */
export interface Migration {
  readonly version: number
  readonly name: string
  /**
   * Returns the statements of the migration, in order.
   * @param db builds the statements that fill new columns of existing rows
   */
  readonly up: (schema: SchemaModule, types: ColumnTypes, db: Kysely<MigratedTables>) => Compilable[]
  /** Changes rows in a way that SQL cannot, after the statements of `up` and in the same transaction. */
  readonly rewrite?: (store: MigratedStore, types: ColumnTypes) => Promise<void>
}

/** The store in the middle of a migration, for `rewrite`. */
export interface MigratedStore {
  readonly db: Kysely<MigratedTables>
  readonly schema: SchemaModule
  /** Runs one statement, and returns its rows. */
  readonly run: (query: Compilable) => Promise<unknown[]>
  /** Makes a statement of SQL text. */
  readonly raw: (text: RawBuilder<unknown>) => Compilable
}

/** Names of types and clauses that differ between the engines. */
export interface ColumnTypes {
  /** The engine, for a feature that only one of them has. Only a migration may branch on it. */
  readonly engine: 'sqlite' | 'postgres'
  /** An integer primary key that the engine assigns: type and definition. */
  readonly pk: [DataTypeExpression, (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder]
  /** An integer that refers to a primary key. */
  readonly ref: DataTypeExpression
  readonly number: DataTypeExpression
  readonly text: DataTypeExpression
  /** A SHA-256, base64url. */
  readonly hash: DataTypeExpression
  /** Stores the rows of a table in the index of its primary key, if the engine can (SQLite). */
  readonly clustered: <T extends string>(
    table: CreateTableBuilder<T, string>,
  ) => CreateTableBuilder<T, string>
}
