import { AdminClient } from '../../src/platform/ceph-rgw/admin-client.ts'
import type { GatewaySettings } from '../../testing/ceph-rgw.ts'
import { newDirectCreator } from '../osis-creators.ts'
import { findPids, type Peer } from './peer.ts'

/** Returns a Ceph RGW as a peer: the user create of its Admin API. Its processes are the gateway, the OSD and the monitor. */
export function newRgwPeer(settings: GatewaySettings): Peer {
  const url = settings.USHER_TEST_CEPH_RGW_URL ?? ''
  const admin = new AdminClient({
    url,
    accessKey: settings.USHER_TEST_CEPH_RGW_ACCESS_KEY ?? '',
    secretKey: settings.USHER_TEST_CEPH_RGW_SECRET_KEY ?? '',
    s3Url: url,
  })
  const direct = newDirectCreator(admin)
  const pids = findPids(settings.USHER_TEST_CEPH_RGW_DIR ?? 'radosgw')
  return {
    name: 'Ceph RGW, Admin API',
    does: 'signature checked per request, unique uid and key, synced by the OSD; no e-mail, no audit',
    pids: () => pids,
    async connect() {
      return {
        async create(name) {
          await direct.create(name)
        },
        close: () => undefined,
      }
    },
    stop: async () => undefined,
  }
}
