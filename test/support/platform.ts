import { type Platform, PlatformError, type WantedAccount } from '../../src/platform/platform.ts'

/** A platform that does what a test tells it to. */
export interface FakePlatform extends Platform {
  /** Everything that was asked of it, in order. */
  readonly calls: WantedAccount[]
  /** What it does with the next calls, until told otherwise. */
  behave(work: (account: WantedAccount, signal: AbortSignal) => Promise<void>): void
  fail(message: string): void
  succeed(): void
}

export function newFakePlatform(): FakePlatform {
  const calls: WantedAccount[] = []
  let work = async (_account: WantedAccount, _signal: AbortSignal): Promise<void> => undefined
  const behave: FakePlatform['behave'] = (next) => {
    work = next
  }
  return {
    name: 'fake',
    s3Url: null,
    calls,
    behave,
    fail: (message) => behave(() => Promise.reject(new PlatformError(message))),
    succeed: () => behave(async () => undefined),
    apply(account, signal) {
      calls.push(account)
      return work(account, signal)
    },
    read: async () => null,
    listBuckets: async () => [],
    readUsage: async () => ({ bucketCount: 0, objectCount: 0, usedBytes: 0, quotaBytes: null }),
    status: async () => ({ version: '1', health: 'NORMAL' }),
  }
}
