import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createTenant, deleteTenant } from '../../src/directory/tenants.ts'
import { deleteUser } from '../../src/directory/users.ts'
import type { Account } from '../../src/model/accounts.ts'
import { type PlatformAccount, PlatformError } from '../../src/platform/platform.ts'
import { type CheckReport, checkPlatform } from '../../src/provisioning/check.ts'
import { newFixer } from '../../src/provisioning/fix.ts'
import { Reconciler } from '../../src/provisioning/reconciler.ts'
import {
  addAccount,
  newTestDirectory,
  readAudit,
  refusedAs,
  type TestDirectory,
} from '../support/directories.ts'
import { type FakePlatform, newFakePlatform, only } from '../support/platform.ts'
import type { OpenStore } from '../support/stores.ts'

const QUIET = {
  log: { warn: () => undefined, error: () => undefined },
  observeAttempt: () => undefined,
}

interface World {
  readonly on: TestDirectory
  readonly platform: FakePlatform
  readonly reconciler: Reconciler
  /** Three of them, all applied. */
  readonly accounts: readonly [Account, Account, Account]
}

async function newWorld(open: OpenStore): Promise<World> {
  const platform = newFakePlatform()
  const on = await newTestDirectory(open, platform.name)
  const reconciler = new Reconciler(on.dir, only(platform), QUIET)
  const add = (orgUserId: string): Promise<Account> => addAccount(on, orgUserId)
  const accounts = [await add('ada'), await add('bob'), await add('eve')] as const
  await reconciler.drain()
  return { on, platform, reconciler, accounts: [...accounts] }
}

function check({ on, platform }: World, tenantId?: string): Promise<CheckReport> {
  const deps = { dir: on.dir, platforms: only(platform) }
  return checkPlatform(deps, on.operator, { platform: platform.name, tenantId })
}

async function fix({ on, platform }: World, waitMs?: number): Promise<CheckReport> {
  const deps = { dir: on.dir, platforms: only(platform) }
  const fixer = newFixer(deps, on.operator, waitMs)
  try {
    return await checkPlatform(deps, on.operator, { platform: platform.name, fixer })
  } finally {
    await fixer.stop()
  }
}

/** Which accounts differ and how, by user id. */
function kindsOf({ findings }: CheckReport): Record<string, string> {
  return Object.fromEntries(findings.map((one) => [one.userId, one.drift.map((drift) => drift.kind).join()]))
}

function byHand({ platform }: World, account: Account, change: Partial<PlatformAccount>): void {
  const held = platform.accounts.get(account.canonicalUserId)
  assert.ok(held)
  platform.accounts.set(account.canonicalUserId, { ...held, ...change })
}

export function checkSuite(open: OpenStore): void {
  describe('checking a platform', () => {
    findTests(open)
    fixTests(open)
  })
}

