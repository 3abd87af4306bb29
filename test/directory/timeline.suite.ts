import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { queryCredentials } from '../../src/directory/credentials.ts'
import {
  createPersonAccount,
  deletePersonAccount,
  updatePersonAccount,
} from '../../src/directory/person-accounts.ts'
import {
  createPersonCredential,
  deletePersonCredential,
  updatePersonCredential,
} from '../../src/directory/person-credentials.ts'
import { relateOrganization } from '../../src/directory/relations.ts'
import { suspendCustomer } from '../../src/directory/suspension.ts'
import { listTimeline, type TimelineItem, type TimelineRequest } from '../../src/directory/timeline.ts'
import { deleteUser, updateUser } from '../../src/directory/user-changes.ts'
import { createUser } from '../../src/directory/users.ts'
import type { Context } from '../../src/model/context.ts'
import { newId } from '../../src/model/ids.ts'
import { Reconciler } from '../../src/provisioning/reconciler.ts'
import { followAuditLog } from '../../src/store/audit/index-rows.ts'
import {
  addClient,
  addOrganization,
  newTestDirectory,
  newUser,
  refusedAs,
  type TestDirectory,
} from '../support/directories.ts'
import { type FakePlatform, newFakePlatform, only } from '../support/platform.ts'
import type { OpenStore } from '../support/stores.ts'

const QUIET = {
  log: { debug: () => undefined, warn: () => undefined, error: () => undefined },
  observeAttempt: () => undefined,
}

interface World {
  readonly on: TestDirectory
  readonly platform: FakePlatform
  readonly reconciler: Reconciler
  readonly userId: string
  /** The provider's client, with a new correlation id for each call. */
  readonly as: () => Context
}

/** A user with an account that is applied. */
async function newWorld(open: OpenStore): Promise<World> {
  const platform = newFakePlatform()
  const on = await newTestDirectory(open, platform.name)
  const reconciler = new Reconciler(on.dir, only(platform), QUIET)
  const as = (): Context => ({ ...on.provider, correlationId: newId() })
  const { id: userId } = await createUser(on.dir, as(), { organizationId: on.customerId, user: newUser() })
  pass(on)
  await createPersonAccount(on.dir, as(), { userId })
  await reconciler.drain()
  pass(on)
  return { on, platform, reconciler, userId, as }
}

function pass({ clock }: TestDirectory, ms = 1_000): void {
  clock.now = new Date(clock.now.getTime() + ms)
}

/** Adds all entries to the index. */
async function index({ dir }: TestDirectory): Promise<void> {
  await dir.store.sealAudit()
  while ((await dir.store.write((tx) => followAuditLog(tx, 100))) > 0);
}

function list(
  { on, userId }: Pick<World, 'on' | 'userId'>,
  change: Partial<TimelineRequest> = {},
  ctx?: Context,
) {
  return listTimeline(on.dir, ctx ?? on.operator, { userId, limit: 100, ...change })
}

function toWords(items: readonly TimelineItem[]): string[] {
  return items.map((one) =>
    one.kind === 'entry'
      ? `${one.entry.operation} ${one.entry.outcome}`
      : `${one.attempts.outcome} ${one.attempts.cause?.code ?? ''} ${one.attempts.count}`,
  )
}

/** Makes one of everything that a timeline shows. */
async function live(world: World): Promise<{ accessKey: string; suspended: string }> {
  const { on, platform, reconciler, userId, as } = world
  const { accessKey } = (await createPersonCredential(on.dir, as(), { userId })).key
  await reconciler.drain()
  pass(on)
  await updatePersonCredential(on.dir, as(), { userId, accessKey, active: false })
  await reconciler.drain()
  pass(on)
  await deletePersonCredential(on.dir, as(), { userId, accessKey })
  await reconciler.drain()
  pass(on)
  const suspending = as()
  platform.fail('down')
  await updatePersonAccount(on.dir, suspending, { userId, active: false })
  for (let i = 0; i < 3; i++) {
    await reconciler.drain()
    pass(on, 60_000)
  }
  platform.succeed()
  await reconciler.drain()
  pass(on)
  await assert.rejects(
    updateUser(on.dir, as(), { user: userId, changes: { email: 'nonsense' } }),
    refusedAs('invalid'),
  )
  pass(on)
  await queryCredentials(on.dir, on.osis, {
    filter: { tenantId: on.tenantId },
    page: { offset: 0, limit: 10 },
  })
  await deleteUser(on.dir, as(), { user: userId })
  await reconciler.drain()
  return { accessKey, suspended: suspending.correlationId }
}

const LIVED = [
  'DeleteUser deleted',
  'UpdateUser invalid',
  'applied  1',
  'failed other 3',
  'UpdateUserAccount suspended',
  'DeleteUserCredential deleted',
  'UpdateUserCredential updated',
  'CreateUserCredential created',
  'CreateAccount created',
  'CreateUser created',
]

