import type { CompiledQuery } from 'kysely'
import type { Store, Tx } from '../../src/store/port.ts'
import type { Statement } from '../../src/store/statement.ts'

/**
 * Returns a store that notes what its reads ask: the source of a statement, or SQL without its parameters. Reads that
 * note the same cost the same look-ups.
 */
export function watchReads(store: Store): { store: Store; take(): string[] } {
  let noted: string[] = []
  const watched: Store = Object.create(store, {
    read: {
      value: <T>(work: (tx: Tx) => Promise<T>) =>
        store.read((tx) => work(watchTx(tx, (one) => noted.push(one)))),
    },
  })
  return {
    store: watched,
    take() {
      const taken = noted
      noted = []
      return taken
    },
  }
}

function watchTx(tx: Tx, note: (text: string) => void): Tx {
  const query: Tx['query'] = (build) =>
    tx.query((db) => {
      const built = build(db)
      const compile = (): ReturnType<typeof built.compile> => {
        const compiled = built.compile()
        note((compiled as CompiledQuery).sql)
        return compiled
      }
      return { compile }
    })
  const noted = <F extends (...args: never[]) => unknown>(call: F, nameOf: (first: unknown) => string): F =>
    ((...args: Parameters<F>) => {
      note(nameOf(args[0]))
      return call(...args)
    }) as F
  const nameOf = (statement: unknown): string => String((statement as Statement<object, unknown>).build)
  return Object.create(tx, {
    query: { value: query },
    get: { value: noted(tx.get.bind(tx), nameOf) },
    all: { value: noted(tx.all.bind(tx), nameOf) },
    findUsers: { value: noted(tx.findUsers.bind(tx), () => 'findUsers') },
    searchUsers: { value: noted(tx.searchUsers.bind(tx), () => 'searchUsers') },
    searchPage: { value: noted(tx.searchPage.bind(tx), () => 'searchPage') },
  })
}
