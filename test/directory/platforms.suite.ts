import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { newDirectory } from '../../src/directory/directory.ts'
import { listPlatforms, recordMainPlatform } from '../../src/directory/platforms.ts'
import { newSealer } from '../../src/directory/sealing/sealer.ts'
import { moveTenant } from '../../src/directory/tenant-move.ts'
import { createTenant } from '../../src/directory/tenants.ts'
import { selectAccountByPk } from '../../src/store/accounts/accounts.ts'
import { addAccount, newTestDirectory, readAudit, refusedAs } from '../support/directories.ts'
import type { OpenStore } from '../support/stores.ts'

/** The platforms that a directory records. */
export function platformsSuite(open: OpenStore): void {
  describe('the platforms of a directory', () => tests(open))
}

function tests(open: OpenStore): void {
  test('of many processes that start at once with different settings, one decides', async () => {
    const parts = { store: await open(), sealer: newSealer([randomBytes(32)]), ownerForms: new Map() }
    const names = Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? 'one' : 'other'))
    const mains = await Promise.all(
      names.map((platform) => recordMainPlatform(newDirectory({ ...parts, platform }))),
    )
    assert.equal(new Set(mains).size, 1)
    const recorded = await listPlatforms(newDirectory({ ...parts, platform: 'one' }))
    assert.deepEqual(
      recorded.filter(({ isMain }) => isMain).map(({ name }) => name),
      [mains[0]],
    )
  })

  test('a tenant moves from embedded with its orgs and accounts, which are then to be applied', async () => {
    const on = await newTestDirectory(open)
    const account = await addAccount(on)
    const dir = { ...on.dir, platform: 'ceph-rgw', ownerForms: new Map([...on.dir.ownerForms]) }
    const moved = await moveTenant(dir, on.operator, on.tenantId)
    assert.deepEqual([moved.id, moved.platform, moved.orgIds], [on.tenantId, 'ceph-rgw', [on.orgId]])
    const after = await dir.store.read((tx) => selectAccountByPk(tx, account.pk))
    assert.partialDeepStrictEqual(after, {
      ...{ platform: 'ceph-rgw', appliedVersion: 0, canonicalUserId: account.canonicalUserId },
    })
    assert.ok((after?.desiredVersion ?? 0) > account.desiredVersion)
    const [entry] = await readAudit(dir, 1)
    assert.partialDeepStrictEqual(entry, {
      ...{ operation: 'MoveTenant', outcome: 'updated', target: on.tenantId, changedFields: ['platform'] },
    })
    // The org still has one tenant, whatever the settings of a process say.
    for (const one of [dir, on.dir]) {
      const found = await createTenant(one, on.osis, { name: 'Again', orgIds: [on.orgId] })
      assert.equal(found.id, on.tenantId)
    }
    assert.equal((await createTenant(on.dir, on.osis, { name: 'New', orgIds: ['new'] })).platform, 'ceph-rgw')
    assert.equal((await moveTenant(dir, on.operator, on.tenantId)).platform, 'ceph-rgw')
    await assert.rejects(moveTenant(on.dir, on.operator, on.tenantId), refusedAs('tenant_not_movable'))
    await assert.rejects(moveTenant(dir, on.osis, on.tenantId), refusedAs('not_permitted'))
    await assert.rejects(moveTenant(dir, on.operator, 'none'), refusedAs('tenant_not_found'))
  })
}
