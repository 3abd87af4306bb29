import type { OwnerForm } from '../model/accounts.ts'
import { type Cause, type CauseCode, toCause } from '../model/causes.ts'
import type { Bucket, Content } from '../model/contents.ts'
import type { Health } from '../model/platforms.ts'

/** The state that the directory wants one account to have on a platform. */
export interface DesiredState {
  readonly tenantId: string
  readonly userId: string
  readonly canonicalUserId: string
  /** A name for people. It may hold any characters. */
  readonly displayName: string
  /** `gone` removes the account and its keys from the platform. */
  readonly status: 'active' | 'suspended' | 'gone'
  /** True for the first attempt after the create: the platform cannot have the account yet. */
  readonly isNew?: boolean
  /** For `gone`: whether buckets and objects are removed too. If not, an account that owns data stays as it is. */
  readonly purge: boolean
  /** The access keys. An inactive key must not work, and must work again once it is active. */
  readonly credentials: readonly {
    readonly accessKey: string
    /** Null if the directory cannot decrypt the secret: a platform that has the key keeps it, others do not get it. */
    readonly secretKey: string | null
    readonly active: boolean
  }[]
}

/** The present state of one account on a platform. */
export interface PlatformAccount {
  readonly status: 'active' | 'suspended'
  readonly displayName: string
  /** All S3 keys that the platform has for the account, including keys that Usher did not create. */
  readonly keys: readonly {
    readonly accessKey: string
    readonly secretKey: string
    readonly active: boolean
  }[]
}

/** The health and the version of a platform. */
export interface PlatformStatus {
  /** `unknown` if the platform does not report it. */
  readonly version: string
  readonly health: Health
  /** For the operator: what is wrong and how to fix it. Absent if the platform is healthy. */
  readonly reason?: string
}

/** The parts of one S3 call that a platform does not support: the whole call, or the listed parts. */
export interface S3Exclusion {
  readonly whole?: true
  readonly params?: readonly string[]
  readonly headers?: readonly string[]
  /** Members of the body. */
  readonly payload?: readonly string[]
}

/** The exclusions of each S3 call, named in snake case: `put_bucket_acl`. Calls that are not listed are supported. */
export type S3Exclusions = Readonly<Record<string, S3Exclusion>>

/**
 * The identity of the cluster behind a platform's address. It is the same through every address and for every key of the
 * administrator, and other clusters have other identities.
 */
export interface ClusterIdentity {
  /** Returns the identity; null if the cluster has none yet. */
  read(signal: AbortSignal): Promise<string | null>
  /** Gives the cluster an identity, in place of the one that it has. */
  write(id: string, signal: AbortSignal): Promise<void>
}

/**
 * Confirms that a cluster is the one that has the accounts.
 * @returns false if nothing is known about the cluster yet, so that it must be confirmed again
 * @throws {WrongClusterError} if it is another one
 */
export type ConfirmCluster = (cluster: ClusterIdentity, signal: AbortSignal) => Promise<boolean>

/** One page of canonical user ids. */
export interface IdPage {
  readonly ids: readonly string[]
  /** The start of the next page. Null on the last page. */
  readonly next: string | null
}

/**
 * A place where accounts live. No call may assume that an earlier one happened: each call is idempotent and safe to
 * repeat. Calls that take a signal end when it aborts, and throw {@link PlatformError} if the platform cannot be
 * reached.
 */
export interface Platform extends OwnerForm {
  /** The kind of platform, stored with tenants and accounts: `embedded`, `ceph-rgw`. */
  readonly name: string
  /** The URL of its S3 service, without a trailing slash. Null for a platform without S3. */
  readonly s3Url: string | null
  /** What its S3 service does not support. Never empty: some clients take an empty list for an error. */
  readonly s3Exclusions: S3Exclusions
  /** The user that stands for S3 requests without a key. */
  readonly anonymousUser: { readonly id: string; readonly name: string }
  /** Whether accounts can be read back. False if only the directory keeps them. */
  readonly readsBack: boolean
  /** Set for the stand-in of a platform that this process has no settings for. */
  readonly isUnconfigured?: true
  /** The identity of its cluster. Null for a platform without a cluster. */
  readonly cluster: ClusterIdentity | null
  /**
   * Brings one account to its desired state, whatever state the platform has now. Returns when it has read the new
   * state back. For a new account it returns as soon as the platform confirms the write. After a removal (status
   * `gone`) the caller must still call `read` to verify it.
   * @throws {DataLeftError} if the account is to be removed without a purge but owns data; nothing is changed then
   * @throws {PlatformError} if the state could not be set or could not be verified
   */
  apply(state: DesiredState, signal: AbortSignal): Promise<void>
  /** Returns the account on the platform, or null if there is none. Always null if `readsBack` is false. */
  read(canonicalUserId: string, signal: AbortSignal): Promise<PlatformAccount | null>
  /** Suspends an account and changes nothing else about it. Does nothing if there is no such account. */
  suspend(canonicalUserId: string, signal: AbortSignal): Promise<void>
  /**
   * Lists the canonical ids of all accounts of the platform, including those that Usher did not create, in any order.
   * @param from `next` of the previous page; null for the first page
   */
  listIds(from: string | null, signal: AbortSignal): Promise<IdPage>
  /** Returns the display name that `apply` stores, which may differ from the desired one. */
  toDisplayName(state: DesiredState): string
  /** Lists the buckets that an account owns. Empty if there is no such account. */
  listBuckets(canonicalUserId: string, signal: AbortSignal): Promise<Bucket[]>
  /** Returns what an account stores; nothing if there is no such account. */
  readContent(canonicalUserId: string, signal: AbortSignal): Promise<Content>
  /** Returns the platform's health. It is fast and never throws. */
  status(): Promise<PlatformStatus>
}

/** The platforms of the directory and of the settings. The map's key is the name of the platform. */
export type Platforms = ReadonlyMap<string, Platform>

/** The platform could not be reached, or could not get the desired state. The message must not hold a secret. */
export class PlatformError extends Error {
  readonly #code: CauseCode

  constructor(message: string, cause?: unknown, code: CauseCode = 'other') {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'PlatformError'
    this.#code = code
  }

  /** Returns why the call failed, for lists and for advice. */
  toCause(): Cause {
    return toCause(this.#code)
  }
}

/** Makes the error for a response that has another form than those of the platform. */
export function badResponse(message: string): PlatformError {
  return new PlatformError(message, undefined, 'bad_response')
}

/** Makes the error for a platform that did not respond in time. */
export function lateResponse(message: string): PlatformError {
  return new PlatformError(message, undefined, 'late')
}

/** An account cannot be removed because it owns data and no purge was requested. */
export class DataLeftError extends PlatformError {
  constructor(message: string, cause?: unknown) {
    super(message, cause, 'data_left')
    this.name = 'DataLeftError'
  }
}

/** The settings name another cluster than the one that has the accounts. Nothing is written to it. */
export class WrongClusterError extends PlatformError {
  constructor(message: string) {
    super(message, undefined, 'wrong_cluster')
    this.name = 'WrongClusterError'
  }
}

/**
 * Returns the platform with this name.
 * @throws {PlatformError} if there is none
 */
export function getPlatform(platforms: Platforms, name: string): Platform {
  const platform = platforms.get(name)
  if (!platform)
    throw new PlatformError(`the platform ${name} is not configured`, undefined, 'not_configured')
  return platform
}
