import type { Platform } from './platform.ts'

/**
 * The platform that keeps accounts in the directory alone, for trying out and for tests: what the directory
 * wants is what there is, so nothing is left to apply, and there is no second copy to read. It has no S3 service,
 * so nobody has buckets, and nobody uses anything.
 * @param version Usher's own
 */
export function embeddedPlatform(version: string): Platform {
  return {
    name: 'embedded',
    s3Url: null,
    apply: async () => undefined,
    read: async () => null,
    listBuckets: async () => [],
    readUsage: async () => ({ bucketCount: 0, objectCount: 0, usedBytes: 0, quotaBytes: null }),
    status: async () => ({ version, health: 'NORMAL' }),
  }
}
