import {
  DataLeftError,
  type Platform,
  type PlatformBucket,
  PlatformError,
  type PlatformUsage,
  type WantedAccount,
} from '../../src/platform/platform.ts'

/** A platform that does what a test tells it to. */
export interface FakePlatform extends Platform {
  /** Everything that was asked of it, in order. */
  readonly calls: WantedAccount[]
  /** What it does with the next calls, until told otherwise. */
  behave(work: (account: WantedAccount, signal: AbortSignal) => Promise<void>): void
  fail(message: string): void
  succeed(): void
  /** What accounts own, by canonical id; an account that owns a bucket goes with a purge only. */
  readonly buckets: Map<string, PlatformBucket[]>
  /** What accounts use, by canonical id. */
  readonly usages: Map<string, PlatformUsage>
}

const UNUSED: PlatformUsage = { bucketCount: 0, objectCount: 0, usedBytes: 0, quotaBytes: null }

export function newFakePlatform(): FakePlatform {
  const calls: WantedAccount[] = []
  const buckets = new Map<string, PlatformBucket[]>()
  const usages = new Map<string, PlatformUsage>()
  let down: string | undefined
  let work = async (_account: WantedAccount, _signal: AbortSignal): Promise<void> => undefined
  const behave: FakePlatform['behave'] = (next) => {
    work = next
  }
  const remove = async (account: WantedAccount, signal: AbortSignal): Promise<void> => {
    await work(account, signal)
    const owned = buckets.get(account.canonicalUserId) ?? []
    if (owned.length > 0 && !account.purge) throw new DataLeftError(`it owns ${owned.length} buckets`)
    buckets.delete(account.canonicalUserId)
  }
  return {
    name: 'fake',
    s3Url: null,
    calls,
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
      return account.state === 'gone' ? remove(account, signal) : work(account, signal)
    },
    read: async () => null,
    async listBuckets(id) {
      if (down !== undefined) throw new PlatformError(down)
      return buckets.get(id) ?? []
    },
    async readUsage(id) {
      if (down !== undefined) throw new PlatformError(down)
      return usages.get(id ?? 'everybody') ?? UNUSED
    },
    status: async () => ({ version: '1', health: 'NORMAL' }),
  }
}
