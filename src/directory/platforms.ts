import type { Context } from '../model/context.ts'
import type { RecordedPlatform } from '../model/platforms.ts'
import { ConstraintError, type Tx } from '../store/port.ts'
import {
  selectMainPlatform,
  selectPlatforms,
  updateCluster,
  updateMainPlatform,
} from '../store/tables/platforms.ts'
import { countTenantsByPlatform, hasTenants } from '../store/tables/tenant-platforms.ts'
import type { Directory } from './directory.ts'
import { read, runUnit, write } from './unit.ts'

/** The platform that keeps accounts in the directory alone. It holds no data, so tenants can leave it. */
export const EMBEDDED = 'embedded'

/**
 * Returns the name of the directory's main platform, on which new tenants are created. If none is recorded, records the
 * one that the settings name. A directory on `embedded` that has no tenants goes to the platform of the settings.
 * @param configured the platform that the settings name
 */
export async function settleMainPlatform(tx: Tx, configured: string, now: string): Promise<string> {
  const main = await selectMainPlatform(tx)
  if (main !== undefined && !(await mayLeave(tx, main, configured))) return main
  await updateMainPlatform(tx, configured, now)
  return configured
}

async function mayLeave(tx: Tx, main: string, configured: string): Promise<boolean> {
  return main === EMBEDDED && configured !== EMBEDDED && !(await hasTenants(tx, EMBEDDED))
}

/**
 * Returns the name of the directory's main platform, and records it; see `settleMainPlatform`. Without a change it
 * writes nothing.
 * @throws {StoreError}
 */
export async function recordMainPlatform(
  dir: Pick<Directory, 'store' | 'platform' | 'now'>,
): Promise<string> {
  const main = await dir.store.read(async (tx) => {
    const recorded = await selectMainPlatform(tx)
    return recorded !== undefined && !(await mayLeave(tx, recorded, dir.platform)) ? recorded : undefined
  })
  if (main !== undefined) return main
  try {
    return await dir.store.write((tx) => settleMainPlatform(tx, dir.platform, dir.now().toISOString()))
  } catch (error) {
    if (!(error instanceof ConstraintError)) throw error
    // Another process has recorded one at the same moment.
    return recordMainPlatform(dir)
  }
}

/** Returns the name of the directory's main platform without recording it. */
export async function getMainPlatform(tx: Tx, dir: Pick<Directory, 'platform'>): Promise<string> {
  return (await selectMainPlatform(tx)) ?? dir.platform
}

/**
 * Lists the platforms of the directory, oldest first.
 * @throws {DirectoryError} `store_unavailable`
 */
export function listPlatforms(dir: Directory): Promise<RecordedPlatform[]> {
  return read(dir, selectPlatforms)
}

/**
 * Returns the recorded identity of a platform's cluster; null if none is recorded.
 * @throws {DirectoryError} `store_unavailable`
 */
export async function findCluster(dir: Directory, name: string): Promise<string | null> {
  return (await listPlatforms(dir)).find((one) => one.name === name)?.cluster ?? null
}

/**
 * Finds out how the settings of this process differ from what the tenants of the directory are on.
 * @returns a sentence for each difference, with what to do; empty if there is none
 * @throws {DirectoryError} `store_unavailable`
 */
export function listPlatformProblems(dir: Directory): Promise<string[]> {
  return read(dir, async (tx) => {
    const main = await getMainPlatform(tx, dir)
    const tenants = await countTenantsByPlatform(tx)
    return [
      ...(main === dir.platform ? [] : [describeMain(dir.platform, main, tenants.get(main) ?? 0)]),
      ...[...tenants]
        .filter(([name]) => name !== main)
        .map(([name, count]) => describeOthers(name, count, main)),
    ]
  })
}

function describeMain(configured: string, main: string, tenants: number): string {
  if (configured !== EMBEDDED)
    return (
      `The settings name the platform ${configured}, but the directory's platform is ${main} and has ` +
      `${count(tenants)}: they and new ones stay there. Move them with usher tenant move.`
    )
  return (
    `The directory's platform is ${main}, but this process has no settings for it. Accounts are kept, and are ` +
    'applied once USHER_CEPH_RGW_URL, USHER_CEPH_RGW_ACCESS_KEY and USHER_CEPH_RGW_SECRET_KEY are set.'
  )
}

function count(tenants: number): string {
  return tenants === 1 ? '1 tenant' : `${tenants} tenants`
}

function describeOthers(name: string, tenants: number, main: string): string {
  const fact = `The directory's platform is ${main}, and ${name} has ${count(tenants)}.`
  return name === EMBEDDED ? `${fact} usher tenant move takes tenants from there.` : fact
}

/**
 * Replaces the recorded identity of a platform's cluster, after the operator has said that the cluster is the right one.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function replaceCluster(
  dir: Directory,
  ctx: Context,
  { platform, cluster }: { platform: string; cluster: string },
): Promise<void> {
  return runUnit(dir, ctx, { operation: 'AdoptCluster', target: platform }, async (unit) => {
    await updateCluster(unit.tx, platform, cluster)
    await unit.audit({ outcome: 'updated', changedFields: ['cluster'] })
  })
}

/**
 * Records the identity of a platform's cluster, unless one is recorded already.
 * @returns the recorded identity; undefined if the directory does not have the platform
 * @throws {DirectoryError} `store_unavailable`
 */
export function recordCluster(
  dir: Directory,
  { platform, cluster }: { platform: string; cluster: string },
): Promise<string | undefined> {
  return write(dir, async (tx) => {
    const recorded = (await selectPlatforms(tx)).find(({ name }) => name === platform)
    if (!recorded) return undefined
    if (recorded.cluster !== null) return recorded.cluster
    await updateCluster(tx, platform, cluster)
    return cluster
  })
}
