import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after } from 'node:test'
import { openStore } from '../../src/store/open.ts'
import type { Store, StoreEvents } from '../../src/store/port.ts'

/** Opens a new, empty, migrated store, and closes it when the tests of the file have ended. */
export type OpenStore = (events?: StoreEvents) => Promise<Store>

/** A store whose tables can be changed behind its back. */
export interface Tampered {
  readonly store: Store
  /** Runs SQL on a connection of its own, with no rule of ours in between. */
  tamper(sql: string, ...values: (string | number | null)[]): Promise<void>
}
export type OpenTampered = () => Promise<Tampered>

/** Openers for SQLite. Everything that they made is gone when the tests of the file have ended. */
export function sqliteStores(): { open: OpenStore; openTampered: OpenTampered } {
  const opened: { store: Store; folder: string }[] = []
  after(async () => {
    for (const { store, folder } of opened) {
      await store.close()
      rmSync(folder, { recursive: true, force: true })
    }
  })
  const openAt = async (events?: StoreEvents): Promise<{ store: Store; path: string }> => {
    const folder = mkdtempSync(join(tmpdir(), 'usher-store-'))
    const path = join(folder, 'usher.db')
    const store = await openStore(`sqlite:${path}`, events ? { events } : {})
    opened.push({ store, folder })
    return { store, path }
  }
  return {
    open: async (events) => (await openAt(events)).store,
    openTampered: async () => {
      const { store, path } = await openAt()
      return { store, tamper: async (sql, ...values) => tamperSqlite(path, sql, values) }
    },
  }
}

function tamperSqlite(path: string, sql: string, values: (string | number | null)[]): void {
  const db = new DatabaseSync(path, { enableForeignKeyConstraints: false })
  try {
    db.prepare(sql).run(...values)
  } finally {
    db.close()
  }
}
