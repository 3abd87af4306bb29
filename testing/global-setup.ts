import { chmodSync, existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { COMPILED } from './loading.ts'
import { MIGRATED_DATABASE, migrate, shareMigratedFile } from './migrated-stores.ts'
import { type Cluster, startCluster } from './postgres-cluster.ts'
import { queryDatabase } from './query.ts'

/** A file system in memory. Tests wait less there: Usher syncs each commit to the disk. */
const MEMORY = '/dev/shm'
/** The free space in memory that the tests need, in bytes. */
const NEEDED = 3 * 2 ** 30

let cluster: Cluster | undefined
let removeFolder = (): void => undefined
let removeFile = (): void => undefined

/**
 * Runs once before all test files, whose processes inherit the environment. Puts their files into memory, shares
 * compiled code and a migrated store, and starts one PostgreSQL for all of them, unless the environment names one.
 * Where PostgreSQL cannot be started, each file finds out by itself, and skips its tests with the reason.
 */
export async function globalSetup(): Promise<void> {
  process.env.NODE_COMPILE_CACHE ??= COMPILED
  if (!process.env.TMPDIR && hasMemory()) removeFolder = useMemory()
  removeFile = await shareMigratedFile()
  if (process.env.USHER_TEST_DATABASE_URL) return
  cluster = await startCluster().catch(() => undefined)
  if (!cluster) return
  await queryDatabase(cluster.url, `CREATE DATABASE ${MIGRATED_DATABASE}`)
  await migrate(Object.assign(new URL(cluster.url), { pathname: `/${MIGRATED_DATABASE}` }).href)
  process.env.USHER_TEST_CLUSTER_URL = cluster.url
}

function hasMemory(): boolean {
  if (!existsSync(MEMORY)) return false
  const { bavail, bsize } = statfsSync(MEMORY)
  return bavail * bsize >= NEEDED
}

/** Makes a folder in memory the one for temporary files; returns how to delete it. */
function useMemory(): () => void {
  const folder = mkdtempSync(join(MEMORY, 'usher-tests-'))
  // Some tests run a server as another user.
  chmodSync(folder, 0o1777)
  process.env.TMPDIR = folder
  return () => rmSync(folder, { recursive: true, force: true })
}

/** Runs once after all test files. */
export async function globalTeardown(): Promise<void> {
  await cluster?.end()
  removeFile()
  removeFolder()
}
