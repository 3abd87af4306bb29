/** A platform that the tenants and accounts of the directory name. */
export interface RecordedPlatform {
  /** The name by which tenants and accounts refer to it. */
  readonly name: string
  /** Which platform it is: `embedded`, `ceph-rgw`. */
  readonly kind: string
  /**
   * The identity of the cluster that has the accounts. Null until Usher has reached the cluster, and for a platform
   * without one.
   */
  readonly cluster: string | null
  /** Whether new tenants are created on it. One platform of a directory is the main one. */
  readonly isMain: boolean
}

/** How well a platform works, as it or its adapter says. */
export const HEALTHS = ['NORMAL', 'WARNING', 'ERROR', 'UNKNOWN'] as const
export type Health = (typeof HEALTHS)[number]

/**
 * How the platform's account differs from the desired state:
 * - `missing`: the platform has no account; `present`: it still has an account that was removed
 * - `suspended`, `active`: the account has this status and should not
 * - `name`: it has another display name
 * - `key_missing`: an access key does not work; `key_foreign`: an unknown or inactive access key works; `key_differs`:
 *   an access key has another secret
 * - `secret_lost`: the directory cannot decrypt the secret of an access key, so the key cannot be compared
 * - `foreign`: the directory does not have the account, and it is active
 */
export const DRIFT_KINDS = [
  'missing',
  'present',
  'suspended',
  'active',
  'name',
  'key_missing',
  'key_foreign',
  'key_differs',
  'secret_lost',
  'foreign',
] as const
export type DriftKind = (typeof DRIFT_KINDS)[number]
