import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach } from 'node:test'
import { openStore } from '../../src/store/open.ts'
import type { Store, StoreEvents } from '../../src/store/port.ts'
import type { DatabaseServer } from '../../testing/environment.ts'
import { queryDatabase, type Value } from '../../testing/query.ts'

/** Opens a new, empty, migrated store, and closes it when its tests have ended. */
export type OpenStore = (events?: StoreEvents) => Promise<Store>

/** A store whose tables a test can change past its rules. */
export interface Tampered {
  readonly store: Store
  /** Runs SQL on a connection of its own, past the store's rules. */
  tamper(sql: string, ...values: Value[]): Promise<void>
  /** Closes the store and deletes its content before the tests have ended. */
  release(): Promise<void>
}
export type OpenTampered = () => Promise<Tampered>

/** What the suites of the store and the directory are called with, once for each engine. */
interface Openers {
  readonly open: OpenStore
  readonly openTampered: OpenTampered
}

/** An open store. `forget` is called once, after the store has been closed. */
interface Opened {
  readonly store: Store
  readonly url: string
  forget(): Promise<void>
}

/** Returns openers for SQLite. All their stores are deleted when the tests of the file have ended. */
export function sqliteStores(): Openers {
  const { openers, releaseAll } = openersOf(async (events) => {
    const folder = mkdtempSync(join(tmpdir(), 'usher-store-'))
    const url = `sqlite:${join(folder, 'usher.db')}`
    const store = await openStore(url, events)
    return { store, url, forget: async () => rmSync(folder, { recursive: true, force: true }) }
  })
  after(releaseAll)
  return openers
}

/** Deletes every row, and restarts the keys at 1. Creating the tables again takes ten times as long. */
const EMPTY_ALL = `DO $$ BEGIN
  EXECUTE (
    SELECT 'WITH ' || string_agg(format('%1$I AS (DELETE FROM %1$I)', tablename), ',') || 'SELECT' FROM pg_tables
    WHERE schemaname = 'public' AND tablename <> 'migrations'
  );
  PERFORM setval(format('%I', sequencename)::regclass, 1, false) FROM pg_sequences WHERE schemaname = 'public';
END $$`

/** Returns openers for PostgreSQL. Each store is closed after its test; its database is emptied and used again. */
export function postgresStores(server: DatabaseServer): Openers {
  const free: string[] = []
  const { openers, releaseAll } = openersOf(async (events) => {
    const url = free.pop() ?? (await server.createDatabase())
    const forget = async (): Promise<void> => {
      await queryDatabase(url, EMPTY_ALL)
      free.push(url)
    }
    return { store: await openStore(url, events), url, forget }
  })
  afterEach(releaseAll)
  return openers
}

function openersOf(open: (options: { events?: StoreEvents }) => Promise<Opened>): {
  openers: Openers
  releaseAll: () => Promise<void>
} {
  const opened = new Set<Opened>()
  const release = async (one: Opened): Promise<void> => {
    opened.delete(one)
    await one.store.close()
    await one.forget()
  }
  const openOne = async (events?: StoreEvents): Promise<Opened> => {
    const one = await open(events ? { events } : {})
    opened.add(one)
    return one
  }
  return {
    openers: {
      open: async (events) => (await openOne(events)).store,
      openTampered: async () => {
        const one = await openOne()
        const tamper: Tampered['tamper'] = async (sql, ...values) => {
          await queryDatabase(one.url, sql, ...values)
        }
        return { store: one.store, tamper, release: () => release(one) }
      },
    },
    releaseAll: async () => {
      for (const one of opened) await release(one)
    },
  }
}
