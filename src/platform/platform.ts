/** An account as a platform shall have it. */
export interface WantedAccount {
  readonly tenantId: string
  readonly userId: string
  readonly canonicalUserId: string
  /** A name for people; may hold any characters. */
  readonly displayName: string
  /** `gone` removes the account and its keys from the platform. */
  readonly state: 'active' | 'suspended' | 'gone'
  /** Nobody has ever tried to apply it, so that the platform cannot have it. */
  readonly isNew?: boolean
  /** For `gone`: whether its buckets and objects go too. Without it, data keeps the account where it is. */
  readonly purge: boolean
  /** A key that is not active must not work, and must work again when it becomes active. */
  readonly credentials: readonly {
    readonly accessKey: string
    /** Null when the directory can no longer open it: the platform keeps such a key if it has it, and cannot be given it. */
    readonly secretKey: string | null
    readonly active: boolean
  }[]
}

/** An account as a platform has it. */
export interface PlatformAccount {
  readonly state: 'active' | 'suspended'
  readonly displayName: string
  /** Every S3 key that the platform knows of the account, also those that Usher did not make. */
  readonly keys: readonly {
    readonly accessKey: string
    readonly secretKey: string
    readonly active: boolean
  }[]
}

export interface PlatformBucket {
  readonly name: string
  /** ISO 8601, UTC. */
  readonly createdAt: string
  /** The canonical user id of its owner. */
  readonly owner: string
}

export interface PlatformUsage {
  readonly bucketCount: number
  readonly objectCount: number
  readonly usedBytes: number
  /** Null where nothing limits it. */
  readonly quotaBytes: number | null
}

export type PlatformHealth = 'NORMAL' | 'WARNING' | 'ERROR' | 'UNKNOWN'

export interface PlatformStatus {
  /** `unknown` where the platform does not tell. */
  readonly version: string
  readonly health: PlatformHealth
  /** What is wrong and what to do about it, for the operator; absent when all is well. */
  readonly reason?: string
}

/**
 * A place where accounts live. No call may assume that an earlier one happened: each is idempotent and safe to repeat.
 * Those that take a signal end when it aborts, and throw {@link PlatformError} when the platform cannot be asked.
 */
export interface Platform {
  /** The kind of platform, as it is kept with tenants and accounts: `embedded`, `ceph-rgw`. */
  readonly name: string
  /** Where the accounts' S3 is reached, without a trailing slash; null for a platform without S3. */
  readonly s3Url: string | null
  /** Whether accounts can be read back; false where the directory alone keeps them. */
  readonly readsBack: boolean
  /**
   * Makes the platform look as wanted, whatever it looked like before, and returns when it has been seen to, or for a
   * new account when the platform says so.
   * @throws {DataLeftError} when the account shall be gone without a purge, and owns data; nothing was changed then
   * @throws {PlatformError} when that could not be done, or not be seen to be done. For `gone` the caller looks again
   *   with `read` all the same, before it calls an account gone
   */
  apply(account: WantedAccount, signal: AbortSignal): Promise<void>
  /**
   * What the platform has of an account, to compare with the directory and to make sure that something is gone.
   * Null when it has none, which is always so where the directory alone keeps accounts (`embedded`).
   */
  read(canonicalUserId: string, signal: AbortSignal): Promise<PlatformAccount | null>
  /** Locks an account out, whoever made it, and leaves the rest of it is. Not an error for one that is not there. */
  suspend(canonicalUserId: string, signal: AbortSignal): Promise<void>
  /**
   * One page of the canonical ids of all accounts that the platform has, whoever made them, in no order.
   * @param from where the page before ended; null for the first one
   */
  listIds(from: string | null, signal: AbortSignal): Promise<IdPage>
  /** The display name that the platform has of an account as wanted, whatever it does to names that it cannot keep. */
  toDisplayName(account: WantedAccount): string
  /** The buckets that an account owns; none for an account that is not there. */
  listBuckets(canonicalUserId: string, signal: AbortSignal): Promise<PlatformBucket[]>
  /** What an account holds, or with null the whole platform, which may be slow: see the platform. */
  readUsage(canonicalUserId: string | null, signal: AbortSignal): Promise<PlatformUsage>
  /** Says whether the platform is well. Cheap, never throws. */
  status(): Promise<PlatformStatus>
}

export interface IdPage {
  readonly ids: readonly string[]
  /** Where the next page begins; null when there is none. */
  readonly next: string | null
}

/** The platform could not be asked, or not be brought to the wanted state. The message is kept with the account, and holds no secret. */
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
