import type { Config } from './config.ts'
import { type Directory, newDirectory } from './directory/directory.ts'
import { bindSecrets } from './directory/sealing/binding.ts'
import { newFollowingSealer } from './directory/sealing/following-sealer.ts'
import { loadMasterKeys } from './master-key.ts'
import type { CephRgwSettings } from './platform/ceph-rgw/admin-client.ts'
import { embeddedPlatform } from './platform/embedded.ts'
import type { Platform, Platforms } from './platform/platform.ts'
import { type OpenOptions, openStore } from './store/open.ts'
import { selectProvider } from './store/tables/organizations.ts'
import { VERSION } from './version.ts'

/** A directory with its store and its platforms, without a server. The command line needs no more. */
export interface OpenDirectory {
  readonly dir: Directory
  /** The configured platforms. New tenants are created on `dir.platform`, which is one of them. */
  readonly platforms: Platforms
  close(): Promise<void>
}

/**
 * Opens the store, the master keys and the platforms.
 * @throws {ConfigError | StoreError} with a message for the operator
 */
export async function openDirectory(config: Config, options: OpenOptions = {}): Promise<OpenDirectory> {
  const store = await openStore(config.databaseUrl, {
    allowDataLoss: config.databaseAllowDataLoss,
    patient: options.serving !== true,
    ...options,
  })
  try {
    const isSetUp = (await store.read(selectProvider)) !== undefined
    const mayMakeKey = !isSetUp && options.create !== false
    const keys = loadMasterKeys(config, mayMakeKey)
    const sealer = newFollowingSealer(keys, () => loadMasterKeys(config, false))
    const platform = config.cephRgw ? await openCephRgw(config.cephRgw) : embeddedPlatform(VERSION)
    const platforms = new Map([[platform.name, platform]])
    const dir = newDirectory({ store, sealer, platform: platform.name, ownerForms: platforms })
    await bindSecrets(dir)
    return { dir, platforms, close: () => store.close() }
  } catch (error) {
    await store.close()
    throw error
  }
}

/** Opens Ceph RGW. It is loaded only if it is configured: its HTTP client would delay the start of every command. */
async function openCephRgw(settings: CephRgwSettings): Promise<Platform> {
  const { CephRgwPlatform } = await import('./platform/ceph-rgw/ceph-rgw.ts')
  return new CephRgwPlatform(settings)
}
