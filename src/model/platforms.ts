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