/** The timeline of a user. */
export function timelineSuite(open: OpenStore): void {
  describe('the timeline of a user', () => {
    test('has all changes, keys, attempts and refusals, from the log and from its index, after the user is gone', async () => {
      const world = await newWorld(open)
      const { suspended } = await live(world)
      for (const prepare of [async () => undefined, () => index(world.on)]) {
        await prepare()
        const { items, next } = await list(world)
        assert.deepEqual([toWords(items), next], [LIVED, null])
        for (const one of items)
          if (one.kind === 'attempts') {
            assert.equal(one.attempts.correlationId, suspended)
            assert.equal(one.at, one.attempts.lastAt)
          }
      }
    })

    test('a key that was deleted before the index followed leads to its user, and to their reseller', async () => {
      const world = await newWorld(open)
      const { on } = world
      const other = await addOrganization(on, 'reseller')
      await relateOrganization(on.dir, on.operator, { customerId: on.customerId, resellerId: other.id })
      const [own, foreign] = [await addClient(on, on.resellerId), await addClient(on, other.id)]
      const { id: userId } = await createUser(on.dir, own, {
        organizationId: on.customerId,
        user: newUser({ email: 'eve@example.com' }),
      })
      await createPersonAccount(on.dir, own, { userId })
      const { accessKey } = (await createPersonCredential(on.dir, on.provider, { userId })).key
      await world.reconciler.drain()
      await deletePersonCredential(on.dir, on.provider, { userId, accessKey })
      await world.reconciler.drain()
      for (const prepare of [async () => undefined, () => index(on)]) {
        await prepare()
        const { items } = await list({ on, userId }, {}, own)
        assert.deepEqual(toWords(items), [
          'DeleteUserCredential deleted',
          'CreateUserCredential created',
          'CreateAccount created',
          'CreateUser created',
        ])
        await assert.rejects(list({ on, userId }, {}, foreign), refusedAs('user_not_found'))
      }
    })

    test('pages of every size make the same list, with entries in the index and behind it', async () => {
      const world = await newWorld(open)
      await index(world.on)
      await live(world)
      for (const prepare of [async () => undefined, () => index(world.on)]) {
        await prepare()
        for (const limit of [1, 2, 3, 7]) {
          const words: string[] = []
          let after: string | undefined
          do {
            const page = await list(world, { limit, after })
            assert.ok(page.items.length <= limit)
            words.push(...toWords(page.items))
            after = page.next ?? undefined
          } while (after !== undefined)
          assert.deepEqual(words, LIVED)
        }
      }
    })

    test('shows the kinds that are asked for; reads of secrets only then', async () => {
      const world = await newWorld(open)
      const { on, userId } = world
      await createPersonCredential(on.dir, world.as(), { userId })
      await queryCredentials(on.dir, on.osis, {
        filter: { tenantId: on.tenantId },
        page: { offset: 0, limit: 10 },
      })
      const shown = async (...kinds: NonNullable<TimelineRequest['kinds']>) =>
        toWords((await list(world, { kinds })).items)
      assert.deepEqual(await shown('reads'), ['QueryCredentials read'])
      assert.deepEqual(await shown('platform'), [])
      assert.deepEqual(await shown('refusals'), [])
      assert.equal((await shown('changes', 'reads')).length, 4)
    })

    test('many reads do not hide what was changed before them', async () => {
      const world = await newWorld(open)
      const { on, userId } = world
      await createPersonCredential(on.dir, world.as(), { userId })
      for (let i = 0; i < 20; i++)
        await queryCredentials(on.dir, on.osis, {
          filter: { tenantId: on.tenantId },
          page: { offset: 0, limit: 10 },
        })
      const { items } = await list(world, { limit: 2 })
      assert.deepEqual(toWords(items), ['CreateUserCredential created', 'CreateAccount created'])
    })

    test('attempts of a change of the whole customer have its correlation id', async () => {
      const world = await newWorld(open)
      const { on, platform, reconciler } = world
      platform.fail('down')
      const ctx = world.as()
      await suspendCustomer(on.dir, ctx, on.customerId)
      await reconciler.drain()
      const { items } = await list(world, { kinds: ['platform'] })
      const [first] = items
      assert.ok(first?.kind === 'attempts')
      assert.equal(first.attempts.correlationId, ctx.correlationId)
    })

    test('a reseller does not see the errors and processes of the platform, and a customer has no timeline', async () => {
      const world = await newWorld(open)
      const { on } = world
      await live(world)
      const reseller = await addClient(on, on.resellerId, 'viewer')
      const { items } = await list(world, {}, reseller)
      const attempts = items.flatMap((one) => (one.kind === 'attempts' ? [one.attempts] : []))
      assert.deepEqual(
        attempts.map(({ error, node, cause }) => [error, node, cause?.code]),
        [
          [null, null, undefined],
          [null, null, 'other'],
        ],
      )
      await assert.rejects(list(world, {}, await addClient(on, on.customerId)), refusedAs('not_permitted'))
      await assert.rejects(list({ on, userId: newId() }, {}, reseller), refusedAs('user_not_found'))
    })

    test('a cursor of another list, or a text that is none, is refused', async () => {
      const world = await newWorld(open)
      const { next } = await list(world, { limit: 1 })
      assert.ok(next)
      await assert.rejects(list(world, { after: next, kinds: ['reads'] }), refusedAs('invalid', 'after'))
      for (const after of ['', 'x', 'a'.repeat(500), Buffer.from('x 1 2').toString('base64url'), '\0'])
        await assert.rejects(list(world, { after }), refusedAs('invalid', 'after'))
    })

    test('a removed account has its last attempts, also while the user has none', async () => {
      const world = await newWorld(open)
      const { on, userId, platform, reconciler } = world
      platform.fail('down')
      await deletePersonAccount(on.dir, world.as(), { userId, purge: false })
      await reconciler.drain()
      assert.deepEqual(toWords((await list(world, { limit: 2 })).items), [
        'failed other 1',
        'DeleteUserAccount deleted',
      ])
    })
  })
}
