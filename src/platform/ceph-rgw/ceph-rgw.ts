import { setTimeout as pause } from 'node:timers/promises'
import type {
  IdPage,
  Platform,
  PlatformAccount,
  PlatformBucket,
  PlatformStatus,
  PlatformUsage,
  WantedAccount,
} from '../platform.ts'
import { DataLeftError, PlatformError } from '../platform.ts'
import { AdminClient, type CephRgwSettings } from './admin-client.ts'
import { toBuckets, toUsage } from './buckets.ts'
import { isRefusal, isTransient } from './errors.ts'
import { newHealthCheck } from './health.ts'
import { NewUsers } from './new-users.ts'
import {
  fromMetadata,
  hasAccount,
  quotaOf,
  shapeDisplayName,
  toAccount,
  toIdPage,
  toMetadata,
  toUid,
  type UserRecord,
  withAccount,
} from './user-record.ts'

/** How often the wanted state is compared with what is there before giving up: somebody else keeps changing it. */
const MOST_LOOKS = 10
const IDS_AT_ONCE = 1_000
/** Pauses after passing faults, which are over in a moment or stay; the reconciler has the patience for those that stay. */
const PAUSES_MS = [50, 100, 200, 400]

/**
 * Accounts as users of a Ceph Object Gateway: the tenant is an RGW tenant, the account its user `tenant$user`.
 * Which of the gateway's calls are used for what, and why: docs/decisions/0010. A cluster-wide usage costs RGW about
 * a millisecond a bucket.
 */
export class CephRgwPlatform implements Platform {
  readonly name = 'ceph-rgw'
  readonly s3Url: string
  readonly readsBack = true
  readonly status: () => Promise<PlatformStatus>
  readonly #client: AdminClient
  readonly #newUsers = new NewUsers()
  /** The last of those who write a user; RGW loses and half-makes things when two write the same one at once. */
  readonly #turns = new Map<string, Promise<void>>()

  constructor(settings: CephRgwSettings) {
    this.s3Url = settings.s3Url
    this.#client = new AdminClient(settings)
    this.status = newHealthCheck(this.#client, settings.accessKey)
  }

  /**
   * Looks, changes one thing, and looks again until there is nothing to change. An account that nobody has tried to
   * apply before needs no look when one write makes the whole of it.
   */
  async apply(account: WantedAccount, signal: AbortSignal): Promise<void> {
    const lookAndStep = (): Promise<boolean> =>
      account.state === 'gone' ? this.#stepToGone(account, signal) : this.#stepToPresent(account, signal)
    await this.#inTurn(toUid(account), async () => {
      if (account.isNew && (await this.#writeNew(account, signal))) return
      for (let looks = 0; looks < MOST_LOOKS; looks++) if (await withRepeats(lookAndStep, signal)) return
      throw new PlatformError(`somebody else keeps changing the Ceph RGW user ${toUid(account)}`)
    })
  }

  async read(canonicalUserId: string, signal: AbortSignal): Promise<PlatformAccount | null> {
    const uid = toUid({ canonicalUserId })
    const record = await withRepeats(() => this.#findRecord(uid, signal), signal)
    return record ? toAccount(record) : null
  }

  async suspend(canonicalUserId: string, signal: AbortSignal): Promise<void> {
    const uid = toUid({ canonicalUserId })
    await this.#inTurn(uid, () => withRepeats(() => this.#suspend(uid, signal), signal))
  }

  async listIds(from: string | null, signal: AbortSignal): Promise<IdPage> {
    const query = { 'max-entries': String(IDS_AT_ONCE), ...(from !== null && { marker: from }) }
    const call = { method: 'GET', path: '/admin/metadata/user', query } as const
    const { body } = await withRepeats(() => this.#client.call(call, signal), signal)
    return toIdPage(body)
  }

  toDisplayName(account: WantedAccount): string {
    return shapeDisplayName(account)
  }

  async listBuckets(canonicalUserId: string, signal: AbortSignal): Promise<PlatformBucket[]> {
    return toBuckets(await this.#readBuckets({ uid: toUid({ canonicalUserId }) }, signal))
  }

  async readUsage(canonicalUserId: string | null, signal: AbortSignal): Promise<PlatformUsage> {
    if (canonicalUserId === null) return toUsage(await this.#readBuckets({}, signal), null)
    const uid = toUid({ canonicalUserId })
    const [buckets, record] = await Promise.all([
      this.#readBuckets({ uid }, signal),
      withRepeats(() => this.#findRecord(uid, signal), signal),
    ])
    return toUsage(buckets, record ? quotaOf(record) : null)
  }

  /** @returns whether the gateway says that it has written the user; if not, only a look tells what there is */
  async #writeNew(account: WantedAccount, signal: AbortSignal): Promise<boolean> {
    const uid = toUid(account)
    const base = this.#newUsers.find(uid)
    if (!base || account.state === 'gone') return false
    try {
      return await this.#putRecord(withAccount(base, account), uid, signal)
    } catch (error) {
      if (isTransient(error)) return false
      throw error
    }
  }

  /** @returns whether nothing was left to do; if not, one thing has been done */
  async #stepToPresent(account: WantedAccount, signal: AbortSignal): Promise<boolean> {
    const uid = toUid(account)
    const record = await this.#findRecord(uid, signal)
    if (record && hasAccount(record, account)) return true
    const base = record ?? this.#newUsers.find(uid)
    if (base) await this.#putRecord(withAccount(base, account), uid, signal)
    else await this.#createUser(uid, signal)
    return false
  }

  /** With its data: locked out first, so that nobody adds to what is being removed, which may take long. */
  async #stepToGone(account: WantedAccount, signal: AbortSignal): Promise<boolean> {
    const uid = toUid(account)
    const record = await this.#findRecord(uid, signal)
    if (!record) return true
    if (account.purge) await this.#suspend(uid, signal)
    try {
      await this.#client.call(
        { method: 'DELETE', path: '/admin/user', query: { uid, 'purge-data': String(account.purge) } },
        signal,
      )
    } catch (error) {
      if (isRefusal(error, 404, 'NoSuchUser')) return true
      // RGW 16.2 says BucketAlreadyExists when the user has buckets.
      if (!isRefusal(error, 409)) throw error
      throw new DataLeftError(`${uid} still owns buckets`, error)
    }
    return false
  }

  async #findRecord(uid: string, signal: AbortSignal): Promise<UserRecord | undefined> {
    try {
      const call = { method: 'GET', path: '/admin/metadata/user', query: { key: uid } } as const
      const { body } = await this.#client.call(call, signal)
      this.#newUsers.seen(body, uid)
      return fromMetadata(body, uid)
    } catch (error) {
      if (isRefusal(error, 404, 'NoSuchKey')) return undefined
      throw error
    }
  }

  /**
   * A user with the gateway's own defaults (quotas, the number of buckets), without keys and suspended, so that
   * nobody can use it before it is complete.
   */
  async #createUser(uid: string, signal: AbortSignal): Promise<void> {
    const query = { uid, 'display-name': uid, 'generate-key': 'false', suspended: 'true' }
    try {
      await this.#client.call({ method: 'PUT', path: '/admin/user', query }, signal)
      this.#newUsers.made(uid)
    } catch (error) {
      // Created by a call of ours whose answer was lost, or by somebody else; the next look tells.
      if (!isRefusal(error, 409, 'UserAlreadyExists')) throw error
    }
  }

