import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { countAppliedAccounts } from '../../src/directory/backlog.ts'
import { operatorOf } from '../../src/directory/context.ts'
import {
  countUnapplied,
  listUnapplied,
  MAX_RETRIED_USERS,
  retryAccounts,
  retryUser,
  type UnappliedRequest,
} from '../../src/directory/unapplied.ts'
import { deleteUser } from '../../src/directory/user-changes.ts'
import type { Account } from '../../src/model/accounts.ts'
import type { UnappliedState } from '../../src/model/backlog.ts'
import { newId } from '../../src/model/ids.ts'
import { type BacklogPart, selectBacklogPart } from '../../src/store/accounts/backlog.ts'
import { claimAccount, markAccountApplied, markAccountFailed } from '../../src/store/accounts/leases.ts'
import { insertOrganization } from '../../src/store/tables/organizations.ts'
import {
  addAccount,
  addClient,
  newTestDirectory,
  readAudit,
  refusedAs,
  type TestDirectory,
} from '../support/directories.ts'
import type { OpenStore } from '../support/stores.ts'

const AT = '2026-11-22T08:00:00.000Z'
const LATER = '2026-11-22T09:00:00.000Z'

/** Records what an attempt at the account found: nothing, or a cause. */
async function attempt(
  { dir }: TestDirectory,
  { pk, desiredVersion }: Account,
  cause: string | null,
  parkedAt: string | null = null,
): Promise<void> {
  await dir.store.write(async (tx) => {
    await claimAccount(tx, pk, { now: AT, until: LATER, by: 'me' })
    const failure = { error: `it is ${cause}`, dueAt: LATER, ownFailures: 1, parkedAt }
    if (cause === null) await markAccountApplied(tx, { pk, by: 'me' }, desiredVersion)
    else await markAccountFailed(tx, { pk, by: 'me' }, { ...failure, cause })
  })
}

interface World {
  readonly on: TestDirectory
  readonly ids: Readonly<Record<string, string>>
}

/** One applied account, and others that wait, fail for several causes, and are parked. */
async function newWorld(open: OpenStore): Promise<World> {
  const on = await newTestDirectory(open)
  const ids: Record<string, string> = {}
  for (const [name, cause, parked] of [
    ['applied', null, null],
    ['denied', 'refused:403:AccessDenied', null],
    ['broken', 'refused:500', LATER],
    ['away', 'unreachable', null],
    ['gone', 'unreachable', LATER],
  ] as const) {
    const account = await addAccount(on, name)
    ids[name] = account.userId
    await attempt(on, account, cause, parked)
  }
  for (const name of ['waits', 'waits too']) ids[name] = (await addAccount(on, name)).userId
  return { on, ids }
}

async function list({ on, ids }: World, request: UnappliedRequest = {}, limit = 100): Promise<string[]> {
  const names = new Map(Object.entries(ids).map(([name, id]) => [id, name]))
  const found: string[] = []
  let after: string | undefined
  do {
    const page = await listUnapplied(on.dir, on.provider, { ...request, after, limit })
    assert.ok(page.items.length <= limit)
    found.push(...page.items.map(({ user }) => names.get(user.id) ?? user.id))
    after = page.next ?? undefined
  } while (after !== undefined)
  return found
}

