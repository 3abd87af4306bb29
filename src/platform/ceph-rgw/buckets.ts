import type { PlatformBucket, PlatformUsage } from '../platform.ts'
import { PlatformError } from '../platform.ts'
import { toArray, toNumber, toObject, toText } from './json.ts'

/** @param body what GET /admin/bucket?stats=true answered */
export function toBuckets(body: unknown): PlatformBucket[] {
  return toArray(body, 'a list of buckets').map((item) => {
    const { bucket, owner, creation_time } = toObject(item, 'a bucket')
    return {
      name: toText(bucket, 'bucket'),
      createdAt: toIso(toText(creation_time, 'creation_time')),
      owner: toText(owner, 'owner'),
    }
  })
}

/**
 * Sums what the buckets hold, in bytes: `size` as it is, not rounded to blocks, and not the kilobytes beside it.
 * Only `rgw.main` counts objects; `rgw.multimeta` counts uploads under way, whose parts are in `rgw.main` already.
 */
export function toUsage(body: unknown, quotaBytes: number | null): PlatformUsage {
  const buckets = toArray(body, 'a list of buckets').map((item) => toObject(item, 'a bucket'))
  let objectCount = 0
  let usedBytes = 0
  for (const bucket of buckets) {
    // An empty bucket has no figures.
    const { 'rgw.main': main } = toObject(bucket.usage, 'usage')
    if (main === undefined) continue
    const { num_objects, size } = toObject(main, 'rgw.main')
    objectCount += toNumber(num_objects, 'num_objects')
    usedBytes += toNumber(size, 'size')
  }
  return { bucketCount: buckets.length, objectCount, usedBytes, quotaBytes }
}

/** `2026-11-24T14:26:42.704032Z`, or with a blank for the T in releases before 15; always UTC. */
function toIso(time: string): string {
  const at = new Date(time.replace(' ', 'T').replace(/Z?$/, 'Z'))
  if (Number.isNaN(at.getTime())) throw new PlatformError(`the Ceph RGW answered the time '${time}'`)
  return at.toISOString()
}
