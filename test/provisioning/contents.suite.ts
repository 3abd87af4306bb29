import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { findBuckets, measureAccounts } from '../../src/directory/contents.ts'
import { deleteTenant } from '../../src/directory/tenants.ts'
import type { Account } from '../../src/model/accounts.ts'
import type { Usage } from '../../src/model/contents.ts'
import { embeddedPlatform } from '../../src/platform/embedded.ts'
import { PlatformError } from '../../src/platform/platform.ts'
import { startContentReader } from '../../src/provisioning/content-reader.ts'
import { newPlatformView } from '../../src/provisioning/platform-view.ts'
import { Reconciler } from '../../src/provisioning/reconciler.ts'
import { insertContents, selectUnregisteredAccounts } from '../../src/store/accounts/contents.ts'
import { waitUntil } from '../../testing/wait.ts'
import { addAccount, newTestDirectory, refusedAs, type TestDirectory } from '../support/directories.ts'
import { type FakePlatform, newFakePlatform, only } from '../support/platform.ts'
import type { OpenStore } from '../support/stores.ts'

const HOUR = 60 * 60_000
const SILENT = {
  log: { debug: () => undefined, warn: () => undefined, error: () => undefined },
  observeAttempt: () => undefined,
}

interface World {
  readonly on: TestDirectory
  readonly platform: FakePlatform
  readonly accounts: readonly Account[]
  /** The accounts that were read, by canonical id. */
  readonly reads: string[]
  readonly view: ReturnType<typeof newPlatformView>
}

async function newWorld(open: OpenStore, count: number): Promise<World> {
  const fake = newFakePlatform()
  const reads: string[] = []
  const platform: FakePlatform = {
    ...fake,
    readContent(id, signal) {
      reads.push(id)
      return fake.readContent(id, signal)
    },
  }
  const on = await newTestDirectory(open, platform.name)
  const accounts = []
  for (let i = 0; i < count; i++) accounts.push(await addAccount(on, `u${i}`))
  await new Reconciler(on.dir, only(platform), SILENT).drain()
  const pks = accounts.map(({ pk }) => pk)
  const now = on.clock.now.toISOString()
  await on.dir.store.write((tx) => insertContents(tx, pks, { readAt: now, dueAt: now }))
  return { on, platform, accounts, reads, view: newPlatformView(on.dir, only(platform), platform.name) }
}

/** Runs the background loop until a condition holds. */
async function readUntil({ on, platform }: World, isDone: () => Promise<boolean>): Promise<void> {
  const deps = { dir: on.dir, platforms: only(platform), log: SILENT.log as never }
  const loop = startContentReader(deps)
  try {
    await waitUntil(isDone, 20_000)
  } finally {
    await loop.stop()
  }
}

const usageOf = ({ on, view }: World): Promise<Usage> => view.readUsage(on.osis, { tenantId: on.tenantId })
const isSummed =
  (world: World, objects: number): (() => Promise<boolean>) =>
  async () =>
    (await usageOf(world)).objectCount === objects

function own({ platform }: World, { canonicalUserId: owner }: Account, objectCount: number): void {
  const usage = { bucketCount: 1, objectCount, usedBytes: 10 * objectCount, quotaBytes: 1_000 }
  platform.usages.set(owner, usage)
  const name = `bucket-of-${owner.split('$')[1]}`
  platform.buckets.set(owner, [{ name, createdAt: '2026-11-22T08:00:00.000Z', owner }])
}

/** What accounts store is read in the background. */
export function contentsSuite(open: OpenStore): void {
  describe('stored figures', () => tests(open))
}

