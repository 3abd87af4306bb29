import { type Compilable, sql } from 'kysely'
import type pg from 'pg'
import { retry } from '../../retry.ts'
import { addKeyAtUpgrade } from '../audit/keys.ts'
import { applyMigrations, pendingMigrations } from '../migrations/migrate.ts'
import type { Migration } from '../migrations/migration.ts'
import { type AppliedMigration, type AuditKeySealer, StoreError, type Tx } from '../port.ts'
import { query } from '../raw-query.ts'
import { bounded, columnTypes, newBuilder, openSlowClient, type PostgresOptions } from './connection.ts'
import { isLockConflict } from './errors.ts'

/** The name of the lock that lets one process at a time change the schema: 'usher' in ASCII. */
const MIGRATION_LOCK = 0x7573686572
/** How long a migration is tried while another process, such as a backup, holds locks that it needs. */
const PATIENCE_MS = 60_000
const PAUSE_MS = 1_000

/**
 * Applies the missing migrations, all of them or none.
 * @param auditKeys encrypts the audit key of a directory that has none yet
 * @returns their versions
 * @throws {StoreError} `busy` when another process has held a lock for a minute
 * @throws {Error} any error of the database
 */
export function migrate(options: PostgresOptions, auditKeys: AuditKeySealer): Promise<number[]> {
  return retry(
    () => withClient(options, (client) => applyPending(client, auditKeys)),
    ({ error, elapsedMs }) => {
      if (!isLockConflict(error)) throw error
      if (elapsedMs > PATIENCE_MS)
        throw new StoreError('busy', 'the schema cannot be changed: another process uses its tables', error)
      return PAUSE_MS
    },
  )
}

async function applyPending(client: pg.Client, auditKeys: AuditKeySealer): Promise<number[]> {
  const findPending = async (): Promise<Migration[]> =>
    pendingMigrations((await listVersions(client)).map(({ version }) => version))
  const query = async (statement: Compilable): Promise<unknown[]> => {
    const { sql, parameters } = statement.compile()
    return (await client.query(sql, [...parameters])).rows
  }
  // Most starts find nothing to do, and need neither the lock nor the right to change the schema.
  if ((await findPending()).length === 0) return []
  await client.query('begin')
  // Processes that start at the same moment wait for each other.
  await client.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
  await client.query(
    'create table if not exists migrations (version integer primary key, name text not null, applied_at text not null)',
  )
  const pending = await findPending()
  const versions = await applyMigrations(pending, { db: newBuilder(), types: columnTypes, query })
  await addKeyAtUpgrade(versions, { db: newBuilder(), query }, auditKeys)
  await client.query('commit')
  return versions
}

/** Returns the applied migrations, in order; none if the database was never migrated. */
export function listMigrations(options: PostgresOptions): Promise<AppliedMigration[]> {
  return withClient(options, listVersions)
}

async function withClient<T>(options: PostgresOptions, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await openSlowClient(options)
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** Returns the applied migrations; none if their table does not exist yet. */
async function listVersions(client: pg.Client): Promise<AppliedMigration[]> {
  const { rows: found } = await client.query(bounded("select to_regclass('migrations') as name"))
  if (found[0]?.name === null) return []
  const text = 'select version, applied_at from migrations order by version'
  const { rows } = await client.query<{ version: number; applied_at: string }>(bounded(text))
  return rows.map((row) => ({ version: row.version, appliedAt: row.applied_at }))
}

/**
 * Lets the sequence of every primary key continue after the highest one, after rows were inserted with primary keys.
 */
export async function skipUsedKeys(tx: Tx): Promise<void> {
  const tables = await query<{ table: string }>(
    tx,
    sql`select table_name as table from information_schema.columns
      where table_schema = current_schema() and column_name = 'pk' and is_identity = 'YES'`,
  )
  for (const { table } of tables) {
    const highest = sql`(select max(pk) from ${sql.table(table)})`
    await query(tx, sql`select setval(pg_get_serial_sequence(${table}, 'pk'), ${highest})`)
  }
}
