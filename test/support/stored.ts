import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { newAuditKeySealer } from '../../src/directory/sealing/audit-keys.ts'
import { newSealer } from '../../src/directory/sealing/sealer.ts'
import { openStore } from '../../src/store/open.ts'
import type { AuditKeySealer, AuditVerdict, Store } from '../../src/store/port.ts'
import { engine, storeUrl } from '../../testing/environment.ts'
import { queryDatabase, type Row, type Value } from '../../testing/query.ts'

/** How long, in milliseconds, a running Usher may take to seal what it has committed. */
const SEAL_LIMIT_MS = 10_000

/** Runs one statement in the store of a data directory, on either engine, past Usher's rules. */
export async function queryStore(dataDir: string, sql: string, ...values: Value[]): Promise<Row[]> {
  return queryDatabase(await storeUrl(dataDir), sql, ...values)
}

/** Returns the sealer of the audit key of a data directory, with the master keys in its file. */
export function auditKeysOf(dataDir: string): AuditKeySealer {
  const text = readFileSync(join(dataDir, 'master.key'), 'utf8')
  const sealer = newSealer(
    text
      .trim()
      .split('\n')
      .map((line) => Buffer.from(line, 'base64')),
  )
  return newAuditKeySealer(() => sealer)
}

/** Runs work with the store of a data directory, which it opens and closes. */
export async function withStore<T>(dataDir: string, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore(await storeUrl(dataDir), { auditKeys: auditKeysOf(dataDir) })
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

/**
 * Verifies the audit log of a store. Where entries are sealed after their commit, waits until the running Usher has
 * done so, up to a limit; entries that it leaves out are counted as unsealed.
 */
export function verifyStore(dataDir: string): Promise<AuditVerdict> {
  return withStore(dataDir, async (store) => {
    const limit = Date.now() + SEAL_LIMIT_MS
    for (;;) {
      const verdict = await store.verifyAudit()
      if (verdict.unsealed === 0 || engine() === 'sqlite' || Date.now() > limit) return verdict
      await pause(50)
    }
  })
}

/** Seals all entries that are not sealed yet, as a running Usher does after a while. */
export function sealStore(dataDir: string): Promise<void> {
  return withStore(dataDir, (store) => store.sealAudit())
}

/** Returns the content of all files of a data directory and of its store. */
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
