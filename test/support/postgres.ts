import { randomBytes } from 'node:crypto'
import { after, describe, test } from 'node:test'
import type { DatabaseServer } from '../../testing/environment.ts'
import { MIGRATED_DATABASE, migrate } from '../../testing/migrated-stores.ts'
import { type Cluster, startCluster } from '../../testing/postgres-cluster.ts'
import { queryDatabase } from '../../testing/query.ts'

/** Why there is no server. It is the reason with which tests are skipped. */
interface Missing {
  readonly reason: string
}

let shared: Promise<DatabaseServer | Missing> | undefined

/**
 * Returns the server for the tests of this process: the one that USHER_TEST_DATABASE_URL names, whose databases are
 * dropped again; or the one that the global setup started for all files; or a cluster of this file's own, which is
 * stopped and deleted. Call it while the tests are being registered.
 */
export function findServer(): Promise<DatabaseServer | Missing> {
  shared ??= openServer()
  return shared
}

async function openServer(): Promise<DatabaseServer | Missing> {
  const { USHER_TEST_DATABASE_URL: external, USHER_TEST_CLUSTER_URL: ofAllFiles } = process.env
  if (external) return newExternal(external)
  if (ofAllFiles) return newServer(ofAllFiles, { migrated: MIGRATED_DATABASE })
  const cluster = await findCluster()
  return 'reason' in cluster ? cluster : newServer(cluster.url)
}

/** Starts a cluster for the tests of this file, which is deleted after them, or returns why that is impossible. */
async function findCluster(): Promise<Cluster | Missing> {
  try {
    const cluster = await startCluster()
    after(() => cluster.end())
    return cluster
  } catch (error) {
    return { reason: `PostgreSQL cannot be started: ${(error as Error).message}` }
  }
}

/**
 * @param created is called with the name of each database
 * @param migrated the name of a database with all migrations; by default, the first call that needs it makes it
 */
function newServer(
  url: string,
  { created, migrated }: { created?: (name: string) => void; migrated?: string } = {},
): DatabaseServer {
  const create = async (template = 'template1'): Promise<string> => {
    const name = `usher_test_${randomBytes(6).toString('hex')}`
    created?.(name)
    await queryDatabase(url, `CREATE DATABASE ${name} TEMPLATE ${template}`)
    return name
  }
  const toUrl = (name: string): string => Object.assign(new URL(url), { pathname: `/${name}` }).href
  let template = migrated && Promise.resolve(migrated)
  const createTemplate = async (): Promise<string> => {
    const name = await create()
    await migrate(toUrl(name))
    return name
  }
  return {
    createDatabase: async () => toUrl(await create()),
    async createMigrated() {
      template ||= createTemplate()
      return toUrl(await create(await template))
    },
  }
}

function newExternal(url: string): DatabaseServer {
  const names: string[] = []
  after(async () => {
    for (const name of names) await queryDatabase(url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
  })
  return newServer(url, { created: (name) => names.push(name) })
}

/**
 * Registers tests on a PostgreSQL server. If there is none, registers one skipped test with the reason.
 * @param options `concurrency` for tests that mostly wait
 */
export async function onServer(
  name: string,
  register: (server: DatabaseServer) => void,
  options: { readonly concurrency?: boolean } = {},
): Promise<void> {
  const server = await findServer()
  if ('reason' in server) test(name, { skip: server.reason }, () => undefined)
  else describe(name, options, () => register(server))
}

/** Registers tests as `onServer` does, on a cluster of their own, which they may stop and change the settings of. */
export async function onCluster(
  name: string,
  register: (cluster: Cluster & DatabaseServer) => void,
): Promise<void> {
  const cluster = await findCluster()
  if ('reason' in cluster) test(name, { skip: cluster.reason }, () => undefined)
  else describe(name, () => register({ ...cluster, ...newServer(cluster.url) }))
}
