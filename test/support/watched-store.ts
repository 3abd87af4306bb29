import type { CompiledQuery } from 'kysely'
import type { Store, Tx, UserIndex } from '../../src/store/port.ts'
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

/** Notes a search, and not the statements that an engine makes of it. */
function watchIndex(tx: Tx, note: (text: string) => void): UserIndex {
  const index = tx.userIndex
  return {
    ...index,
    findUsers(_, area, search) {
      note('findUsers')
      return index.findUsers(tx, area, search)
    },
    searchUsers(_, search, request) {
      note('searchUsers')
      return index.searchUsers(tx, search, request)
    },
    searchPage(_, search, page) {
      note('searchPage')
      return index.searchPage(tx, search, page)
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
    userIndex: { value: watchIndex(tx, note) },
  })
}
