import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Store, StoreError, type StoreEvents } from './port.ts'
import { openSqlite } from './sqlite.ts'

/**
 * Opens the store that a URL names, and brings its schema up to date.
 * @param url `sqlite:<path>`
 * @throws {StoreError} with a message for the operator
 */
export async function openStore(
  url: string,
  events: StoreEvents = { committed: () => undefined },
): Promise<Store> {
  const store = openEngine(url, events)
  try {
    await store.migrate()
    return store
  } catch (error) {
    await store.close()
    throw error
  }
}

function openEngine(url: string, events: StoreEvents): Store {
  const path = url.startsWith('sqlite:') ? url.slice('sqlite:'.length) : ''
  if (path === '') throw new StoreError('failed', 'the database URL must have the form sqlite:<path>')
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new StoreError('missing', `${dirname(path)} cannot be made: ${(error as Error).message}`, error)
  }
  return openSqlite(path, events)
}
