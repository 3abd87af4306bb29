import type { Bucket, Usage } from '../../model/contents.ts'
import { badResponse } from '../platform.ts'
import { toArray, toNumber, toObject, toText } from './json.ts'

/**
 * Reads the buckets from a response.
 * @param body the response to GET /admin/bucket?stats=true
 * @throws {PlatformError} if the response has another form
 */
export function toBuckets(body: unknown): Bucket[] {
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
 * Sums the usage of buckets, in bytes (`size`, not the rounded `size_actual` or the kilobytes). Only `rgw.main` is
 * counted: `rgw.multimeta` counts unfinished uploads, but their parts are in `rgw.main` already.
 * @param body the response to GET /admin/bucket?stats=true
 * @throws {PlatformError} if the response has another form
 */
export function toUsage(body: unknown, quotaBytes: number | null): Usage {
  const buckets = toArray(body, 'a list of buckets').map((item) => toObject(item, 'a bucket'))
  let objectCount = 0
  let usedBytes = 0
  for (const bucket of buckets) {
    // An empty bucket has no usage.
    const { 'rgw.main': main } = toObject(bucket.usage, 'usage')
    if (main === undefined) continue
    const { num_objects, size } = toObject(main, 'rgw.main')
    objectCount += toNumber(num_objects, 'num_objects')
    usedBytes += toNumber(size, 'size')
  }
  return { bucketCount: buckets.length, objectCount, usedBytes, quotaBytes }
}

/** Converts a time such as `2026-11-24T14:26:42.704032Z`, always UTC. Releases before 15 send a blank for the T. */
function toIso(time: string): string {
  const at = new Date(time.replace(' ', 'T').replace(/Z?$/, 'Z'))
  if (Number.isNaN(at.getTime())) throw badResponse(`the Ceph RGW returned the time '${time.slice(0, 64)}'`)
  return at.toISOString()
}
