/** An account as a platform shall have it. */
export interface WantedAccount {
  readonly tenantId: string
  readonly userId: string
  readonly canonicalUserId: string
  /** A name for people; may hold any characters. */
  readonly displayName: string
  /** `gone` removes the account and its keys from the platform. */
  readonly state: 'active' | 'suspended' | 'gone'
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

/**
 * A place where accounts live. No call may assume that an earlier one happened: each is idempotent and safe to repeat.
 */
export interface Platform {
  /** The kind of platform, as it is kept with tenants and accounts: `embedded`, `ceph-rgw`. */
  readonly name: string
  /**
   * Makes the platform look as wanted, whatever it looked like before.
   * @throws {PlatformError} when that could not be done, or not be seen to be done
   */
  apply(account: WantedAccount, signal: AbortSignal): Promise<void>
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
