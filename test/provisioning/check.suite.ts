import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createTenant, deleteTenant } from '../../src/directory/tenants.ts'
import { deleteUser } from '../../src/directory/user-changes.ts'
import { PlatformError } from '../../src/platform/platform.ts'
import { checkPlatform } from '../../src/provisioning/check.ts'
import { addAccount, readAudit, refusedAs } from '../support/directories.ts'
import { only } from '../support/platform.ts'
import type { OpenStore } from '../support/stores.ts'

import { byHand, check, fix, kindsOf, newWorld } from './check-world.ts'

/** A check finds where a platform differs from the directory. */
export function checkSuite(open: OpenStore): void {
  describe('checking a platform', () => findTests(open))
}

function findTests(open: OpenStore): void {
  test('a platform in the desired state shows no drift, and nothing is written', async () => {
    const world = await newWorld(open)
    const before = (await readAudit(world.on.dir)).length
    assert.deepEqual(await check(world), { checked: 3, unapplied: 0, findings: [] })
    assert.deepEqual(await fix(world), { checked: 3, unapplied: 0, findings: [] })
    assert.equal((await readAudit(world.on.dir)).length, before)
    assert.equal(world.platform.calls.length, 3)
  })

  test('manual changes are found, and not undone', async () => {
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

  test('an account that was removed and has returned is found', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler, accounts } = world
    const [ada] = accounts
    const held = platform.accounts.get(ada.canonicalUserId)
    await deleteUser(on.dir, on.operator, { user: ada.userId })
    await reconciler.drain()
    assert.deepEqual((await check(world)).findings, [])
    assert.ok(held)
    platform.accounts.set(ada.canonicalUserId, held)
    assert.deepEqual(kindsOf(await check(world)), { [ada.userId]: 'present' })
  })

  test('an active account in a tenant of the directory that the directory does not have is found, and no other', async () => {
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

  test('a foreign account that disappears before it is read is not reported', async () => {
    const world = await newWorld(open)
    const ids = [`${world.on.tenantId}$ghost`]
    const ghostly = { ...world.platform, listIds: async () => ({ ids, next: null }) }
    assert.deepEqual((await check({ ...world, platform: ghostly })).findings, [])
  })

  test('a platform that cannot list its accounts ends the check before anything is fixed', async () => {
    const world = await newWorld(open)
    const { platform, accounts } = world
    platform.accounts.delete(accounts[0].canonicalUserId)
    const silent = { ...platform, listIds: () => Promise.reject(new PlatformError('not telling')) }
    await assert.rejects(fix({ ...world, platform: silent }), /not telling/)
    assert.equal(platform.accounts.has(accounts[0].canonicalUserId), false)
  })

  test('an account that is not applied yet is counted, and is not drift', async () => {
    const world = await newWorld(open)
    const { on, platform, accounts } = world
    await deleteUser(on.dir, on.operator, { user: accounts[0].userId })
    platform.accounts.delete(accounts[0].canonicalUserId)
    assert.deepEqual(await check(world), { checked: 2, unapplied: 1, findings: [] })
  })

  test('a change while the account is being read is not drift', async () => {
    const world = await newWorld(open)
    const { on, platform, reconciler, accounts } = world
    const [ada] = accounts
    let changed = false
    const racing = {
      ...platform,
      read: async (id: string, signal: AbortSignal) => {
        if (id === ada.canonicalUserId && !changed) {
          changed = true
          await deleteUser(on.dir, on.operator, { user: ada.userId })
          await reconciler.drain()
        }
        return platform.read(id, signal)
      },
    }
    const report = await check({ ...world, platform: racing })
    assert.deepEqual([changed, report.findings], [true, []])
  })

  test('one tenant can be checked, also after its deletion, and an unknown one is refused', async () => {
    const world = await newWorld(open)
    assert.equal((await check(world, world.on.tenantId)).checked, 3)
    await assert.rejects(check(world, 'nobody'), refusedAs('tenant_not_found'))
  })

  test('who may not check learns nothing: neither the directory nor the platform is asked', async () => {
    const world = await newWorld(open)
    const { on, platform } = world
    let asked = 0
    const counting = {
      ...platform,
      status: () => {
        asked++
        return platform.status()
      },
      listIds: (from: string | null, signal: AbortSignal) => {
        asked++
        return platform.listIds(from, signal)
      },
    }
    const deps = { dir: on.dir, platforms: only(counting) }
    for (const tenantId of [undefined, on.tenantId, 'nobody'])
      await assert.rejects(
        checkPlatform(deps, on.osis, { platform: platform.name, tenantId }),
        refusedAs('not_permitted'),
      )
    assert.equal(asked, 0)
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