  /** @returns whether the gateway says that it has written the record and the index of its keys */
  async #putRecord(record: UserRecord, uid: string, signal: AbortSignal): Promise<boolean> {
    const body = toMetadata(record, uid)
    try {
      const { headers } = await this.#client.call(
        { method: 'PUT', path: '/admin/metadata/user', query: { key: uid }, body },
        signal,
      )
      return headers.rgwx_update_status === 'applied'
    } catch (error) {
      // RGW 16.2 says BucketAlreadyExists when another user has one of the keys.
      if (!isRefusal(error, 409)) throw error
      const keys = toAccount(record).keys.map((key) => key.accessKey)
      throw new PlatformError(
        `another user of the Ceph RGW has one of the access keys of ${uid} (${keys.join(', ')}), and is left alone; ` +
          'find it with radosgw-admin user info --access-key, and remove the key there',
        error,
      )
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

  async #readBuckets(of: { uid?: string }, signal: AbortSignal): Promise<unknown> {
    const call = { method: 'GET', path: '/admin/bucket', query: { ...of, stats: 'true' } } as const
    return (await withRepeats(() => this.#client.call(call, signal), signal)).body
  }

  /** Two that write one user do so one after the other. Other processes are kept away by the reconciler's leases. */
  async #inTurn(uid: string, work: () => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(uid) ?? Promise.resolve()).then(work, work)
    this.#turns.set(uid, turn)
    try {
      await turn
    } finally {
      if (this.#turns.get(uid) === turn) this.#turns.delete(uid)
    }
  }
}

/** Makes a call again after passing faults. Every call here may be repeated: a look, or a step that ends in a look. */
async function withRepeats<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await call()
    } catch (error) {
      if (!isTransient(error) || signal.aborted) throw error
      // When the caller gives up meanwhile, the last call is refused at once, and says so.
      await pause(pauseMs, undefined, { signal }).catch(() => undefined)
    }
  }
  return call()
}
