import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
} from 'kysely'
import pg from 'pg'
import type { ColumnTypes } from '../migrations/migration.ts'
import { StoreError } from '../port.ts'

/** How many connections one process opens at the most. More than the database has cores only makes them wait there. */
export const MAX_CONNECTIONS = 10
/** How long a unit waits for a free connection, or for a new one to be made. */
const CONNECT_MS = 5_000
/** What a statement may take in the database; and here, where the database may have fallen silent. */
const STATEMENT_MS = 10_000
const ANSWER_MS = 12_000
const LOCK_MS = 5_000
/** A unit that has stopped in the middle must not keep its locks. A rotation of the master key waits as long. */
const IDLE_IN_UNIT_MS = 15_000
const LIFETIME_S = 60
/** A change of the schema that waited longer for a table would keep everybody else waiting behind it. */
const SCHEMA_LOCK_MS = 2_000
const INT8 = 20

export interface PostgresOptions {
  readonly url: string
  /** Whether a database that may lose commits is taken all the same. */
  readonly allowDataLoss: boolean
  /** Whether a statement may take as long as it needs: for commands, behind which no caller waits. */
  readonly patient: boolean
}

/** The bounded pool of connections that serve. */
export function newPool({ url, allowDataLoss, patient }: PostgresOptions): pg.Pool {
  return new pg.Pool({
    ...connectionOf(url),
    max: MAX_CONNECTIONS,
    // Settings that make the database lose commits can be turned on while it runs; a new connection is checked.
    maxLifetimeSeconds: LIFETIME_S,
    // BEGIN travels with the first statement of a unit.
    pipeline: true,
    lock_timeout: LOCK_MS,
    ...(!patient && {
      statement_timeout: STATEMENT_MS,
      query_timeout: ANSWER_MS,
      idle_in_transaction_session_timeout: IDLE_IN_UNIT_MS,
    }),
    onConnect(client) {
      // A connection that breaks in the middle of a unit fails the unit's next statement; that one error is enough.
      client.on('error', () => undefined)
      return assertSafe(client, allowDataLoss)
    },
  })
}

/**
 * One connection that may take its time, to change the schema with.
 * @throws {StoreError} when the database is not safe
 */
export async function openSlowClient({ url, allowDataLoss }: PostgresOptions): Promise<pg.Client> {
  const client = new pg.Client({ ...connectionOf(url), lock_timeout: SCHEMA_LOCK_MS })
  // A connection that is lost fails the query that waits for it; that one error is enough.
  client.on('error', () => undefined)
  try {
    await client.connect()
    await assertSafe(client, allowDataLoss)
    return client
  } catch (error) {
    await client.end()
    throw error
  }
}

function connectionOf(url: string): pg.ClientConfig {
  return {
    connectionString: url,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    fallback_application_name: 'usher',
    // Keys and counts fit a number; pg would hand them out as text.
    types: {
      getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
        oid === INT8 ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  }
}

/** Where the database is, without the user's name and password. */
export function describe(url: string): string {
  const { host, database } = new pg.Client({ connectionString: url })
  return `the database ${database ?? ''} at ${host}`
}

/** Settings under which an answered commit can be lost, or text come back changed. Checked on every new connection. */
async function assertSafe(client: pg.ClientBase, allowDataLoss: boolean): Promise<void> {
  const text = `select current_setting('fsync', true) as fsync,
            current_setting('full_page_writes', true) as full_page_writes,
            current_setting('synchronous_commit', true) as synchronous_commit,
            current_setting('server_encoding', true) as server_encoding`
  const { rows } = await client.query<Record<string, string | null>>(bounded(text))
  const { server_encoding: encoding, ...durability } = rows[0] ?? {}
  if (encoding && encoding !== 'UTF8')
    throw new StoreError('unsafe', `the database's encoding is ${encoding}; Usher needs UTF8`)
  const off = Object.entries(durability).filter(([, value]) => value === 'off')
  if (off.length === 0 || allowDataLoss) return
  const names = off.map(([name]) => `${name} = off`).join(', ')
  throw new StoreError(
    'unsafe',
    `the database has ${names}, so a commit that was answered can be lost; ` +
      'turn it on, or set USHER_DATABASE_ALLOW_DATA_LOSS=true if that is acceptable',
  )
}

/** A statement that is given up when the database falls silent, on a connection that otherwise has patience. */
export function bounded(text: string): pg.QueryConfig {
  // pg reads it, and its types do not know it.
  return { text, query_timeout: ANSWER_MS } as pg.QueryConfig
}

/** Makes a query builder that only compiles: its queries run on connections of the pool. */
export function newBuilder<T>(): Kysely<T> {
  return new Kysely<T>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  })
}

/** What PostgreSQL calls the columns of a migration. Text is compared by its bytes, as SQLite does. */
export const columnTypes: ColumnTypes = {
  engine: 'postgres',
  pk: ['bigint', (column) => column.primaryKey().generatedByDefaultAsIdentity()],
  ref: 'bigint',
  number: 'integer',
  text: sql`text collate "C"`,
  hash: sql`text collate "C"`,
  clustered: (table) => table,
}
