import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import pg from 'pg'
import type { Organization } from '../../src/model/organizations.ts'
import { openStore } from '../../src/store/open.ts'
import { type InsertOutcome, type Store, StoreError } from '../../src/store/port.ts'
import { query } from '../../src/store/raw-query.ts'
import { insertPortal } from '../../src/store/tables/organizations.ts'
import { selectUser, touchUser } from '../../src/store/tables/users.ts'
import type { DatabaseServer } from '../../testing/environment.ts'
import { queryDatabase } from '../../testing/query.ts'
import { onServer } from '../support/postgres.ts'
import { addProvider, NOW, newEntry, putUser } from '../support/rows.ts'

function isBusy(message: RegExp): (error: Error) => boolean {
  return (error) => error instanceof StoreError && error.reason === 'busy' && message.test(error.message)
}

/** Runs work on a new store with a provider and a user, whose key it passes to work. */
async function withStore(
  url: string,
  work: (store: Store, user: number, provider: Organization) => Promise<void>,
): Promise<void> {
  const store = await openStore(url)
  try {
    const provider = await addProvider(store)
    await work(store, (await store.write((tx) => putUser(tx, provider.pk, null, 'ada'))) ?? 0, provider)
  } finally {
    await store.close()
  }
}

function limitTests(server: DatabaseServer): void {
  test('a unit fails with what its first statement failed with, also if others were sent with it', async () => {
    await withStore(await server.createMigrated(), async (store) => {
      const unit = store.read(async (tx) => {
        const [failing, other] = [query(tx, sql`select 1 / 0`), query(tx, sql`select 1`)]
        // The unit learns of the other statement first.
        await Promise.all([failing.finally(() => other.catch(() => undefined)), other])
      })
      await assert.rejects(unit, /division by zero/)
    })
  })

  test('when all connections are in use, a unit waits, and fails with a clear error if no connection becomes free', async () => {
    await withStore(await server.createMigrated(), async (store) => {
      const { promise: ended, resolve: end } = Promise.withResolvers<void>()
      const holding = Array.from({ length: 10 }, () =>
        store.read(async (tx) => {
          await selectUser(tx, 'ada')
          await ended
        }),
      )
      const late = store.write((tx) => selectUser(tx, 'ada'))
      await assert.rejects(late, isBusy(/all 10 connections to the database are in use/))
      const waiting = store.write((tx) => selectUser(tx, 'ada'))
      end()
      await Promise.all(holding)
      assert.equal((await waiting)?.id, 'ada')
    })
  })

  test('a unit that waits too long for a locked row fails, and is undone', async () => {
    const url = await server.createMigrated()
    await withStore(url, async (store, user) => {
      const other = new pg.Client({ connectionString: url })
      await other.connect()
      await other.query('begin')
      await other.query('update users set first_name = $1', ['held'])
      const waiting = store.write((tx) => touchUser(tx, user, 'later'))
      await assert.rejects(waiting, isBusy(/overloaded: canceling statement due to lock timeout/))
      await other.query('rollback')
      await other.end()
      assert.equal((await store.read((tx) => selectUser(tx, 'ada')))?.updatedAt, NOW)
    })
  })

  test('a connection that ends during a unit fails only that unit', async () => {
    const url = await server.createMigrated()
    await withStore(url, async (store, user) => {
      const killed = store.write(async (tx) => {
        await touchUser(tx, user, 'later')
        await endConnections(url)
        await touchUser(tx, user, 'later')
      })
      await assert.rejects(killed, (error) => error instanceof StoreError && error.reason === 'unreachable')
      await store.write((tx) => touchUser(tx, user, 'again'))
      assert.equal((await store.read((tx) => selectUser(tx, 'ada')))?.updatedAt, 'again')
    })
  })

  test('a locked e-mail address delays only creates with that address', async () => {
    const url = await server.createMigrated()
    await withStore(url, async (store, _, provider) => {
      const other = new pg.Client({ connectionString: url })
      await other.connect()
      await other.query('begin')
      await other.query(
        "insert into users (id, organization_pk, email_key, created_at, updated_at) values ('held', 1, 'held@x', '', '')",
      )
      const names = { firstName: null, lastName: null }
      const add = (email: string): Promise<InsertOutcome[]> => {
        const keys = { organizationPk: provider.pk, resellerPk: null, providerPk: provider.pk }
        const user = { id: email, ...keys, ...names, email, now: NOW }
        const row = { user, organizationId: provider.id, resellerId: null, emailKey: email, nameKey: email }
        return store.write((tx) => tx.insertUsers([{ ...row, groups: [], entry: newEntry() }]))
      }
      const [held, ...others] = await Promise.allSettled(['held@x', ...FREE].map(add))
      await other.query('rollback')
      await other.end()
      assert.ok(held?.status === 'rejected' && isBusy(/lock timeout/)(held.reason))
      assert.deepEqual(
        others.map((one) => one.status === 'fulfilled' && typeof one.value[0]),
        FREE.map(() => 'number'),
      )
    })
  })

  test('a schema change by a newer Usher does not disturb running servers', async () => {
    const url = await server.createMigrated()
    await withStore(url, async (store) => {
      const find = (): Promise<unknown> => store.read((tx) => selectUser(tx, 'ada'))
      await Promise.all(Array.from({ length: 10 }, find))
      await queryDatabase(url, 'alter table users add column nickname text')
      const found = await Promise.all(Array.from({ length: 10 }, find))
      assert.equal(found.filter((user) => user !== undefined).length, 10)
    })
  })

  test('a unit that continues after a failed statement is not committed', async () => {
    await withStore(await server.createMigrated(), async (store) => {
      const careless = store.write(async (tx) => {
        const portal = { domain: 'portal.example', organization: 999_999, now: NOW }
        await insertPortal(tx, portal).catch(() => undefined)
      })
      await assert.rejects(careless, /the unit continued after one of its statements failed/)
    })
  })

  test('the error for a missing server does not contain the password', async () => {
    await assert.rejects(openStore('postgres://usher:secret@127.0.0.1:1/directory'), (error: Error) => {
      assert.ok(error instanceof StoreError && error.reason === 'unreachable')
      assert.match(error.message, /^the database directory at 127\.0\.0\.1:1 cannot be reached: /)
      assert.doesNotMatch(error.message, /secret/)
      return true
    })
  })
}

const FREE = Array.from({ length: 20 }, (_, i) => `${i}@x`)

/** Ends all other connections to a database, as a restart of the server does. */
async function endConnections(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  )
  await client.end()
}

// Most of them wait for a limit of 5 s, each in a database of its own.
await onServer('limits on PostgreSQL', limitTests, { concurrency: true })
