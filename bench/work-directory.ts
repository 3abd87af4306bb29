import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { startCluster } from '../testing/postgres-cluster.ts'
import type { Settings } from '../testing/usher.ts'

/**
 * Runs a bench in a new data directory, which is removed afterwards, unless it is to be kept.
 * @param options.directory where the data directory is made
 * @param options.engine `postgres` starts a PostgreSQL for the bench; otherwise the store is SQLite
 * @param options.keep a data directory that is kept, with the files of PostgreSQL; a later run may use it again
 * @param run takes the data directory, the settings that name the store, and whether the directory was kept by an
 *   earlier run
 */
export async function inWorkDirectory(
  {
    directory,
    engine,
    keep,
  }: { readonly directory: string; readonly engine: string; readonly keep?: string },
  run: (work: string, settings: Settings, isKept: boolean) => Promise<void>,
): Promise<void> {
  const isKept = keep !== undefined && existsSync(join(keep, 'master.key'))
  const work = keep === undefined ? mkdtempSync(join(directory, '.bench-')) : resolve(keep)
  mkdirSync(work, { recursive: true })
  const files = keep === undefined ? undefined : join(work, 'postgres')
  const cluster = engine === 'postgres' ? await startCluster(files) : null
  try {
    await run(work, cluster ? { USHER_DATABASE_URL: cluster.url } : {}, isKept)
  } finally {
    await cluster?.end()
    if (keep === undefined) rmSync(work, { recursive: true, force: true })
  }
}
