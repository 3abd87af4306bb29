import type { Config } from './config.ts'
import { type Directory, newDirectory } from './directory/directory.ts'
import { newFollowingSealer } from './directory/sealing/following-sealer.ts'
import { loadMasterKeys } from './master-key.ts'
import { CephRgwPlatform } from './platform/ceph-rgw/ceph-rgw.ts'
import { embeddedPlatform } from './platform/embedded.ts'
import type { Platform } from './platform/platform.ts'
import { type OpenOptions, openStore } from './store/open.ts'
import { selectOrganizations } from './store/tables/organizations.ts'
import { VERSION } from './version.ts'

/** The directory with what it stands on, without a server: all that the command line needs. */
export interface OpenDirectory {
  readonly dir: Directory
  readonly platform: Platform
  close(): Promise<void>
}

/**
 * Opens the store, the master keys and the platform.
 * @throws {ConfigError | StoreError} with a message for the operator
 */
export async function openDirectory(config: Config, options: OpenOptions = {}): Promise<OpenDirectory> {
  const store = await openStore(config.databaseUrl, {
    allowDataLoss: config.databaseAllowDataLoss,
    patient: options.serving !== true,
    ...options,
  })
  try {
    const providers = await store.read((tx) =>
      selectOrganizations(tx, { kind: 'provider', after: 0, limit: 1 }),
    )
    const mayMakeKey = providers.length === 0 && options.create !== false
    const keys = loadMasterKeys(config, mayMakeKey)
    const sealer = newFollowingSealer(keys, () => loadMasterKeys(config, false))
    const platform = config.cephRgw ? new CephRgwPlatform(config.cephRgw) : embeddedPlatform(VERSION)
    const dir = newDirectory({ store, sealer, platform: platform.name })
    return { dir, platform, close: () => store.close() }
  } catch (error) {
    await store.close()
    throw error
  }
}