function tests(open: OpenStore): void {
  test('the figures of many accounts come from the store, and those of few from the platform', async () => {
    const few = await newWorld(open, 16)
    for (const account of few.accounts) own(few, account, 1)
    assert.equal((await usageOf(few)).objectCount, 16)
    assert.equal(few.reads.length, 16)

    const many = await newWorld(open, 17)
    for (const account of many.accounts) own(many, account, 2)
    // New accounts own nothing yet, as far as the directory knows.
    assert.equal((await usageOf(many)).objectCount, 0)
    assert.equal(many.reads.length, 0)
    await readUntil(many, isSummed(many, 34))
    assert.deepEqual(await usageOf(many), {
      bucketCount: 17,
      objectCount: 34,
      usedBytes: 340,
      quotaBytes: 17_000,
    })
    assert.equal(many.reads.length, 17)
    const { on, view, platform, accounts } = many
    assert.equal((await view.readUsage(on.osis, {})).objectCount, 34)
    const page = await view.listBuckets(on.osis, on.tenantId, { offset: 15, limit: 5 })
    assert.deepEqual([page.total, page.items.length], [17, 2])
    const names = [...platform.buckets.values()].flat().map((one) => one.name)
    assert.deepEqual(
      page.items.map((one) => one.name),
      names.sort().slice(15),
    )
    const [last] = page.items
    assert.ok(accounts.some((one) => one.canonicalUserId === last?.owner))
    assert.equal(many.reads.length, 17)
  })

  test('figures are read again when they are old, the oldest first, and a user’s own are those of now', async () => {
    const world = await newWorld(open, 17)
    const { on, accounts, view, reads } = world
    for (const account of accounts) own(world, account, 1)
    await readUntil(world, isSummed(world, 17))
    const [ada] = accounts as [Account]
    own(world, ada, 5)
    const mine = await view.readUsage(on.osis, { tenantId: on.tenantId, userId: ada.userId })
    assert.equal(mine.objectCount, 5)
    assert.equal((await usageOf(world)).objectCount, 17)
    on.clock.now = new Date(on.clock.now.getTime() + HOUR)
    reads.length = 0
    await readUntil(world, isSummed(world, 21))
    assert.equal(new Set(reads).size, 17)
  })

  test('figures that are missing or too old are a refusal, never a sum that is too low', async () => {
    const world = await newWorld(open, 17)
    const { on, platform } = world
    for (const account of world.accounts) own(world, account, 1)
    await readUntil(world, isSummed(world, 17))
    platform.fail('down')
    platform.say({ version: '1', health: 'ERROR' })
    on.clock.now = new Date(on.clock.now.getTime() + 23 * HOUR)
    await usageOf(world)
    on.clock.now = new Date(on.clock.now.getTime() + 2 * HOUR)
    await assert.rejects(usageOf(world), refusedAs('platform_unavailable'))
    const page = { offset: 0, limit: 1 }
    await assert.rejects(
      findBuckets(on.dir, on.osis, { tenantId: on.tenantId, page }),
      refusedAs('platform_unavailable'),
    )
    // A platform that is down is not asked.
    world.reads.length = 0
    await readUntil(world, async () => true)
    assert.equal(world.reads.length, 0)
  })

  test('new accounts are registered as empty, and are read a moment later', async () => {
    const world = await newWorld(open, 17)
    const { on, platform, reads } = world
    await readUntil(world, async () => reads.length === 17)
    const added = await addAccount(on, 'new')
    await new Reconciler(on.dir, only(platform), SILENT).drain()
    own(world, added, 4)
    await readUntil(world, async () => (await on.dir.store.read(selectUnregisteredAccounts)).length === 0)
    assert.equal((await usageOf(world)).objectCount, 0)
    on.clock.now = new Date(on.clock.now.getTime() + 16_000)
    await readUntil(world, isSummed(world, 4))
    assert.equal(reads.length, 18)
  })

  test('the embedded platform stores nothing, for however many accounts', async () => {
    const on = await newTestDirectory(open)
    for (let i = 0; i < 17; i++) await addAccount(on, `u${i}`)
    await on.dir.store.write(async (tx) =>
      insertContents(tx, await selectUnregisteredAccounts(tx), { readAt: '2020', dueAt: '' }),
    )
    const view = newPlatformView(on.dir, only(embeddedPlatform('1')), 'embedded')
    const nothing = { bucketCount: 0, objectCount: 0, usedBytes: 0, quotaBytes: null }
    for (const asked of [{}, { tenantId: on.tenantId }])
      assert.deepEqual(await view.readUsage(on.osis, asked), nothing)
    const page = { offset: 0, limit: 1 }
    assert.deepEqual(await view.listBuckets(on.osis, on.tenantId, page), { items: [], total: 0 })
  })

  test('one account that cannot be read does not keep the others from being read', async () => {
    const world = await newWorld(open, 17)
    const { platform, accounts } = world
    for (const account of accounts) own(world, account, 1)
    const [first] = accounts as [Account]
    const readContent: FakePlatform['readContent'] = (id, signal) =>
      id === first.canonicalUserId
        ? Promise.reject(new PlatformError('no such thing'))
        : platform.readContent(id, signal)
    await readUntil({ ...world, platform: { ...platform, readContent } }, isSummed(world, 16))
  })

  test('a removed account leaves no figures, and a huge quota does no harm', async () => {
    const world = await newWorld(open, 18)
    const { on, platform, accounts } = world
    for (const account of accounts) {
      own(world, account, 1)
      const usage = platform.usages.get(account.canonicalUserId) ?? assert.fail()
      platform.usages.set(account.canonicalUserId, { ...usage, quotaBytes: 2 ** 63 })
    }
    await readUntil(world, isSummed(world, 18))
    assert.ok(((await usageOf(world)).quotaBytes ?? 0) > 2 ** 53)
    await deleteTenant(on.dir, on.osis, { tenantId: on.tenantId, purge: true })
    await new Reconciler(on.dir, only(platform), SILENT).drain()
    const rows = await on.dir.store.read(async (tx) => [
      await tx.query((db) => db.selectFrom('contents').selectAll()),
      await tx.query((db) => db.selectFrom('buckets').selectAll()),
    ])
    assert.deepEqual(rows, [[], []])
  })

  test('usage of 10,000 users takes tens of milliseconds', async () => {
    const world = await newWorld(open, 1)
    const { on } = world
    const [first] = world.accounts as [Account]
    await on.dir.store.write(async (tx) => {
      const [row] = await tx.query((db) => db.selectFrom('accounts').selectAll().where('pk', '=', first.pk))
      const [user] = await tx.query((db) => db.selectFrom('users').selectAll().where('pk', '=', first.userPk))
      for (let i = 0; i < 10_000; i += 500) {
        const ids = Array.from({ length: 500 }, (_, j) => 1_000_000 + i + j)
        const users = ids.map((pk) => ({ ...user, pk, id: `user-${pk}`, email_key: null, email: null }))
        await tx.query((db) => db.insertInto('users').values(users as never))
        const accounts = ids.map((pk) => ({
          ...row,
          pk,
          user_pk: pk,
          canonical_user_id: `t$${pk}`,
          org_user_id: `o${pk}`,
        }))
        await tx.query((db) => db.insertInto('accounts').values(accounts as never))
        const contents = ids.map((pk) => ({
          ...{
            account_pk: pk,
            provider_pk: first.providerPk,
            tenant_pk: first.tenantPk,
            platform: first.platform,
          },
          ...{ bucket_count: 1, object_count: 2, used_bytes: 3, quota_bytes: null },
          ...{ read_at: on.clock.now.toISOString(), due_at: '2999' },
        }))
        await tx.query((db) => db.insertInto('contents').values(contents))
      }
    })
    const of = { tenantId: on.tenantId, platform: first.platform }
    await measureAccounts(on.dir, on.osis, of)
    const times = []
    for (let i = 0; i < 5; i++) {
      const begun = performance.now()
      const { objectCount } = await usageOf(world)
      times.push(performance.now() - begun)
      assert.equal(objectCount, 20_000)
    }
    assert.ok(Math.min(...times) < 50, `${times}`)
  })
}
