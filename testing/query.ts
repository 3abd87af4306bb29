import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'

export type Value = string | number | null
export type Row = Readonly<Record<string, Value>>

/**
 * Runs one statement in a database, on a connection of its own, past Usher's rules. On SQLite foreign keys are not
 * enforced.
 * @param url `sqlite:<path>` or `postgres://…`
 * @param sql with `?` where a value goes
 */
export async function queryDatabase(url: string, sql: string, ...values: readonly Value[]): Promise<Row[]> {
  return url.startsWith('sqlite:')
    ? querySqlite(url.slice('sqlite:'.length), sql, values)
    : queryPostgres(url, sql, values)
}

/** Connects to a database, for tests that run many statements in it. `?` stands where a value goes. */
export async function connect(url: string): Promise<Connection> {
  if (!url.startsWith('sqlite:')) return connectPostgres(url)
  const db = openSqlite(url.slice('sqlite:'.length))
  return {
    query: async (sql, ...values) => db.prepare(sql).all(...values) as Row[],
    end: async () => db.close(),
  }
}

/** How long a statement waits for the lock of another connection. */
const BUSY_MS = 1_000

function openSqlite(path: string): DatabaseSync {
  return new DatabaseSync(path, { enableForeignKeyConstraints: false, timeout: BUSY_MS })
}

function querySqlite(path: string, sql: string, values: readonly Value[]): Row[] {
  const db = openSqlite(path)
  try {
    return db.prepare(sql).all(...values) as Row[]
  } finally {
    db.close()
  }
}

const INT8 = 20

/** PostgreSQL's 64-bit integers as numbers: counts in tests are small. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => (oid === INT8 ? Number : pg.types.getTypeParser(oid, format)),
}

async function queryPostgres(url: string, sql: string, values: readonly Value[]): Promise<Row[]> {
  const connection = await connectPostgres(url)
  try {
    return await connection.query(sql, ...values)
  } finally {
    await connection.end()
  }
}

/** A connection to a PostgreSQL database. */
export interface Connection {
  /** Runs one statement, with `?` where a value goes. */
  query(sql: string, ...values: readonly Value[]): Promise<Row[]>
  end(): Promise<void>
}

/** Connects to a PostgreSQL database, for tests that run many statements in it. */
export async function connectPostgres(url: string): Promise<Connection> {
  const client = new pg.Client({ connectionString: url, types })
  await client.connect()
  return {
    async query(sql, ...values) {
      let place = 0
      const { rows } = await client.query<Row>(
        sql.replaceAll('?', () => `$${++place}`),
        [...values],
      )
      return rows
    },
    end: () => client.end(),
  }
}
