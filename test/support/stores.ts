import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach } from 'node:test'
import { newAuditKeySealer } from '../../src/directory/sealing/audit-keys.ts'
import { newSealer } from '../../src/directory/sealing/sealer.ts'
import { newAuditKey } from '../../src/store/audit/keys.ts'
import { openStore } from '../../src/store/open.ts'
import type { Store, StoreEvents } from '../../src/store/port.ts'
import type { DatabaseServer } from '../../testing/environment.ts'
import { copyMigratedFile } from '../../testing/migrated-stores.ts'
import { type Connection, connectPostgres, queryDatabase, type Value } from '../../testing/query.ts'

/** The master key of the tests' stores, and the audit key under it. */
export const TEST_MASTER_KEY = Buffer.alloc(32, 'test')
export const TEST_AUDIT_KEYS = newAuditKeySealer(() => newSealer([TEST_MASTER_KEY]))
export const TEST_AUDIT_KEY = newAuditKey()

/** Opens a store, and inserts the audit key of the tests past the store's rules: no commit is counted. */
async function openKeyed(
  url: string,
  tamper: Tampered['tamper'],
  events: { events?: StoreEvents } = {},
): Promise<Store> {
  const store = await openStore(url, { ...events, auditKeys: TEST_AUDIT_KEYS })
  const insert =
    "INSERT INTO audit_keys (pk, id, sealed, created_at) VALUES (1, ?, ?, '2026-11-22T08:00:00.000Z')"
  await tamper(insert, TEST_AUDIT_KEY.id, TEST_AUDIT_KEYS.seal(TEST_AUDIT_KEY))
  return store
}

/** Opens a new, empty, migrated store with an audit key, and closes it when its tests have ended. */
export type OpenStore = (events?: StoreEvents) => Promise<Store>

/** A store whose tables a test can change past its rules. */
export interface Tampered {
  readonly store: Store
  /** Runs SQL on another connection, past the store's rules. */
  tamper(sql: string, ...values: Value[]): Promise<void>
  /** Opens the store once more, as another process does. */
  reopen(): Promise<Store>
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
  readonly url: string
  readonly store: Store
  readonly tamper: Tampered['tamper']
  forget(): Promise<void>
}

/** Returns openers for SQLite. All their stores are deleted when the tests of the file have ended. */
export function sqliteStores(): Openers {
  const { openers, releaseAll } = openersOf(async (events) => {
    const folder = mkdtempSync(join(tmpdir(), 'usher-store-'))
    const path = join(folder, 'usher.db')
    await copyMigratedFile(path)
    const url = `sqlite:${path}`
    const tamper: Tampered['tamper'] = async (sql, ...values) => {
      await queryDatabase(url, sql, ...values)
    }
    return {
      url,
      store: await openKeyed(url, tamper, events),
      tamper,
      forget: async () => rmSync(folder, { recursive: true, force: true }),
    }
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

/** A database of the tests, with a connection past the store's rules, which is kept: a new one costs 6 ms of CPU time. */
interface Database {
  readonly url: string
  readonly connection: Connection
}

/** Returns openers for PostgreSQL. Each store is closed after its test; its database is emptied and used again. */
export function postgresStores(server: DatabaseServer): Openers {
  const all: Database[] = []
  const free: Database[] = []
  const create = async (): Promise<Database> => {
    const url = await server.createMigrated()
    const database = { url, connection: await connectPostgres(url) }
    all.push(database)
    return database
  }
  const { openers, releaseAll } = openersOf(async (events) => {
    const database = free.pop() ?? (await create())
    const { url, connection } = database
    const tamper: Tampered['tamper'] = async (sql, ...values) => {
      await connection.query(sql, ...values)
    }
    return {
      url,
      store: await openKeyed(url, tamper, events),
      tamper,
      async forget() {
        await connection.query(EMPTY_ALL)
        free.push(database)
      },
    }
  })
  afterEach(releaseAll)
  after(() => Promise.all(all.map(({ connection }) => connection.end())))
  return openers
}

function openersOf(open: (options: { events?: StoreEvents }) => Promise<Opened>): {
  openers: Openers
  releaseAll: () => Promise<void>
} {
  const opened = new Set<Opened>()
  const others = new Map<Opened, Store[]>()
  const release = async (one: Opened): Promise<void> => {
    opened.delete(one)
    for (const store of [one.store, ...(others.get(one) ?? [])]) await store.close()
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
        const reopen = async (): Promise<Store> => {
          const store = await openStore(one.url, { auditKeys: TEST_AUDIT_KEYS })
          others.set(one, [...(others.get(one) ?? []), store])
          return store
        }
        return { store: one.store, tamper: one.tamper, reopen, release: () => release(one) }
      },
    },
    releaseAll: async () => {
      for (const one of opened) await release(one)
    },
  }
}
