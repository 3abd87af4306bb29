import type { Directory } from '../directory/directory.ts'
import { listPlatforms, recordCluster, replaceCluster } from '../directory/platforms.ts'
import { enforceAccess, read } from '../directory/unit.ts'
import type { Context } from '../model/context.ts'
import { newId } from '../model/ids.ts'
import {
  badResponse,
  type ClusterIdentity,
  type Platform,
  PlatformError,
  WrongClusterError,
} from '../platform/platform.ts'
import { selectProvider } from '../store/tables/organizations.ts'

/** The time limit for reading and writing the identity when the operator adopts a cluster. */
const ADOPT_MS = 10_000

/**
 * Compares the identity of a cluster with the recorded one, and records it at the first contact.
 * @returns false if the directory is not set up, or does not have the platform: then there is nothing to compare
 * @throws {WrongClusterError} if the cluster is another one
 * @throws {PlatformError} if it cannot be reached
 * @throws {DirectoryError} `store_unavailable`
 */
export async function confirmCluster(
  dir: Directory,
  { name, cluster }: { name: string; cluster: ClusterIdentity },
  signal: AbortSignal,
): Promise<boolean> {
  const platform = (await listPlatforms(dir)).find((one) => one.name === name)
  if (!platform) return false
  const found = await cluster.read(signal)
  if (platform.cluster !== null && platform.cluster !== found)
    throw wrongCluster(name, platform.cluster, found)
  if (platform.cluster !== null) return true
  const id = found ?? (await markCluster(dir, cluster, signal))
  if (id === undefined) return false
  const recorded = await recordCluster(dir, { platform: name, cluster: id })
  if (recorded !== undefined && recorded !== id) throw wrongCluster(name, recorded, id)
  return recorded !== undefined
}

/**
 * Gives a cluster an identity: the id of the provider, so that two processes that do it at once choose the same one.
 * @returns the identity that the cluster then has; undefined if the directory is not set up yet
 */
async function markCluster(
  dir: Directory,
  cluster: ClusterIdentity,
  signal: AbortSignal,
): Promise<string | undefined> {
  const provider = await read(dir, selectProvider)
  if (!provider) return undefined
  await cluster.write(provider.id, signal)
  const id = await cluster.read(signal)
  if (id === null) throw badResponse('the platform did not store the identity of its cluster')
  return id
}

/**
 * Records the cluster that the settings lead to as the one of the directory, in place of another one.
 * @returns the identity of the cluster
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 * @throws {PlatformError} if the platform has no cluster, or it cannot be reached
 */
export async function adoptCluster(dir: Directory, ctx: Context, platform: Platform): Promise<string> {
  await enforceAccess(dir, ctx, { operation: 'AdoptCluster', target: platform.name })
  const { cluster } = platform
  if (!cluster)
    throw new PlatformError((await platform.status()).reason ?? `${platform.name} has no cluster to adopt`)
  const signal = AbortSignal.timeout(ADOPT_MS)
  const found = await cluster.read(signal)
  const id = found ?? newId()
  if (found === null) await cluster.write(id, signal)
  await replaceCluster(dir, ctx, { platform: platform.name, cluster: id })
  return id
}

function wrongCluster(name: string, recorded: string, found: string | null): WrongClusterError {
  return new WrongClusterError(
    `this is not the cluster that the accounts on ${name} are on: the directory has recorded the cluster ${recorded}, ` +
      `and this one ${found === null ? 'has no identity' : `is ${found}`}. Nothing is written to it. Correct ` +
      'USHER_CEPH_RGW_URL; if the cluster was rebuilt, run usher platform adopt-cluster',
  )
}
