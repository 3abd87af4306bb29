import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { openStore } from '../../src/store/open.ts'
import type { AuditVerdict, Store } from '../../src/store/port.ts'
import { engine, storeUrl } from '../../testing/environment.ts'
import { queryDatabase, type Row, type Value } from '../../testing/query.ts'

/** How long a running Usher may take to seal what it has committed. */
const SEAL_LIMIT_MS = 10_000

/** Runs one statement in the store of a data directory, whatever its engine, behind Usher's back. */
export async function queryStore(dataDir: string, sql: string, ...values: Value[]): Promise<Row[]> {
  return queryDatabase(await storeUrl(dataDir), sql, ...values)
}

/** Runs work with the store of a data directory, which it opens and closes. */
export async function withStore<T>(dataDir: string, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore(await storeUrl(dataDir))
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

/**
 * The verdict on the audit log of a store. Where entries are sealed after their commit, the running Usher is given
 * time to do so; an entry that it leaves out stays in the verdict as unsealed.
 */
export function verifyStore(dataDir: string): Promise<AuditVerdict> {
  return withStore(dataDir, async (store) => {
    const limit = Date.now() + SEAL_LIMIT_MS
    for (;;) {
      const verdict = await store.verifyAudit()
      if (verdict.unsealed === 0 || store.singleProcess || Date.now() > limit) return verdict
      await pause(50)
    }
  })
}

/** Seals what no Usher has sealed yet, as one would that runs for a while. */
export function sealStore(dataDir: string): Promise<void> {
  return withStore(dataDir, (store) => store.sealAudit())
}

/** Everything that lies in a data directory and in its store. */
export async function readStored(dataDir: string): Promise<Buffer> {
  const files = readdirSync(dataDir).map((file) => readFileSync(join(dataDir, file)))
  return Buffer.concat([...files, ...(engine() === 'postgres' ? await readTables(dataDir) : [])])
}

async function readTables(dataDir: string): Promise<Buffer[]> {
  const tables = await queryStore(dataDir, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
  const contents = tables.map(async ({ tablename }) => {
    const rows = await queryStore(dataDir, `SELECT content::text AS text FROM "${tablename}" AS content`)
    return Buffer.from(rows.map(({ text }) => text).join('\n'))
  })
  return Promise.all(contents)
}