/** Accounts that are not applied. */
export function unappliedSuite(open: OpenStore): void {
  describe('accounts that are not applied', () => {
    test('are listed with names: failing and parked ones first, then those that wait; in pages of any size', async () => {
      const world = await newWorld(open)
      for (const limit of [1, 2, 3, 100])
        assert.deepEqual(await list(world, {}, limit), [
          'denied',
          'broken',
          'away',
          'gone',
          'waits',
          'waits too',
        ])
      const { items } = await listUnapplied(world.on.dir, world.on.provider, { limit: 2 })
      const [denied, broken] = items
      assert.partialDeepStrictEqual(denied, {
        organization: { id: world.on.customerId },
        tenant: { id: world.on.tenantId },
        state: 'failing',
        isRemoval: false,
        cause: { code: 'refused', status: 403, platformCode: 'AccessDenied' },
        error: 'it is refused:403:AccessDenied',
        dueAt: LATER,
      })
      assert.partialDeepStrictEqual(broken, { state: 'parked', cause: { code: 'refused', status: 500 } })
    })

    test('are found by state, by cause with or without details, and by tenant', async () => {
      const world = await newWorld(open)
      const { on } = world
      assert.deepEqual(await list(world, { state: 'parked' }), ['broken', 'gone'])
      assert.deepEqual(await list(world, { state: 'failing' }, 1), ['denied', 'away'])
      assert.deepEqual(await list(world, { state: 'waiting' }, 1), ['waits', 'waits too'])
      assert.deepEqual(await list(world, { cause: 'refused' }, 1), ['denied', 'broken'])
      assert.deepEqual(await list(world, { cause: 'refused:500' }), ['broken'])
      assert.deepEqual(await list(world, { cause: 'unreachable', state: 'parked' }), ['gone'])
      assert.deepEqual(await list(world, { cause: 'unreach' }), [])
      assert.deepEqual(await list(world, { cause: 'late', state: 'waiting' }), [])
      assert.equal((await list(world, { tenantId: on.tenantId }, 2)).length, 6)
      await assert.rejects(list(world, { tenantId: 'none' }), refusedAs('tenant_not_found'))
    })

    test('are counted by cause, and applied ones without reading each', async () => {
      const { on } = await newWorld(open)
      const { waiting, failing, parked, causes } = await countUnapplied(on.dir, on.provider)
      assert.deepEqual([waiting, failing, parked], [2, 2, 2])
      assert.deepEqual(
        causes.map(({ cause, count, more, parked, error }) => [
          cause.code,
          cause.status,
          count,
          more,
          parked,
          error,
        ]),
        [
          ['unreachable', null, 2, false, 1, 'it is unreachable'],
          ['refused', 403, 1, false, 0, 'it is refused:403:AccessDenied'],
          ['refused', 500, 1, false, 1, 'it is refused:500'],
        ],
      )
      assert.equal(await countAppliedAccounts(on.dir), 1)
    })

    test('are counted in parts of any size', async () => {
      const { on } = await newWorld(open)
      for (const limit of [1, 2, 4, 6, 9]) {
        const parts: BacklogPart[] = []
        do {
          const after = parts.at(-1)?.next
          parts.push(await on.dir.store.read((tx) => selectBacklogPart(tx, { after, limit })))
        } while (parts.at(-1)?.next)
        const sum = (state: UnappliedState): number =>
          parts.reduce((all, { counts }) => all + counts[state], 0)
        assert.deepEqual([sum('waiting'), sum('failing'), sum('parked')], [2, 2, 2])
        assert.ok(parts.length <= Math.ceil(6 / limit) + 1)
      }
    })

    test('are retried by cause, by tenant, by user, or all; the log says so', async () => {
      const world = await newWorld(open)
      const { on, ids } = world
      const retry = (request: Parameters<typeof retryAccounts>[2]) =>
        retryAccounts(on.dir, on.provider, request)
      assert.equal(await retry({ cause: 'unreachable' }), 2)
      assert.deepEqual(await list(world, { state: 'parked' }), ['broken'])
      assert.equal(await retry({ userIds: [ids.broken ?? '', newId(), ids.broken?.toUpperCase() ?? ''] }), 1)
      assert.deepEqual(await list(world, { state: 'parked' }), [])
      const [entry] = await readAudit(on.dir)
      assert.deepEqual(
        [entry?.operation, entry?.outcome, entry?.target],
        ['RetryAccounts', 'retried', ids.broken],
      )
      assert.equal(await retry({ tenantId: on.tenantId }), 4)
      assert.equal(await retry({}), 4)
      assert.equal(await retry({ cause: 'late' }), 0)
      const many = Array.from({ length: MAX_RETRIED_USERS + 1 }, newId)
      await assert.rejects(retry({ userIds: many }), refusedAs('invalid', 'userIds'))
    })

    test('of another provider are neither counted nor retried', async () => {
      const { on, ids } = await newWorld(open)
      const root = { id: newId(), kind: 'provider', name: 'Far', providerPk: null, now: AT } as const
      const far = operatorOf(await on.dir.store.write((tx) => insertOrganization(tx, root)))
      const { waiting, failing, parked, oldest, causes } = await countUnapplied(on.dir, far)
      assert.deepEqual([waiting, failing, parked, oldest, causes], [0, 0, 0, null, []])
      assert.equal(await retryAccounts(on.dir, far, { userIds: [ids.broken ?? '', newId()] }), 0)
      assert.equal(await retryAccounts(on.dir, far), 0)
      assert.equal((await countUnapplied(on.dir, on.provider)).parked, 2)
    })

    test('one user is retried by whoever manages them, also after their deletion', async () => {
      const { on, ids } = await newWorld(open)
      const reseller = await addClient(on, on.resellerId)
      assert.equal(await retryUser(on.dir, reseller, ids.away ?? ''), 1)
      await deleteUser(on.dir, on.provider, { user: ids.away ?? '' })
      assert.equal(await retryUser(on.dir, reseller, ids.away ?? ''), 0)
      await assert.rejects(retryUser(on.dir, reseller, newId()), refusedAs('user_not_found'))
      await assert.rejects(retryAccounts(on.dir, reseller), refusedAs('not_permitted'))
      await assert.rejects(listUnapplied(on.dir, reseller, { limit: 1 }), refusedAs('not_permitted'))
      const viewer = await addClient(on, on.setup.provider.id, 'viewer')
      assert.equal((await listUnapplied(on.dir, viewer, { limit: 10 })).items.length, 6)
      await assert.rejects(retryUser(on.dir, viewer, ids.gone ?? ''), refusedAs('not_permitted'))
    })

    test('a cursor of another list, or a text that is none, is refused', async () => {
      const { on } = await newWorld(open)
      const { next } = await listUnapplied(on.dir, on.provider, { limit: 1 })
      assert.ok(next)
      const request = { limit: 1, after: next, state: 'parked' } as const
      await assert.rejects(listUnapplied(on.dir, on.provider, request), refusedAs('invalid', 'after'))
      for (const after of ['', 'x', '\0', 'A'.repeat(9_000)])
        await assert.rejects(
          listUnapplied(on.dir, on.provider, { limit: 1, after }),
          refusedAs('invalid', 'after'),
        )
    })
  })
}
