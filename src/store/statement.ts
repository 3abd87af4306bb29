import type { Compilable, Kysely } from 'kysely'
import type { Tables } from './schema.ts'

/**
 * A query that is built and compiled once per engine, and then only gets its parameters. To build it on each call would
 * make creates noticeably slower.
 */
export interface Statement<P extends object, R> {
  readonly build: (db: Kysely<Tables>, params: P) => Compilable<R>
}

/** A compiled statement: the engine's SQL, and for each of its parameters a name or a constant. It is plain data. */
export interface Plan {
  readonly sql: string
  readonly slots: readonly ({ readonly name: string } | { readonly constant: unknown })[]
  readonly writes: boolean
  /** Whether all parameters are only compared with columns; false if some are written. */
  readonly onlyCompares: boolean
}

/**
 * Declares a statement. The second argument of `build` stands for the parameters of later calls. Its members may be
 * used wherever Kysely takes a value.
 */
export function statement<P extends object, R>(
  build: (db: Kysely<Tables>, params: P) => Compilable<R>,
): Statement<P, R> {
  return { build }
}

class Placeholder {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

const placeholders = new Proxy({}, { get: (_, name) => new Placeholder(String(name)) })

/** Compiles a statement with the query builder of an engine. */
export function compile<P extends object, R>(statement: Statement<P, R>, db: Kysely<Tables>): Plan {
  const { sql, parameters, query } = statement.build(db, placeholders as P).compile()
  return {
    sql,
    slots: parameters.map((value) =>
      value instanceof Placeholder ? { name: value.name } : { constant: value },
    ),
    writes: query.kind !== 'SelectQueryNode',
    onlyCompares: onlyCompares(query.kind),
  }
}

/** Returns whether queries of this kind only compare their parameters with columns: they read or delete rows. */
export function onlyCompares(kind: string): boolean {
  return kind === 'SelectQueryNode' || kind === 'DeleteQueryNode'
}

/** Returns the values to bind, in the order of the SQL's parameters. */
export function bind(plan: Plan, params: object): unknown[] {
  const values = params as Record<string, unknown>
  const bound = new Array<unknown>(plan.slots.length)
  for (let i = 0; i < bound.length; i++) {
    const slot = plan.slots[i] as Plan['slots'][number]
    bound[i] = 'name' in slot ? values[slot.name] : slot.constant
  }
  return bound
}
