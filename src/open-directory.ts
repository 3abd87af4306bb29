import type { Config } from './config.ts'
import type { Sealer } from './directory/directory.ts'
import { type Directory, newDirectory } from './directory/directory.ts'
import { EMBEDDED, getMainPlatform, listPlatforms, recordMainPlatform } from './directory/platforms.ts'
import { newAuditKeySealer } from './directory/sealing/audit-keys.ts'
import { bindSecrets } from './directory/sealing/binding.ts'
import { newFollowingSealer } from './directory/sealing/sealer.ts'
import { loadMasterKeys } from './master-key.ts'
import { embeddedPlatform } from './platform/embedded.ts'
import type { Platform, Platforms } from './platform/platform.ts'
import { unconfiguredPlatform } from './platform/unconfigured.ts'
import { confirmCluster } from './provisioning/cluster.ts'
import { type OpenOptions, openStore } from './store/open.ts'
import { StoreError } from './store/port.ts'
import { selectProvider } from './store/tables/organizations.ts'
import { VERSION } from './version.ts'

/** The name of the platform with the settings of a Ceph RGW. */
const CEPH_RGW = 'ceph-rgw'

/** A directory with its store and its platforms, without a server. The command line needs no more. */
export interface OpenDirectory {
  readonly dir: Directory
  /** The platforms of the directory and of the settings. Those without settings refuse every call. */
  readonly platforms: Platforms
  /** The name of the directory's main platform, which is one of them. */
  readonly main: string
  close(): Promise<void>
}

/**
 * Opens the store, the master keys and the platforms.
 * @throws {ConfigError | StoreError} with a message for the operator
 */
export async function openDirectory(config: Config, options: OpenOptions = {}): Promise<OpenDirectory> {
  let loaded: Sealer | undefined
  const loadSealer = (create = false): Sealer =>
    (loaded ??= newFollowingSealer(loadMasterKeys(config, { create }), () => loadMasterKeys(config)))
  await using opened = new AsyncDisposableStack()
  const store = await openStore(config.databaseUrl, {
    // A migration may need the master key before it is known whether a missing one may be made.
    auditKeys: newAuditKeySealer(() => loadSealer()),
    allowDataLoss: config.databaseAllowDataLoss,
    patient: options.serving !== true,
    ...options,
  })
  opened.defer(() => store.close())
  const isSetUp = (await store.read(selectProvider)) !== undefined
  if (!isSetUp && options.serving && options.create === false) throw new StoreError('missing', NOT_SET_UP)
  const mayMakeKey = !isSetUp && options.create !== false
  const sealer = loadSealer(mayMakeKey)
  const platforms = new Map<string, Platform>()
  const configured = config.cephRgw ? CEPH_RGW : EMBEDDED
  const dir = newDirectory({ store, sealer, platform: configured, ownerForms: platforms })
  await bindSecrets(dir)
  // Only a server and a set-up decide on the platform of a directory; see recordMainPlatform.
  const decides = options.serving === true || options.create !== false
  const main = decides ? await recordMainPlatform(dir) : await store.read((tx) => getMainPlatform(tx, dir))
  const recorded = (await listPlatforms(dir)).map(({ name }) => name)
  for (const name of new Set([main, configured, ...recorded]))
    platforms.set(name, await openPlatform(name, config, () => dir))
  // From here on, the caller closes it.
  opened.move()
  return { dir, platforms, main, close: () => store.close() }
}

const NOT_SET_UP =
  'the directory is empty: check USHER_DATA_DIR and USHER_DATABASE_URL. usher init sets up a new one, and usher restore FILE puts a backup in place'

/** Ceph RGW is loaded only if it is configured: its HTTP client would delay the start of every command. */
async function openPlatform(name: string, config: Config, getDirectory: () => Directory): Promise<Platform> {
  if (name === EMBEDDED) return embeddedPlatform(VERSION)
  if (name !== CEPH_RGW || !config.cephRgw) return unconfiguredPlatform(name)
  const { CephRgwPlatform } = await import('./platform/ceph-rgw/ceph-rgw.ts')
  return new CephRgwPlatform(config.cephRgw, (cluster, signal) =>
    confirmCluster(getDirectory(), { name, cluster }, signal),
  )
}
