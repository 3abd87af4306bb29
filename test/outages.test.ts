import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { IssuerUnavailableError } from '../src/auth/auth-error.ts'
import { newLogger } from '../src/logger.ts'
import { runRound } from '../src/loop.ts'
import { DirectoryError } from '../src/model/error.ts'
import { newOutageLog, type OutageLog } from '../src/outages.ts'
import { PlatformError } from '../src/platform/platform.ts'
import { StoreError } from '../src/store/port.ts'
import { newTestDirectory } from './support/directories.ts'
import { type FakePlatform, newFakePlatform, only } from './support/platform.ts'
import { sqliteStores } from './support/stores.ts'

const { open } = sqliteStores()

interface Line {
  readonly level: number
  readonly msg: string
  readonly reason?: string
  readonly failures?: number
  readonly err?: object
}

interface World {
  readonly outages: OutageLog
  readonly platform: FakePlatform
  readonly store: { heartbeat: () => Promise<void> }
  /** Returns the new lines of the log. */
  readonly lines: () => Line[]
  /** Moves the clock on, and lets checks end. */
  readonly pass: (ms: number) => Promise<void>
}

async function inWorld(level: 'info' | 'debug', work: (world: World) => Promise<void>): Promise<void> {
  const platform = newFakePlatform()
  const on = await newTestDirectory(open, platform.name)
  const texts: string[] = []
  const log = await newLogger(level, { write: (text) => texts.push(text) })
  const store = { ...on.dir.store, heartbeat: async () => undefined }
  const outages = newOutageLog(log, { dir: { ...on.dir, store }, platforms: only(platform) })
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    await work({
      ...{ outages, platform, store },
      lines: () => texts.splice(0).map((text) => JSON.parse(text) as Line),
      async pass(ms) {
        mock.timers.tick(ms)
        for (let i = 0; i < 10; i++) await new Promise(setImmediate)
      },
    })
  } finally {
    outages.stop()
    mock.timers.reset()
  }
}

const FULL = new StoreError('failed', 'the disk is full')
const unavailable = (): DirectoryError =>
  new DirectoryError('store_unavailable', 'try again', { cause: FULL })

test('an outage of the store is one line when it begins, and one with a count when it has ended', async () => {
  await inWorld('info', async ({ outages: { log }, store, lines, pass }) => {
    store.heartbeat = async () => {
      throw FULL
    }
    for (let i = 0; i < 50; i++) {
      log.error({ err: unavailable() }, 'request failed')
      await runRound({ name: 'reconciling accounts', log }, async () => {
        throw FULL
      })
    }
    assert.partialDeepStrictEqual(lines(), [
      { level: 50, msg: 'the store is not available', reason: 'the disk is full' },
    ])
    await pass(5_000)
    await pass(60_000)
    assert.deepEqual(lines(), [])
    store.heartbeat = async () => undefined
    await pass(5_000)
    assert.partialDeepStrictEqual(lines(), [
      { level: 30, msg: 'the store is available again', failures: 100 },
    ])
    log.error({ err: unavailable() }, 'request failed')
    assert.equal(lines().length, 1, 'the next outage has a line again')
  })
})

test('an outage lasts while calls fail, even if the check succeeds', async () => {
  await inWorld('info', async ({ outages: { log }, lines, pass }) => {
    for (let i = 0; i < 10; i++) {
      log.error({ err: unavailable() }, 'request failed')
      await pass(4_000)
    }
    assert.equal(lines().length, 1)
    await pass(5_000)
    await pass(5_000)
    assert.partialDeepStrictEqual(lines(), [{ failures: 10 }])
  })
})

test('the platform has lines of its own, and its status says when an outage ends', async () => {
  await inWorld('info', async ({ outages: { log }, platform, lines, pass }) => {
    platform.say({ version: '1', health: 'ERROR', reason: 'down' })
    log.error({ err: new DirectoryError('platform_unavailable', 'repeat the call') }, 'request failed')
    log.warn({ account: 1, err: new PlatformError('refused') }, 'applying an account failed')
    await pass(5_000)
    await pass(5_000)
    assert.deepEqual(
      lines().map((line) => line.msg),
      ['the platform is not available'],
    )
    platform.say({ version: '1', health: 'NORMAL' })
    await pass(5_000)
    assert.partialDeepStrictEqual(lines(), [{ msg: 'the platform is available again', failures: 2 }])
  })
})

test('other failures have a line each, with their stack', async () => {
  await inWorld('info', async ({ outages: { log }, lines }) => {
    for (let i = 0; i < 3; i++) log.error({ err: new TypeError('a bug') }, 'request failed')
    assert.equal(lines().filter((line) => line.err !== undefined).length, 3)
    log.error({ err: new IssuerUnavailableError('https://issuer.example', 'down') }, 'request failed')
    log.error({ err: new DirectoryError('account_being_removed', 'repeat the call') }, 'request failed')
    assert.deepEqual(lines(), [])
    log.warn({ account: 1, reason: 'refused' }, 'applying an account failed')
    log.info('listening')
    assert.deepEqual(
      lines().map((line) => line.msg),
      ['applying an account failed', 'listening'],
    )
  })
})

test('at level debug each failure of an outage is logged too', async () => {
  await inWorld('debug', async ({ outages: { log }, lines }) => {
    for (let i = 0; i < 3; i++) log.error({ err: unavailable() }, 'request failed')
    assert.deepEqual(
      lines().map((line) => line.msg),
      ['the store is not available', 'request failed', 'request failed', 'request failed'],
    )
  })
})

test('a stop during an outage logs the count', async () => {
  await inWorld('info', async ({ outages, lines }) => {
    outages.dir.reportUnrecorded(FULL)
    outages.dir.reportUnrecorded(FULL)
    outages.stop()
    assert.partialDeepStrictEqual(lines(), [
      { msg: 'secrets are read without audit entries', reason: 'the disk is full' },
      { msg: 'secrets are read without audit entries', failures: 2 },
    ])
  })
})
