import type { Bucket, Content } from '../../model/contents.ts'
import type {
  ClusterIdentity,
  ConfirmCluster,
  DesiredState,
  IdPage,
  Platform,
  PlatformAccount,
  PlatformStatus,
} from '../platform.ts'
import { DataLeftError, PlatformError } from '../platform.ts'
import { AdminClient, type CephRgwSettings } from './admin-client.ts'
import { toBuckets, toUsage } from './buckets.ts'
import { newClusterIdentity } from './cluster-identity.ts'
import { isRefusal, isTransient } from './errors.ts'
import { newHealthCheck } from './health.ts'
import { withRetries } from './retries.ts'
import { CEPH_RGW_EXCLUSIONS } from './s3-exclusions.ts'
import {
  CEPH_RGW_ANONYMOUS_USER,
  CEPH_RGW_OWNER_FORM,
  fromMetadata,
  hasState,
  NewUserTemplate,
  quotaOf,
  shapeDisplayName,
  toAccount,
  toIdPage,
  toMetadata,
  toUid,
  type UserRecord,
  withState,
} from './users.ts'

/** How many times `apply` reads a user. After that it fails, because another program keeps changing the user. */
const MAX_READS = 10
const IDS_PER_PAGE = 1_000

/**
 * Accounts as users of a Ceph Object Gateway: the tenant is an RGW tenant, the account is its user `tenant$user`.
 * docs/decisions/0010 says which calls of the gateway are used, and why.
 */
export class CephRgwPlatform implements Platform {
  readonly name = 'ceph-rgw'
  readonly s3Url: string
  readonly s3Exclusions = CEPH_RGW_EXCLUSIONS
  readonly anonymousUser = CEPH_RGW_ANONYMOUS_USER
  readonly readsBack = true
  readonly toCanonicalId = CEPH_RGW_OWNER_FORM.toCanonicalId
  readonly fromCanonicalId = CEPH_RGW_OWNER_FORM.fromCanonicalId
  readonly status: () => Promise<PlatformStatus>
  readonly cluster: ClusterIdentity
  readonly #client: AdminClient
  readonly #template = new NewUserTemplate()
  /** For each user with a write in progress: the write that was queued last. The map's key is the uid. */
  readonly #writes = new Map<string, Promise<void>>()

  /** @param confirm called before the first call and after a failure; without it any cluster is accepted */
  constructor(settings: CephRgwSettings, confirm?: ConfirmCluster) {
    this.s3Url = settings.s3Url
    this.#client = new AdminClient(settings, confirm && ((signal) => confirm(this.cluster, signal)))
    this.cluster = newClusterIdentity(this.#client)
    this.status = newHealthCheck(this.#client, settings.accessKey)
  }

  /**
   * Reads the user, makes one change, and reads again, until nothing is left to change. A new account is not read if
   * one write can create all of it. A suspension that the gateway has confirmed is not read again.
   */
  async apply(state: DesiredState, signal: AbortSignal): Promise<void> {
    const step = (): Promise<boolean> =>
      state.status === 'gone' ? this.#stepToGone(state, signal) : this.#stepToPresent(state, signal)
    const uid = toUid(state)
    const created = state.isNew && state.status !== 'gone' ? this.#template.fill(state) : undefined
    await this.#serialize(uid, async () => {
      if (created && (await this.#writeNew(created, uid, signal))) return
      for (let reads = 0; reads < MAX_READS; reads++) if (await withRetries(step, signal)) return
      const message = `another program keeps changing the Ceph RGW user ${uid}`
      throw new PlatformError(message, undefined, 'changed_elsewhere')
    })
  }

  /**
   * Runs the writes of one user one after another, because RGW loses concurrent writes or applies half of them. Writes
   * of other processes are kept apart by the reconciler's leases.
   */
  async #serialize(uid: string, work: () => Promise<void>): Promise<void> {
    const write = (this.#writes.get(uid) ?? Promise.resolve()).then(work, work)
    this.#writes.set(uid, write)
    try {
      await write
    } finally {
      if (this.#writes.get(uid) === write) this.#writes.delete(uid)
    }
  }

  /** @returns whether the gateway confirmed the write; if not, the user must be read */
  async #writeNew(record: UserRecord, uid: string, signal: AbortSignal): Promise<boolean> {
    try {
      return await this.#putRecord(record, uid, signal)
    } catch (error) {
      if (isTransient(error)) return false
      throw error
    }
  }

  /** @returns whether the gateway confirmed that it has written the record and the index of its access keys */
  async #putRecord(record: UserRecord, uid: string, signal: AbortSignal): Promise<boolean> {
    const body = toMetadata(record, uid)
    try {
      const { headers } = await this.#client.call(
        { method: 'PUT', path: '/admin/metadata/user', query: { key: uid }, body },
        signal,
      )
      return headers.rgwx_update_status === 'applied'
    } catch (error) {
      // RGW 16.2 returns BucketAlreadyExists if another user has one of the access keys.
      if (!isRefusal(error, 409)) throw error
      const keys = toAccount(record).keys.map((key) => key.accessKey)
      throw new PlatformError(
        `another user of the Ceph RGW has one of the access keys of ${uid} (${keys.join(', ')}), and was not changed; ` +
          'find it with radosgw-admin user info --access-key, and remove the key there',
        error,
        'key_taken',
      )
    }
  }

