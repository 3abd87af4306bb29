import type { Compilable, RawBuilder } from 'kysely'
import type { QueryBuilder, Tx } from './port.ts'
import { type Statement, statement } from './statement.ts'

/** Runs a query in SQL that both engines know, and returns its rows. */
export function query<R>(tx: Tx, text: RawBuilder<unknown>): Promise<R[]> {
  return tx.query(toBuild(text)) as Promise<R[]>
}

/** Like `query`, but a row is the array of its values; see `Tx.queryArrays`. */
export function queryArrays<R extends readonly unknown[]>(tx: Tx, text: RawBuilder<unknown>): Promise<R[]> {
  return tx.queryArrays(toBuild(text)) as Promise<unknown[]> as Promise<R[]>
}

/** Runs a query whose only column is a primary key. */
export async function queryKeys(
  tx: Tx,
  query: RawBuilder<unknown> | ((db: QueryBuilder) => Compilable<{ pk: number }>),
): Promise<number[]> {
  const rows = await tx.queryArrays(typeof query === 'function' ? query : toBuild(query))
  return rows.map(([pk]) => pk as number)
}

function toBuild(text: RawBuilder<unknown>): (db: QueryBuilder) => Compilable<unknown> {
  return (db) => ({ compile: () => text.compile(db) })
}

/** Declares a statement in SQL. It is prepared once, and then only gets its parameters; see `statement`. */
export function rawStatement<P extends object, R>(
  build: (params: P) => RawBuilder<unknown>,
): Statement<P, R> {
  return statement((db, params: P) => toBuild(build(params))(db) as Compilable<R>)
}
