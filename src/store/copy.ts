import { sql } from 'kysely'
import { type Store, StoreError, type Tx } from './port.ts'
import { query } from './raw-query.ts'
import type { Tables } from './schema.ts'

/** The number of rows in memory at once. */
const PAGE = 1_000

/** Tables that describe one store, or that the store maintains by itself. They are not copied. */
type NotCopied =
  | ('migrations' | 'heartbeats' | 'turns' | 'account_totals' | 'credential_totals')
  | ('user_totals' | 'user_ranks' | 'audit_index' | 'audit_ids' | 'audit_totals' | 'audit_progress')
type Table = Exclude<keyof Tables, NotCopied>

/** The copied tables with their primary keys. Each table comes after the tables that it refers to. */
const TABLES = {
  organizations: ['pk'],
  customer_resellers: ['customer_pk', 'reseller_pk'],
  portals: ['pk'],
  groups: ['pk'],
  users: ['pk'],
  memberships: ['user_pk', 'group_pk'],
  platforms: ['pk'],
  tenants: ['pk'],
  tenant_orgs: ['pk'],
  org_customers: ['provider_pk', 'org_id'],
  accounts: ['pk'],
  contents: ['account_pk'],
  buckets: ['account_pk', 'name'],
  credentials: ['pk'],
  attempts: ['pk'],
  removed_keys: ['access_key'],
  clients: ['pk'],
  refresh_tokens: ['pk'],
  signing_keys: ['pk'],
  audit_keys: ['pk'],
  person_keys: ['pk'],
  audit_entries: ['pk'],
  audit_blocks: ['number'],
  idempotency_keys: ['client_pk', 'key'],
  external_ids: ['user_pk', 'client_pk'],
  jobs: ['pk'],
  imports: ['pk'],
  import_users: ['import_pk', 'user_pk'],
  webhooks: ['pk'],
  deliveries: ['pk'],
  sessions: ['pk'],
  sign_in_links: ['pk'],
  identities: ['pk'],
  person_answers: ['person', 'key'],
} as const satisfies Record<Table, readonly string[]>

type Row = Record<string, unknown>

/** The number of rows of each table. */
export type RowCounts = Readonly<Record<Table, number>>

/**
 * Copies a directory with its primary keys into an empty store, in one unit. Changes of the source during the copy are
 * not copied.
 * @returns the number of rows that were read from each table
 * @throws {StoreError} `not_empty` when the target has rows
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

/** Counts the rows of the copied tables. */
export async function countRows(tx: Tx): Promise<RowCounts> {
  const counts = {} as Record<Table, number>
  for (const table of tableNames()) {
    const [row] = await query<{ rows: number }>(tx, sql`select count(*) as rows from ${sql.table(table)}`)
    counts[table] = row?.rows ?? 0
  }
  return counts
}

function tableNames(): Table[] {
  return Object.keys(TABLES) as Table[]
}

async function assertEmpty(target: Tx): Promise<void> {
  for (const table of tableNames()) {
    const rows = await query(target, sql`select 1 from ${sql.table(table)} limit 1`)
    if (rows.length > 0)
      throw new StoreError('not_empty', `the target already has ${table}; copy into an empty store`)
  }
}

async function copyTable(source: Tx, target: Tx, table: Table): Promise<number> {
  let copied = 0
  let page = await readPage(source, table, undefined)
  while (page.length > 0) {
    await insertPage(target, table, page.map(toCopied(table)))
    copied += page.length
    page = page.length < PAGE ? [] : await readPage(source, table, page.at(-1))
  }
  return copied
}

/** Returns what is copied of a row. The target takes users, and their memberships, into its own lists. */
function toCopied(table: Table): (row: Row) => Row {
  if (table === 'users') return (row) => ({ ...row, listed: 0 })
  if (table === 'memberships') return ({ user_pk, group_pk }) => ({ user_pk, group_pk, listed: 0 })
  return (row) => row
}

/** Returns the rows that follow `after`, ordered by primary key; the first rows if it is left out. */
function readPage(source: Tx, table: Table, after: Row | undefined): Promise<Row[]> {
  const key = TABLES[table]
  const columns = sql.join(key.map((column) => sql.ref(column)))
  const values = sql.join(key.map((column) => after?.[column]))
  const where = after ? sql`where (${columns}) > (${values})` : sql``
  return query<Row>(source, sql`select * from ${sql.table(table)} ${where} order by ${columns} limit ${PAGE}`)
}

async function insertPage(target: Tx, table: Table, rows: readonly Row[]): Promise<void> {
  const columns = Object.keys(rows[0] ?? {})
  const values = rows.map((row) => sql`(${sql.join(columns.map((column) => row[column]))})`)
  await query(
    target,
    sql`insert into ${sql.table(table)} (${sql.join(columns.map((column) => sql.ref(column)))})
        values ${sql.join(values)}`,
  )
}
