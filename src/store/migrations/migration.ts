import type { ColumnDefinitionBuilder, Compilable, CreateTableBuilder, Kysely, SchemaModule } from 'kysely'
import type { Tables } from '../schema.ts'

type DataTypeExpression = Parameters<CreateTableBuilder<string>['addColumn']>[1]

/** One step of the schema, for both engines. Never edited after a release; a later step mends it. */
export interface Migration {
  readonly version: number
  readonly name: string
  /** @param db builds what fills new columns of old rows */
  readonly up: (schema: SchemaModule, types: ColumnTypes, db: Kysely<Tables>) => Compilable[]
}

/** What the engines call differently. */
export interface ColumnTypes {
  /** For what only one of them has. */
  readonly engine: 'sqlite' | 'postgres'
  /** An integer primary key that the engine counts up: type and definition. */
  readonly pk: [DataTypeExpression, (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder]
  /** An integer that refers to a primary key. */
  readonly ref: DataTypeExpression
  readonly number: DataTypeExpression
  readonly text: DataTypeExpression
  /** A SHA-256, base64url. */
  readonly hash: DataTypeExpression
  /** Keeps the rows of a table in its primary key, where the engine can. */
  readonly clustered: <T extends string>(
    table: CreateTableBuilder<T, string>,
  ) => CreateTableBuilder<T, string>
}
