import { NO_USAGE } from '../model/contents.ts'
import { CEPH_RGW_EXCLUSIONS } from './ceph-rgw/s3-exclusions.ts'
import { CEPH_RGW_ANONYMOUS_USER, CEPH_RGW_OWNER_FORM } from './ceph-rgw/users.ts'
import type { Platform } from './platform.ts'

/**
 * Creates the platform for trials and tests. Its accounts exist in the directory only. It applies and stores nothing,
 * so no account can be read back and there are no buckets. It takes the place of a Ceph RGW, so its ids and its S3
 * exclusions are those of Ceph RGW.
 * @param version the version of Usher, which the platform reports as its own
 */
export function embeddedPlatform(version: string): Platform {
  return {
    ...CEPH_RGW_OWNER_FORM,
    name: 'embedded',
    s3Url: null,
    s3Exclusions: CEPH_RGW_EXCLUSIONS,
    anonymousUser: CEPH_RGW_ANONYMOUS_USER,
    readsBack: false,
    cluster: null,
    apply: async () => undefined,
    read: async () => null,
    suspend: async () => undefined,
    listIds: async () => ({ ids: [], next: null }),
    toDisplayName: ({ displayName }) => displayName,
    listBuckets: async () => [],
    readContent: async () => ({ usage: NO_USAGE, buckets: [] }),
    status: async () => ({ version, health: 'NORMAL' }),
  }
}
