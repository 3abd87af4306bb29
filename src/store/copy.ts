import { type RawBuilder, sql } from 'kysely'
import { type Store, StoreError, type Tx } from './port.ts'
import type { Tables } from './schema.ts'

/** How many rows are in memory at once. */
const PAGE = 1_000

/** Tables whose rows are about the running of one store, or which it keeps by itself. */
type OfTheStore = 'migrations' | 'heartbeats' | 'turns' | 'account_totals' | 'credential_totals'
type Table = Exclude<keyof Tables, OfTheStore>

/** Every table of the directory with its primary key, each after those that it refers to. */
const TABLES = {
  organizations: ['pk'],
  customer_resellers: ['customer_pk', 'reseller_pk'],
  portals: ['pk'],
  groups: ['pk'],
  users: ['pk'],
  memberships: ['user_pk', 'group_pk'],
  tenants: ['pk'],
  tenant_orgs: ['pk'],
  accounts: ['pk'],
  credentials: ['pk'],
  clients: ['pk'],
  refresh_tokens: ['pk'],
  signing_keys: ['pk'],
  audit_entries: ['pk'],
  audit_blocks: ['number'],
  idempotency_keys: ['client_pk', 'key'],
} as const satisfies Record<Table, readonly string[]>

type Row = Record<string, unknown>

/** How many rows each table has. */
export type RowCounts = Readonly<Record<Table, number>>

/**
 * Copies a directory with all its keys into an empty store, in one unit: all of it or nothing. What is written to the
 * source meanwhile is not copied.
 * @returns the rows of each table that were read
 * @throws {StoreError} `not_empty` when the target holds anything
 */
export function copyDirectory(from: Store, to: Store): Promise<RowCounts> {
  return from.read((source) =>
    to.writeWithKeys(async (target) => {
      await assertEmpty(target)
      const counts = {} as Record<Table, number>
      for (const table of tableNames()) counts[table] = await copyTable(source, target, table)
      return counts
    }),
  )
}

/** Counts the rows of the directory, table by table. */
export async function countRows(tx: Tx): Promise<RowCounts> {
  const counts = {} as Record<Table, number>
  for (const table of tableNames()) {
    const [row] = await ask<{ rows: number }>(tx, sql`select count(*) as rows from ${sql.table(table)}`)
    counts[table] = row?.rows ?? 0
  }
  return counts
}

function tableNames(): Table[] {
  return Object.keys(TABLES) as Table[]
}

async function assertEmpty(target: Tx): Promise<void> {
  for (const table of tableNames()) {
    const rows = await ask(target, sql`select 1 from ${sql.table(table)} limit 1`)
    if (rows.length > 0)
      throw new StoreError('not_empty', `the target holds ${table} already; copy into an empty store`)
  }
}

async function copyTable(source: Tx, target: Tx, table: Table): Promise<number> {
  let copied = 0
  let page = await readPage(source, table, undefined)
  while (page.length > 0) {
    await insertPage(target, table, page)
    copied += page.length
    page = page.length < PAGE ? [] : await readPage(source, table, page.at(-1))
  }
  return copied
}

/** The rows that follow one, by key. */
function readPage(source: Tx, table: Table, after: Row | undefined): Promise<Row[]> {
  const key = TABLES[table]
  const columns = sql.join(key.map((column) => sql.ref(column)))
  const values = sql.join(key.map((column) => after?.[column]))
  const where = after ? sql`where (${columns}) > (${values})` : sql``
  return ask(source, sql`select * from ${sql.table(table)} ${where} order by ${columns} limit ${PAGE}`)
}

async function insertPage(target: Tx, table: Table, rows: readonly Row[]): Promise<void> {
  const columns = Object.keys(rows[0] ?? {})
  const values = rows.map((row) => sql`(${sql.join(columns.map((column) => row[column]))})`)
  await ask(
    target,
    sql`insert into ${sql.table(table)} (${sql.join(columns.map((column) => sql.ref(column)))})
        values ${sql.join(values)}`,
  )
}

function ask<R = Row>(tx: Tx, query: RawBuilder<unknown>): Promise<R[]> {
  return tx.query((db) => ({ compile: () => query.compile(db) })) as Promise<R[]>
}
