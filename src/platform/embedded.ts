import type { Platform } from './platform.ts'

/**
 * The platform that keeps accounts in the directory alone, for trying out and for tests: what the directory
 * wants is what there is, so nothing is left to apply. It stores nothing, and says so: there is no account to read
 * back, not even one that was just applied, and there are no buckets.
 * @param version Usher's own
 */
export function embeddedPlatform(version: string): Platform {
  return {
    name: 'embedded',
    s3Url: null,
    readsBack: false,
    apply: async () => undefined,
    read: async () => null,
    suspend: async () => undefined,
    listIds: async () => ({ ids: [], next: null }),
    toDisplayName: ({ displayName }) => displayName,
    listBuckets: async () => [],
    readUsage: async () => ({ bucketCount: 0, objectCount: 0, usedBytes: 0, quotaBytes: null }),
    status: async () => ({ version, health: 'NORMAL' }),
  }
}
