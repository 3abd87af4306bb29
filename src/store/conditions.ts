import { type RawBuilder, type SelectQueryBuilder, type SqlBool, sql } from 'kysely'
import type { Condition, Test } from '../model/conditions.ts'
import type { QueryBuilder } from './port.ts'
import type { Tables } from './schema.ts'

type Value = string | number | boolean | null

/** A query for the primary keys of rows. */
type KeyQuery = SelectQueryBuilder<Tables, 'accounts', { pk: number }>

/**
 * How a field is compared: with a column, with rows of another table (`few`), or by its own SQL. That SQL takes a list
 * of values; the field may have any of them.
 *
 * `few` is for a value that few rows have. Without statistics an engine does not know that a username is more selective
 * than an org, and would scan the whole org. So the rows are looked up by themselves, in a subquery.
 */
export type FieldSql<V> =
  | { readonly column: string }
  | { readonly few: (db: QueryBuilder, value: V) => KeyQuery }
  | { readonly test: (values: readonly V[]) => RawBuilder<SqlBool> }

const NOTHING = sql<SqlBool>`1 = 0`

/** How the fields of one kind of row are compared. */
export interface FieldTable<F extends object> {
  /** The column of the primary key: `accounts.pk`. */
  readonly pk: string
  readonly fields: { readonly [Name in keyof F & string]: FieldSql<F[Name]> }
}

/** Compiles a condition to SQL. Values are bound. */
export function compileCondition<F extends object>(
  db: QueryBuilder,
  table: FieldTable<F>,
  condition: Condition<F>,
): RawBuilder<SqlBool> {
  if ('all' in condition) return joinConditions(db, table, condition.all, 'and')
  if (!('any' in condition)) return compileTest(db, table, condition)
  const [first, ...others] = condition.any.flatMap((one) => toKeyQuery(db, table, one) ?? [])
  // One union instead of several alternatives: an OR would keep an engine from using the indexes.
  if (first && others.length === condition.any.length - 1)
    return isOneOf(
      table,
      others.reduce((union, one) => union.union(one), first),
    )
  return joinConditions(db, table, condition.any, 'or')
}

function joinConditions<F extends object>(
  db: QueryBuilder,
  table: FieldTable<F>,
  conditions: readonly Condition<F>[],
  word: 'and' | 'or',
): RawBuilder<SqlBool> {
  const [first, ...others] = conditions.map((one) => compileCondition(db, table, one))
  if (!first) return word === 'and' ? sql<SqlBool>`1 = 1` : NOTHING
  if (others.length === 0) return first
  return sql<SqlBool>`(${sql.join([first, ...others], sql.raw(` ${word} `))})`
}

function toKeyQuery<F extends object>(
  db: QueryBuilder,
  table: FieldTable<F>,
  condition: Condition<F>,
): KeyQuery | undefined {
  if (!('is' in condition)) return undefined
  const field: FieldSql<F[keyof F & string]> = table.fields[condition.field]
  return 'few' in field ? field.few(db, condition.is) : undefined
}

function isOneOf(table: { pk: string }, keys: KeyQuery): RawBuilder<SqlBool> {
  return sql<SqlBool>`${sql.ref(table.pk)} in ${keys}`
}

function compileTest<F extends object>(
  db: QueryBuilder,
  table: FieldTable<F>,
  test: Test<F>,
): RawBuilder<SqlBool> {
  const field: FieldSql<F[keyof F & string]> = table.fields[test.field]
  if ('column' in field) return compareColumn(sql.ref(field.column), test)
  if ('test' in field && 'in' in test) return test.in.length > 0 ? field.test(test.in) : NOTHING
  if (!('is' in test)) throw new Error(`the field ${test.field} can only be compared with equal values`)
  return 'few' in field ? isOneOf(table, field.few(db, test.is)) : field.test([test.is])
}

function compareColumn<F extends object>(column: RawBuilder<unknown>, test: Test<F>): RawBuilder<SqlBool> {
  if ('is' in test) {
    const value = toColumnValue(test.is as Value)
    return value === null ? sql<SqlBool>`${column} is null` : sql<SqlBool>`${column} = ${value}`
  }
  if ('from' in test) return sql<SqlBool>`${column} >= ${toColumnValue(test.from as Value)}`
  if ('contains' in test) return sql<SqlBool>`${column} like ${toPattern(test.contains)} escape '\\'`
  const values = test.in.map((value) => toColumnValue(value as Value))
  return values.length === 0 ? NOTHING : sql<SqlBool>`${column} in (${sql.join(values)})`
}

/** Booleans are stored as 0 and 1. */
function toColumnValue(value: Value): string | number | null {
  return typeof value === 'boolean' ? Number(value) : value
}

/** Returns the pattern of LIKE for texts that contain this one; its escape character is the backslash. */
export function toPattern(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`
}
