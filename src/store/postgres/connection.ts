import { isIP } from 'node:net'
import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
} from 'kysely'
import pg from 'pg'
import { type PostgresUrl, parsePostgresUrl } from '../../database-url.ts'
import type { ColumnTypes } from '../migrations/migration.ts'
import { StoreError } from '../port.ts'
import { Client } from './client.ts'
import { chooseTls } from './tls.ts'

/** The most connections of one process. More connections than the database has cores would only wait there. */
export const MAX_CONNECTIONS = 10
/** How long a unit waits for a free connection, or for a new one. */
const CONNECT_MS = 5_000
/** The time limit of a statement, enforced by the database. */
const STATEMENT_MS = 10_000
/** The time limit of a statement, enforced by this process in case the database no longer responds. */
const RESPONSE_MS = 12_000
const LOCK_MS = 5_000
/** How long a unit may pause before the database ends it; see `Store.maxIdleMs`. */
export const IDLE_IN_UNIT_MS = 15_000
const LIFETIME_S = 60
/**
 * How long one try of a migration waits for a lock. It is short because other statements queue behind a waiting
 * migration; `migrate` tries again.
 */
const SCHEMA_LOCK_MS = 2_000
/** The type id of bigint. */
const INT8 = 20

/** See `OpenOptions`. */
export interface PostgresOptions {
  readonly connection: pg.ClientConfig
  /** Whether to accept a database that may lose commits. */
  readonly allowDataLoss: boolean
  /** Whether statements may run as long as they need: for commands. Waiting for a lock is limited in any case. */
  readonly patient: boolean
}

/** Makes the bounded pool of connections for units of work. */
export function newPool({ connection, allowDataLoss, patient }: PostgresOptions): pg.Pool {
  return new pg.Pool({
    Client,
    ...connection,
    max: MAX_CONNECTIONS,
    // Settings that make the database lose commits can change while it runs, and only new connections are checked.
    maxLifetimeSeconds: LIFETIME_S,
    // BEGIN is sent together with the first statement of a unit.
    pipeline: true,
    lock_timeout: LOCK_MS,
    ...(!patient && {
      statement_timeout: STATEMENT_MS,
      query_timeout: RESPONSE_MS,
      idle_in_transaction_session_timeout: IDLE_IN_UNIT_MS,
    }),
    onConnect(client) {
      // If a connection breaks during a unit, the next statement reports it.
      client.on('error', () => undefined)
      return assertSafe(client, allowDataLoss)
    },
  })
}

/**
 * Opens one connection for migrations. Its statements may run as long as they need; only waiting for a lock is limited.
 * @throws {StoreError} `unsafe` when the database may lose commits
 */
export async function openSlowClient({ connection, allowDataLoss }: PostgresOptions): Promise<pg.Client> {
  const client = new Client({ ...connection, lock_timeout: SCHEMA_LOCK_MS })
  // If the connection breaks, the waiting query reports it.
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

/**
 * Returns the options of connections to a database. Where its URL leaves open whether connections use TLS, the database
 * is asked.
 * @throws {Error} when the URL, or a file that it names, cannot be used; the message repeats nothing of the URL
 */
export async function toConnection(url: string): Promise<pg.ClientConfig> {
  const parsed = parsePostgresUrl(url)
  const config = toClientConfig(parsed)
  return { ...config, ssl: await chooseTls(parsed, config) }
}

function toClientConfig(url: PostgresUrl): pg.ClientConfig {
  const { user, password, host, port, database, applicationName, options } = url
  return {
    ...(user !== null && { user }),
    ...(password !== null && { password }),
    ...(host !== null && { host }),
    ...(port !== null && { port }),
    ...(database !== null && { database }),
    ...(applicationName !== null && { application_name: applicationName }),
    ...(options !== null && { options }),
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    fallback_application_name: 'usher',
    // Primary keys and counts fit a number; by default pg returns bigint as text.
    types: {
      getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
        oid === INT8 ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  }
}

/** Returns the name, host and port of the database, for messages, without the user's name and password. */
export function describeDatabase(connection: pg.ClientConfig): string {
  const { host, port, database } = new pg.Client({ ...connection, ssl: false })
  if (host.startsWith('/')) return `the database ${database ?? ''} at the socket ${host} (port ${port})`
  return `the database ${database ?? ''} at ${isIP(host) === 6 ? `[${host}]` : host}:${port}`
}

/** Refuses settings that can lose a confirmed commit or change text. Runs on every new connection. */
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
    `the database has ${names}, so a confirmed commit can be lost; ` +
      'turn it on, or set USHER_DATABASE_ALLOW_DATA_LOSS=true if that is acceptable',
  )
}

/** Adds a time limit to a statement, for connections without a time limit. */
export function bounded(text: string): pg.QueryConfig {
  // pg supports `query_timeout`, but its types do not have it.
  return { text, query_timeout: RESPONSE_MS } as pg.QueryConfig
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

/** The column types of PostgreSQL. Text is compared by its bytes, as on SQLite. */
export const columnTypes: ColumnTypes = {
  engine: 'postgres',
  pk: ['bigint', (column) => column.primaryKey().generatedByDefaultAsIdentity()],
  ref: 'bigint',
  number: 'integer',
  text: sql`text collate "C"`,
  hash: sql`text collate "C"`,
  clustered: (table) => table,
}
