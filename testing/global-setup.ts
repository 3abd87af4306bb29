import { join } from 'node:path'
import { type Cluster, startCluster } from './postgres-cluster.ts'

let cluster: Cluster | undefined

/**
 * Runs once before all test files, whose processes inherit the environment. Starts one PostgreSQL for all of them,
 * unless the environment names one, and lets them share compiled code. Where PostgreSQL cannot be started, each file
 * finds out by itself, and skips its tests with the reason.
 */
export async function globalSetup(): Promise<void> {
  process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, '../node_modules/.cache/usher-tests')
  if (process.env.USHER_TEST_DATABASE_URL) return
  try {
    cluster = await startCluster()
    process.env.USHER_TEST_CLUSTER_URL = cluster.url
  } catch {
    cluster = undefined
  }
}

/** Runs once after all test files. */
export async function globalTeardown(): Promise<void> {
  await cluster?.end()
}
