import { CEPH_RGW_EXCLUSIONS } from './ceph-rgw/s3-exclusions.ts'
import { CEPH_RGW_ANONYMOUS_USER, CEPH_RGW_OWNER_FORM } from './ceph-rgw/users.ts'
import { type Platform, PlatformError } from './platform.ts'

/**
 * Creates the stand-in for a platform that the directory has accounts on, and that this process has no settings for. It
 * refuses every call, so that accounts are kept as they are until the settings are there.
 * @param name the name of the platform in the directory
 */
export function unconfiguredPlatform(name: string): Platform {
  const reason =
    `the directory's platform ${name} is not configured here; set USHER_CEPH_RGW_URL, USHER_CEPH_RGW_ACCESS_KEY and ` +
    'USHER_CEPH_RGW_SECRET_KEY as for the server'
  const refuse = (): Promise<never> => Promise.reject(new PlatformError(reason, undefined, 'not_configured'))
  return {
    ...CEPH_RGW_OWNER_FORM,
    name,
    s3Url: null,
    s3Exclusions: CEPH_RGW_EXCLUSIONS,
    anonymousUser: CEPH_RGW_ANONYMOUS_USER,
    readsBack: true,
    isUnconfigured: true,
    cluster: null,
    apply: refuse,
    read: refuse,
    suspend: refuse,
    listIds: refuse,
    toDisplayName: ({ displayName }) => displayName,
    listBuckets: refuse,
    readContent: refuse,
    status: async () => ({ version: 'unknown', health: 'ERROR', reason }),
  }
}
