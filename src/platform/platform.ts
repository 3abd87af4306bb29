/** An account as a platform shall have it. */
export interface WantedAccount {
  readonly tenantId: string
  readonly userId: string
  readonly canonicalUserId: string
  /** A name for people; may hold any characters. */
  readonly displayName: string
  /** `gone` removes the account and its keys from the platform. */
  readonly state: 'active' | 'suspended' | 'gone'
  /** Of an account that shall be gone: whether its data goes too. Without it, data keeps the account where it is. */
  readonly purge: boolean
  readonly credentials: readonly {
    readonly accessKey: string
    readonly secretKey: string
    readonly active: boolean
  }[]
}

export type PlatformHealth = 'NORMAL' | 'WARNING' | 'ERROR' | 'UNKNOWN'

export interface PlatformStatus {
  readonly version: string
  readonly health: PlatformHealth
}

/** An account as a platform has it. */
export interface PresentAccount {
  readonly state: 'active' | 'suspended'
  readonly displayName: string
  readonly keys: readonly {
    readonly accessKey: string
    readonly secretKey: string
    readonly active: boolean
  }[]
}

export interface Bucket {
  readonly name: string
  /** ISO 8601. */
  readonly createdAt: string
  /** The canonical user id of the account that owns it. */
  readonly owner: string
}

export interface Usage {
  readonly bucketCount: number
  readonly objectCount: number
  readonly usedBytes: number
  /** Null where nothing limits the use. */
  readonly quotaBytes: number | null
}

/**
 * A place where accounts live. No call may assume that an earlier one happened: each is idempotent and safe to repeat.
 */
export interface Platform {
  /** The kind of platform, as it is kept with tenants and accounts: `embedded`, `ceph-rgw`. */
  readonly name: string
  /** Where its S3 service is reached; null where it has none. */
  readonly s3Url: string | null
  /**
   * Makes the platform look as wanted, whatever it looked like before.
   * @throws {DataLeftError} when the account shall be gone without a purge, and owns data; nothing was changed then
   * @throws {PlatformError} when that could not be done, or not be seen to be done
   */
  apply(account: WantedAccount, signal: AbortSignal): Promise<void>
  /**
   * What the platform has of an account; null when it has nothing.
   * @throws {PlatformError} when it cannot be asked
   */
  read(canonicalUserId: string, signal: AbortSignal): Promise<PresentAccount | null>
  /**
   * The buckets of an account; none of one that does not exist.
   * @throws {PlatformError} when it cannot be asked
   */
  listBuckets(canonicalUserId: string, signal: AbortSignal): Promise<readonly Bucket[]>
  /**
   * What an account uses, or, with null, everybody on the platform.
   * @throws {PlatformError} when it cannot be asked
   */
  readUsage(canonicalUserId: string | null, signal: AbortSignal): Promise<Usage>
  /** Says whether the platform is well. Cheap, never throws. */
  status(): Promise<PlatformStatus>
}

/** The platform could not be brought to the wanted state. The message is kept with the account, and holds no secret. */
export class PlatformError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'PlatformError'
  }
}

/** An account cannot go, since it owns data that nobody said to remove. */
export class DataLeftError extends PlatformError {
  constructor(message: string, cause?: unknown) {
    super(message, cause)
    this.name = 'DataLeftError'
  }
}
