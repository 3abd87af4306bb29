import type { CompiledQuery } from 'kysely'
import type { QueryBuilder, Store, Tx } from '../../src/store/port.ts'

/** Runs work on SQLite, and returns what the plan of each of its queries says, one member for each step. */
export async function explain(store: Store, work: (tx: Tx) => Promise<unknown>): Promise<string[]> {
  return store.read(async (tx) => {
    const details: string[] = []
    const query: Tx['query'] = async (build) => {
      let compiled: CompiledQuery | undefined
      const rows = await tx.query((db: QueryBuilder) => {
        const built = build(db)
        const compile = (): ReturnType<typeof built.compile> => {
          const result = built.compile()
          compiled = result as CompiledQuery
          return result
        }
        return { compile }
      })
      const { sql, ...rest } = compiled as CompiledQuery
      const plan = await tx.query(() => ({
        compile: () => ({ ...rest, sql: `explain query plan ${sql}` }) as never,
      }))
      details.push(...(plan as { detail: string }[]).map(({ detail }) => detail))
      return rows
    }
    const all: Tx['all'] = (statement, params) => query((db) => statement.build(db, params))
    const get: Tx['get'] = async (statement, params) => (await all(statement, params))[0]
    const queryArrays: Tx['queryArrays'] = async (build) =>
      (await query(build)).map((row) => Object.values(row as object))
    const traced = {
      query,
      queryArrays,
      get,
      all,
      run: tx.run.bind(tx),
      isOneOf: tx.isOneOf,
    }
    await work(traced as unknown as Tx)
    return details
  })
}
