/** What one account, or many, store on a platform. */
export interface Usage {
  readonly bucketCount: number
  readonly objectCount: number
  readonly usedBytes: number
  /** Null if there is no limit. */
  readonly quotaBytes: number | null
}

/** One bucket of an account. */
export interface Bucket {
  readonly name: string
  /** ISO 8601, UTC. */
  readonly createdAt: string
  /** The owner's canonical user id. */
  readonly owner: string
}

/** What one account stores on its platform. */
export interface Content {
  readonly usage: Usage
  readonly buckets: readonly Bucket[]
}

/** No buckets, and no limit. */
export const NO_USAGE: Usage = { bucketCount: 0, objectCount: 0, usedBytes: 0, quotaBytes: null }