  async read(canonicalUserId: string, signal: AbortSignal): Promise<PlatformAccount | null> {
    const uid = toUid({ canonicalUserId })
    const record = await withRetries(() => this.#findRecord(uid, signal), signal)
    return record ? toAccount(record) : null
  }

  async suspend(canonicalUserId: string, signal: AbortSignal): Promise<void> {
    const uid = toUid({ canonicalUserId })
    await this.#serialize(uid, () => withRetries(() => this.#suspend(uid, signal), signal))
  }

  async listIds(from: string | null, signal: AbortSignal): Promise<IdPage> {
    const query = { 'max-entries': String(IDS_PER_PAGE), ...(from !== null && { marker: from }) }
    const call = { method: 'GET', path: '/admin/metadata/user', query } as const
    const { body } = await withRetries(() => this.#client.call(call, signal), signal)
    return toIdPage(body)
  }

  toDisplayName(state: DesiredState): string {
    return shapeDisplayName(state)
  }

  async listBuckets(canonicalUserId: string, signal: AbortSignal): Promise<Bucket[]> {
    return toBuckets(await this.#readBuckets(toUid({ canonicalUserId }), signal))
  }

  async readContent(canonicalUserId: string, signal: AbortSignal): Promise<Content> {
    const uid = toUid({ canonicalUserId })
    const [buckets, record] = await Promise.all([
      this.#readBuckets(uid, signal),
      withRetries(() => this.#findRecord(uid, signal), signal),
    ])
    return { usage: toUsage(buckets, record ? quotaOf(record) : null), buckets: toBuckets(buckets) }
  }

  /** @returns true if nothing was left to do; false after one change */
  async #stepToPresent(state: DesiredState, signal: AbortSignal): Promise<boolean> {
    const uid = toUid(state)
    const record = await this.#findRecord(uid, signal)
    if (record && hasState(record, state)) return true
    const desired = record ? withState(record, state) : this.#template.fill(state)
    if (!desired) await this.#createUser(uid, signal)
    else if (await this.#putRecord(desired, uid, signal))
      // Many users are suspended at once, and the read after the write would be a third of the calls.
      return record !== undefined && state.status === 'suspended'
    return false
  }

  /**
   * A purge suspends the user first: removing data may take long, and no data may be added meanwhile.
   * @returns true if nothing was left to do; false after one change
   */
  async #stepToGone(state: DesiredState, signal: AbortSignal): Promise<boolean> {
    const uid = toUid(state)
    const record = await this.#findRecord(uid, signal)
    if (!record) return true
    if (state.purge) await this.#suspend(uid, signal)
    try {
      await this.#client.call(
        { method: 'DELETE', path: '/admin/user', query: { uid, 'purge-data': String(state.purge) } },
        signal,
      )
    } catch (error) {
      if (isRefusal(error, 404, 'NoSuchUser')) return true
      // RGW 16.2 returns BucketAlreadyExists if the user has buckets.
      if (!isRefusal(error, 409)) throw error
      throw new DataLeftError(`${uid} still owns buckets`, error)
    }
    return false
  }

  async #findRecord(uid: string, signal: AbortSignal): Promise<UserRecord | undefined> {
    try {
      const call = { method: 'GET', path: '/admin/metadata/user', query: { key: uid } } as const
      const { body } = await this.#client.call(call, signal)
      this.#template.learn(body, uid)
      return fromMetadata(body, uid)
    } catch (error) {
      if (isRefusal(error, 404, 'NoSuchKey')) return undefined
      throw error
    }
  }

  /**
   * Creates a user with the gateway's own defaults (quotas, the number of buckets). It is suspended and has no access
   * keys, so that it does not work before it is complete.
   */
  async #createUser(uid: string, signal: AbortSignal): Promise<void> {
    const query = { uid, 'display-name': uid, 'generate-key': 'false', suspended: 'true' }
    try {
      await this.#client.call({ method: 'PUT', path: '/admin/user', query }, signal)
      this.#template.noteCreated(uid)
    } catch (error) {
      // Another program has created the user, or an earlier call whose response was lost. The next read shows its
      // state.
      if (!isRefusal(error, 409, 'UserAlreadyExists')) throw error
    }
  }

  async #suspend(uid: string, signal: AbortSignal): Promise<void> {
    const query = { uid, suspended: 'true' }
    try {
      await this.#client.call({ method: 'POST', path: '/admin/user', query }, signal)
    } catch (error) {
      if (!isRefusal(error, 404, 'NoSuchUser')) throw error
    }
  }

  async #readBuckets(uid: string, signal: AbortSignal): Promise<unknown> {
    const call = { method: 'GET', path: '/admin/bucket', query: { uid, stats: 'true' } } as const
    return (await withRetries(() => this.#client.call(call, signal), signal)).body
  }
}
