import { type Bucket, NO_USAGE, type Usage } from '../../src/model/contents.ts'
import { CEPH_RGW_OWNER_FORM } from '../../src/platform/ceph-rgw/users.ts'
import {
  DataLeftError,
  type DesiredState,
  type Platform,
  type PlatformAccount,
  PlatformError,
  type PlatformStatus,
  type Platforms,
} from '../../src/platform/platform.ts'

/** A platform that does what a test tells it to. */
export interface FakePlatform extends Platform {
  /** Everything that was asked of it, in order. */
  readonly calls: DesiredState[]
  /** What it does with the next calls, until told otherwise. */
  behave(work: (account: DesiredState, signal: AbortSignal) => Promise<void>): void
  fail(message: string): void
  succeed(): void
  /** What it says of itself from now on. */
  say(status: PlatformStatus): void
  /** What it holds, by canonical id; a test may change it by hand. */
  readonly accounts: Map<string, PlatformAccount>
  /** What accounts own, by canonical id; an account that owns a bucket goes with a purge only. */
  readonly buckets: Map<string, Bucket[]>
  /** What accounts use, by canonical id. */
  readonly usages: Map<string, Usage>
}

export function newFakePlatform(): FakePlatform {
  const calls: DesiredState[] = []
  const buckets = new Map<string, Bucket[]>()
  const usages = new Map<string, Usage>()
  const accounts = new Map<string, PlatformAccount>()
  let health: PlatformStatus = { version: '1', health: 'NORMAL' }
  let down: string | undefined
  let work = async (_account: DesiredState, _signal: AbortSignal): Promise<void> => undefined
  const behave: FakePlatform['behave'] = (next) => {
    work = next
  }
  const remove = async (account: DesiredState, signal: AbortSignal): Promise<void> => {
    await work(account, signal)
    const owned = buckets.get(account.canonicalUserId) ?? []
    if (owned.length > 0 && !account.purge) throw new DataLeftError(`it owns ${owned.length} buckets`)
    buckets.delete(account.canonicalUserId)
    accounts.delete(account.canonicalUserId)
  }
  const put = async (account: DesiredState, signal: AbortSignal): Promise<void> => {
    await work(account, signal)
    const { displayName, canonicalUserId, credentials } = account
    const status = account.status === 'suspended' ? 'suspended' : 'active'
    const held = new Map(accounts.get(canonicalUserId)?.keys.map((key) => [key.accessKey, key]))
    const keys = credentials
      .filter((credential) => credential.active)
      .flatMap(({ accessKey, secretKey, active }) =>
        secretKey === null ? (held.get(accessKey) ?? []) : { accessKey, secretKey, active },
      )
    accounts.set(canonicalUserId, { status, displayName, keys })
  }
  return {
    ...CEPH_RGW_OWNER_FORM,
    name: 'fake',
    s3Url: null,
    s3Exclusions: { get_object_torrent: { whole: true } },
    anonymousUser: { id: 'anonymous', name: 'anonymous' },
    readsBack: true,
    cluster: null,
    calls,
    accounts,
    behave,
    buckets,
    usages,
    fail(message) {
      down = message
      behave(() => Promise.reject(new PlatformError(message)))
    },
    succeed() {
      down = undefined
      behave(async () => undefined)
    },
    apply(account, signal) {
      calls.push(account)
      return account.status === 'gone' ? remove(account, signal) : put(account, signal)
    },
    say(next) {
      health = next
    },
    async read(id) {
      if (down !== undefined) throw new PlatformError(down)
      return accounts.get(id) ?? null
    },
    async suspend(id) {
      if (down !== undefined) throw new PlatformError(down)
      const account = accounts.get(id)
      if (account) accounts.set(id, { ...account, status: 'suspended' })
    },
    // Two at once, so that there are pages.
    async listIds(from) {
      if (down !== undefined) throw new PlatformError(down)
      const begin = Number(from ?? 0)
      const ids = [...accounts.keys()]
      return { ids: ids.slice(begin, begin + 2), next: begin + 2 < ids.length ? String(begin + 2) : null }
    },
    toDisplayName: ({ displayName }) => displayName,
    async listBuckets(id) {
      if (down !== undefined) throw new PlatformError(down)
      return buckets.get(id) ?? []
    },
    async readContent(id) {
      if (down !== undefined) throw new PlatformError(down)
      return { usage: usages.get(id) ?? NO_USAGE, buckets: buckets.get(id) ?? [] }
    },
    status: async () => health,
  }
}

/** One platform as the only configured one. */
export function only(platform: Platform): Platforms {
  return new Map([[platform.name, platform]])
}
