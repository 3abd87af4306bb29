import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { deleteAccount, updateAccount } from '../../src/directory/accounts.ts'
import { RgwRefusal, RgwUnreachable } from '../../src/platform/ceph-rgw/errors.ts'
import { DataLeftError, lateResponse } from '../../src/platform/platform.ts'
import { Reconciler } from '../../src/provisioning/reconciler.ts'
import { selectAttemptsOfUser } from '../../src/store/accounts/attempts.ts'
import { StoreError } from '../../src/store/port.ts'
import { only } from '../support/platform.ts'
import type { OpenStore } from '../support/stores.ts'
import { failOften, newClaimed, newWorld, pass, QUIET, stateOf, type World } from './reconciler-world.ts'

async function listAttempts({ on, account }: Pick<World, 'on' | 'account'>) {
  return on.dir.store.read((tx) => selectAttemptsOfUser(tx, account.userPk, { limit: 100 }))
}

async function causeOf({ on, account }: World): Promise<string | null | undefined> {
  const [row] = await on.dir.store.read((tx) =>
    tx.query((db) => db.selectFrom('accounts').select('cause').where('pk', '=', account.pk)),
  )
  return row?.cause
}

/** Lets the account fail once with an error. Returns the stored cause. */
async function failWith(world: World, error: unknown): Promise<string | null | undefined> {
  world.platform.behave(() => Promise.reject(error))
  pass(world.on, (await stateOf(world)).dueIn)
  await world.reconciler.drain()
  return causeOf(world)
}

/** The attempts that the reconciler keeps, and the causes of failures. */
export function keptAttemptsSuite(open: OpenStore): void {
  describe('the attempts that the reconciler keeps', () => {
    test('failures have a cause from the closed list, which goes with the failure', async () => {
      const world = await newWorld(open)
      const causes: (string | null | undefined)[] = []
      for (const error of [
        new RgwUnreachable('http://localhost', new Error('ECONNREFUSED')),
        new RgwUnreachable('https://localhost', new Error('tls'), 'it has expired'),
        new RgwRefusal('GET /admin/user', 403, 'InvalidAccessKeyId'),
        new RgwRefusal('GET /admin/user', 502, ''),
        lateResponse('late'),
        new StoreError('failed', 'down'),
        new Error('a bug'),
        'no error at all',
      ])
        causes.push(await failWith(world, error))
      const expected = ['unreachable', 'certificate', 'refused:403:InvalidAccessKeyId', 'refused:502', 'late']
      assert.deepEqual(causes, [...expected, 'store', 'other', 'other'])
      world.platform.succeed()
      pass(world.on, (await stateOf(world)).dueIn)
      await world.reconciler.drain()
      assert.equal(await causeOf(world), null)
      const kept = await listAttempts(world)
      // Two equal failures are one.
      assert.equal(kept.length, 9)
      assert.deepEqual([kept[0]?.outcome, kept[0]?.cause, kept[0]?.error], ['applied', null, null])
    })

    test('an account of a platform without settings is not configured', async () => {
      const world = await newWorld(open)
      const other = new Reconciler(world.on.dir, only({ ...world.platform, name: 'other' }), QUIET)
      await other.drain()
      assert.equal(await causeOf(world), 'not_configured')
    })

    test('a success that ends no failure is not kept; one that does is, and says what it applied', async () => {
      const world = await newWorld(open)
      await world.reconciler.drain()
      assert.deepEqual(await listAttempts(world), [])
      const { account, on } = world
      await updateAccount(on.dir, on.osis, { ...account, active: false })
      const changedAt = on.clock.now.toISOString()
      await failOften(world, 3)
      world.platform.succeed()
      await world.reconciler.drain()
      const kept = await listAttempts(world)
      assert.deepEqual(
        kept.map(({ outcome, count, version }) => [outcome, count, version]),
        [
          ['applied', 1, 2],
          ['failed', 3, 2],
        ],
      )
      for (const one of kept) {
        assert.equal(one.changedAt, changedAt)
        assert.match(one.node, /^.+:\d+$/)
        assert.ok(Number.isInteger(one.ms) && one.ms >= 0)
      }
      await updateAccount(on.dir, on.osis, { ...account, active: true })
      await world.reconciler.drain()
      assert.equal((await listAttempts(world)).length, 2)
    })

    test('a failed first attempt of a new account is kept as one of its create', async () => {
      const world = await newClaimed(open)
      world.platform.fail('refused')
      await world.reconciler.settleNew(world.account, world.credential, 5_000)
      const [first] = await listAttempts(world)
      assert.partialDeepStrictEqual(first, {
        outcome: 'failed',
        version: 1,
        changedAt: world.account.createdAt,
        error: 'refused',
      })
    })

    test('an attempt counts to the change that it applied, also if another follows meanwhile', async () => {
      const world = await newWorld(open)
      const { account, on } = world
      const changedAt = account.createdAt
      world.platform.behave(async () => {
        pass(on, 1_000)
        await updateAccount(on.dir, on.osis, { ...account, active: false })
        throw new Error('refused')
      })
      const [pk] = [account.pk]
      await world.reconciler.settle({ ...account, pk }, 5_000)
      const [kept] = (await listAttempts(world)).slice(-1)
      assert.deepEqual([kept?.version, kept?.changedAt], [1, changedAt])
      world.platform.succeed()
      await world.reconciler.drain()
    })

    test('a removal that finds data is kept with its cause', async () => {
      const world = await newWorld(open)
      await world.reconciler.drain()
      const { account, on, platform } = world
      platform.buckets.set(account.canonicalUserId, [{ name: 'b', createdAt: '', owner: '' }])
      await deleteAccount(on.dir, on.osis, { ...account, purge: false })
      await world.reconciler.drain()
      const kept = await listAttempts(world)
      assert.deepEqual(
        kept.map(({ outcome, cause, version }) => [outcome, cause?.code, version]),
        [['data_left', 'data_left', 2]],
      )
      assert.equal(new DataLeftError('x').toCause().code, 'data_left')
    })

    test('a removed account that can still be read is a failure with its own cause', async () => {
      const world = await newWorld(open)
      await world.reconciler.drain()
      const { account, on, platform } = world
      await deleteAccount(on.dir, on.osis, { ...account, purge: false })
      const held = platform.accounts.get(account.canonicalUserId) ?? assert.fail()
      const still = { ...platform, read: async () => held }
      await new Reconciler(on.dir, only(still), QUIET).drain()
      assert.equal(await causeOf(world), 'still_there')
    })
  })
}