function findTests(open: OpenStore): void {
  test('a platform that has what is wanted shows no drift, and nothing is written', async () => {
    const world = await newWorld(open)
    const before = (await readAudit(world.on.dir)).length
    assert.deepEqual(await check(world), { checked: 3, unapplied: 0, findings: [] })
    assert.deepEqual(await fix(world), { checked: 3, unapplied: 0, findings: [] })
    assert.equal((await readAudit(world.on.dir)).length, before)
    assert.equal(world.platform.calls.length, 3)
  })

  test('what was changed by hand is found, and left alone', async () => {
    const world = await newWorld(open)
    const { platform, accounts } = world
    const [ada, bob, eve] = accounts
    platform.accounts.delete(ada.canonicalUserId)
    byHand(world, bob, { status: 'suspended', displayName: 'Robert' })
    byHand(world, eve, { keys: [{ accessKey: 'HAND', secretKey: 'made', active: true }] })
    const found = await check(world)
    assert.deepEqual(kindsOf(found), {
      [ada.userId]: 'missing',
      [bob.userId]: 'suspended,name',
      [eve.userId]: 'key_missing,key_foreign',
    })
    assert.ok(found.findings.every((one) => !one.fixed && one.error === null))
    assert.deepEqual(kindsOf(await check(world)), kindsOf(found))
  })

  test('an account that was removed and is there again is found', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler, accounts } = world
    const [ada] = accounts
    const held = platform.accounts.get(ada.canonicalUserId)
    await deleteUser(on.dir, on.operator, ada.userId)
    await reconciler.drain()
    assert.deepEqual((await check(world)).findings, [])
    assert.ok(held)
    platform.accounts.set(ada.canonicalUserId, held)
    assert.deepEqual(kindsOf(await check(world)), { [ada.userId]: 'present' })
  })

  test('an active account in a tenant of ours that is not in the directory is found, and no other', async () => {
    const world = await newWorld(open)
    const { on, platform, accounts } = world
    const held = platform.accounts.get(accounts[0].canonicalUserId) ?? assert.fail()
    const second = await createTenant(on.dir, on.osis, { name: 'second', orgIds: ['org of the second'] })
    const [first, other] = [`${on.tenantId}$stranger`, `${second.id}$other`]
    const ofNobody = ['elsewhere$stranger', 'admin', `${on.tenantId}$oidc$sub`, `${on.tenantId}$`]
    for (const id of [first, other, ...ofNobody]) platform.accounts.set(id, held)
    platform.accounts.set(`${on.tenantId}$locked`, { ...held, status: 'suspended' })
    const found = await check(world)
    assert.deepEqual([found.checked, kindsOf(found)], [3, { stranger: 'foreign', other: 'foreign' }])
    assert.ok(found.findings.every((one) => !one.fixed))
    assert.deepEqual(kindsOf(await check(world, on.tenantId)), { stranger: 'foreign' })
    await deleteTenant(on.dir, on.osis, { tenantId: on.tenantId, purge: true })
    await world.reconciler.drain()
    assert.deepEqual(kindsOf(await check(world)), { stranger: 'foreign', other: 'foreign' })
  })

  test('a foreign account that has gone before it is looked at is none', async () => {
    const world = await newWorld(open)
    const ids = [`${world.on.tenantId}$ghost`]
    const ghostly = { ...world.platform, listIds: async () => ({ ids, next: null }) }
    assert.deepEqual((await check({ ...world, platform: ghostly })).findings, [])
  })

  test('a platform that does not tell its accounts ends the check before anything is mended', async () => {
    const world = await newWorld(open)
    const { platform, accounts } = world
    platform.accounts.delete(accounts[0].canonicalUserId)
    const silent = { ...platform, listIds: () => Promise.reject(new PlatformError('not telling')) }
    await assert.rejects(fix({ ...world, platform: silent }), /not telling/)
    assert.equal(platform.accounts.has(accounts[0].canonicalUserId), false)
  })

  test('what has yet to be applied is counted, and is no drift', async () => {
    const world = await newWorld(open)
    const { on, platform, accounts } = world
    await deleteUser(on.dir, on.operator, accounts[0].userId)
    platform.accounts.delete(accounts[0].canonicalUserId)
    assert.deepEqual(await check(world), { checked: 2, unapplied: 1, findings: [] })
  })

  test('what is changed while it is being read is no drift', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler, accounts } = world
    const [ada] = accounts
    let changed = false
    const racing = {
      ...platform,
      read: async (id: string, signal: AbortSignal) => {
        if (id === ada.canonicalUserId && !changed) {
          changed = true
          await deleteUser(on.dir, on.operator, ada.userId)
          await reconciler.drain()
        }
        return platform.read(id, signal)
      },
    }
    const report = await check({ ...world, platform: racing })
    assert.deepEqual([changed, report.findings], [true, []])
  })

  test('one tenant alone can be checked, also after its deletion, and an unknown one is refused', async () => {
    const world = await newWorld(open)
    assert.equal((await check(world, world.on.tenantId)).checked, 3)
    await assert.rejects(check(world, 'nobody'), refusedAs('tenant_not_found'))
  })

  test('accounts beyond a page are all read', async () => {
    const world = await newWorld(open)
    const { on, reconciler, platform } = world
    for (let i = 0; i < 40; i++) await addAccount(on, `u${i}`)
    await reconciler.drain()
    platform.accounts.clear()
    const report = await check(world)
    assert.deepEqual([report.checked, report.findings.length], [43, 43])
  })

  test('a platform that is down ends the check; an account that cannot be read is a finding', async () => {
    const world = await newWorld(open)
    const { on, platform, accounts } = world
    const picky = {
      ...platform,
      read: (id: string, signal: AbortSignal) =>
        id === accounts[1].canonicalUserId
          ? Promise.reject(new PlatformError('no such thing'))
          : platform.read(id, signal),
    }
    const report = await check({ ...world, platform: picky })
    assert.deepEqual(report.findings, [
      {
        ...{ userId: accounts[1].userId, tenantId: on.tenantId },
        ...{ drift: [], fixed: false, error: 'no such thing' },
      },
    ])
    platform.say({ version: '1', health: 'ERROR', reason: 'out of order' })
    await assert.rejects(check(world), /out of order/)
  })
}

function fixTests(open: OpenStore): void {
  test('drift of every kind is mended, read back, and audited as the operator', async () => {
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

  test('an account that is there again is removed again, but not with data', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler, accounts } = world
    const [ada, bob] = accounts
    const held = structuredClone(platform.accounts)
    for (const one of [ada, bob]) await deleteUser(on.dir, on.operator, one.userId)
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

  test('who is no operator suspends no foreign account', async () => {
    const { on, platform } = await newWorld(open)
    const foreign = { tenantId: on.tenantId, userId: 'x', canonicalUserId: `${on.tenantId}$x` }
    const fixer = newFixer({ dir: on.dir, platforms: only(platform) }, on.osis)
    await assert.rejects(fixer.suspendForeign(platform, foreign), refusedAs('not_permitted'))
    await fixer.stop()
  })

  test('an account that comes into the directory while it is taken for a foreign one stays', async () => {
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

  test('what cannot be mended is left with the reason, and is tried on', async () => {
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

  test('two that mend at once, beside one that serves, leave what is wanted', async () => {
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
