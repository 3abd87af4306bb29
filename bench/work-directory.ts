import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { startCluster } from '../testing/postgres-cluster.ts'
import type { Settings } from '../testing/usher.ts'

/**
 * Runs a bench in a new data directory, which is removed afterwards.
 * @param options.directory where the data directory is made
 * @param options.engine `postgres` starts a PostgreSQL for the bench; otherwise the store is SQLite
 * @param run takes the data directory, and the settings that name the store
 */
export async function inWorkDirectory(
  { directory, engine }: { readonly directory: string; readonly engine: string },
  run: (work: string, settings: Settings) => Promise<void>,
): Promise<void> {
  const work = mkdtempSync(join(directory, '.bench-'))
  const cluster = engine === 'postgres' ? await startCluster() : null
  try {
    await run(work, cluster ? { USHER_DATABASE_URL: cluster.url } : {})
  } finally {
    await cluster?.end()
    rmSync(work, { recursive: true, force: true })
  }
}
