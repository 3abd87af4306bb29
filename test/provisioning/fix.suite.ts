import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { deleteUser } from '../../src/directory/user-changes.ts'
import { PlatformError } from '../../src/platform/platform.ts'
import { newFixer } from '../../src/provisioning/fix.ts'
import { readAudit, refusedAs } from '../support/directories.ts'
import { only } from '../support/platform.ts'
import type { OpenStore } from '../support/stores.ts'

import { byHand, check, fix, kindsOf, newWorld } from './check-world.ts'

/** What a check finds can be fixed. */
export function fixSuite(open: OpenStore): void {
  describe('fixing a platform', () => fixTests(open))
}

function fixTests(open: OpenStore): void {
  test('drift of every kind is fixed, read back, and audited as the operator', async () => {
    const world = await newWorld(open)
    const { on, platform, accounts } = world
    const [ada, bob, eve] = accounts
    const before = structuredClone(platform.accounts)
    platform.accounts.delete(ada.canonicalUserId)
    byHand(world, bob, { status: 'suspended', displayName: 'Robert' })
    byHand(world, eve, { keys: [{ accessKey: 'HAND', secretKey: 'made', active: true }] })
    const { findings } = await fix(world)
    assert.deepEqual(
      findings.map((one) => [one.fixed, one.error]),
      [
        [true, null],
        [true, null],
        [true, null],
      ],
    )
    assert.deepEqual(platform.accounts, before)
    assert.deepEqual((await check(world)).findings, [])
    const entries = (await readAudit(on.dir)).filter((entry) => entry.operation === 'ReapplyAccount')
    assert.deepEqual(
      new Set(entries.map((entry) => entry.target)),
      new Set(accounts.map((one) => one.userId)),
    )
    for (const entry of entries)
      assert.deepEqual([entry.caller.kind, entry.outcome], ['operator', 'reapplied'])
  })

  test('an account that has returned is removed again, but not with data', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler, accounts } = world
    const [ada, bob] = accounts
    const held = structuredClone(platform.accounts)
    for (const one of [ada, bob]) await deleteUser(on.dir, on.operator, { user: one.userId })
    await reconciler.drain()
    for (const [id, account] of held) platform.accounts.set(id, account)
    platform.buckets.set(bob.canonicalUserId, [
      { name: 'b', createdAt: on.clock.now.toISOString(), owner: bob.canonicalUserId },
    ])
    const { findings } = await fix(world)
    assert.deepEqual(
      findings.map((one) => [one.userId, one.fixed, one.error]),
      [
        [ada.userId, true, null],
        [
          bob.userId,
          false,
          'it was removed but owns data; it is now suspended and has no keys: it owns 1 buckets',
        ],
      ],
    )
    assert.deepEqual([platform.accounts.size, platform.buckets.size], [2, 1])
    const { status, keys } = platform.accounts.get(bob.canonicalUserId) ?? assert.fail('it is gone')
    assert.deepEqual([status, keys], ['suspended', []])
    await reconciler.drain()
    assert.deepEqual(kindsOf(await check(world)), { [bob.userId]: 'present' })
  })

  test('a foreign account is suspended, keeps its keys and data, and is audited', async () => {
    const world = await newWorld(open)
    const { on, platform, accounts } = world
    const held = platform.accounts.get(accounts[0].canonicalUserId) ?? assert.fail()
    const id = `${on.tenantId}$stranger`
    platform.accounts.set(id, held)
    const { findings } = await fix(world)
    assert.deepEqual(
      findings.map((one) => [one.userId, one.fixed, one.error]),
      [['stranger', true, null]],
    )
    assert.deepEqual(platform.accounts.get(id), { ...held, status: 'suspended' })
    assert.deepEqual((await fix(world)).findings, [])
    const entries = (await readAudit(on.dir)).filter((entry) => entry.operation === 'SuspendForeignAccount')
    assert.deepEqual(
      entries.map(({ target, caller, organization, outcome, changedFields }) => [
        ...[target, caller.kind, organization, outcome],
        changedFields,
      ]),
      [[id, 'operator', on.customerId, 'updated', ['active']]],
    )
  })

  test('only the operator may suspend a foreign account', async () => {
    const { on, platform } = await newWorld(open)
    const foreign = { tenantId: on.tenantId, userId: 'x', canonicalUserId: `${on.tenantId}$x` }
    const fixer = newFixer({ dir: on.dir, platforms: only(platform) }, on.osis)
    await assert.rejects(fixer.suspendForeign(platform, foreign), refusedAs('not_permitted'))
    await fixer.stop()
  })

  test('an account that the directory gets during the check is not treated as foreign', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler, accounts } = world
    const [ada] = accounts
    // As after a restore from a backup that does not have the account, and a create that brings it back meanwhile.
    const rename = (id: string): Promise<unknown> =>
      on.dir.store.write((tx) =>
        tx.query((db) => db.updateTable('accounts').set({ canonical_user_id: id }).where('pk', '=', ada.pk)),
      )
    const back = () => rename(ada.canonicalUserId)
    const read = async (id: string, signal: AbortSignal) => {
      if (id === ada.canonicalUserId) await back()
      return platform.read(id, signal)
    }
    await rename('lost$ada')
    const { findings } = await fix({ ...world, platform: { ...platform, read } })
    assert.ok(findings.every(({ drift }) => drift.every(({ kind }) => kind !== 'foreign')))
    assert.equal(platform.accounts.get(ada.canonicalUserId)?.status, 'active')

    await rename('lost$ada')
    const suspend = async (id: string, signal: AbortSignal) => {
      await back()
      await platform.suspend(id, signal)
    }
    await fix({ ...world, platform: { ...platform, suspend } })
    await reconciler.drain()
    assert.equal(platform.accounts.get(ada.canonicalUserId)?.status, 'active')
  })

  test('an account that cannot be fixed is reported with the reason, and is tried again', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler, accounts } = world
    const [ada] = accounts
    byHand(world, ada, { status: 'suspended' })
    platform.behave(() => Promise.reject(new PlatformError('refused')))
    const { findings } = await fix(world, 300)
    assert.deepEqual(
      findings.map((one) => [one.userId, one.fixed, one.error]),
      [[ada.userId, false, 'refused']],
    )
    platform.succeed()
    on.clock.now = new Date(on.clock.now.getTime() + 60_000)
    await reconciler.drain()
    assert.deepEqual((await check(world)).findings, [])
  })

  test('two fixes at the same time, and a serving process, lead to the desired state', async () => {
    const world = await newWorld(open)
    const { platform, reconciler } = world
    const before = structuredClone(platform.accounts)
    platform.accounts.clear()
    reconciler.start()
    const reports = await Promise.all([fix(world), fix(world)])
    await reconciler.stop()
    assert.ok(reports.every((report) => report.findings.every((one) => one.fixed)))
    assert.deepEqual(platform.accounts, before)
  })
}
