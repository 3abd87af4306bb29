import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { listAudit, verifyAudit } from '../../src/directory/audit.ts'
import { checkSecrets } from '../../src/directory/sealing/check.ts'
import { resealSecrets } from '../../src/directory/sealing/rotation.ts'
import { newSealer } from '../../src/directory/sealing/sealer.ts'
import { type AuditDetails, runUnit } from '../../src/directory/unit.ts'
import { diff } from '../../src/model/audit.ts'
import { destroyPersonKey } from '../../src/store/tables/person-keys.ts'
import { newTestDirectory, readAudit, type TestDirectory } from '../support/directories.ts'
import { type OpenStore, TEST_MASTER_KEY } from '../support/stores.ts'

const ADA = { id: 'ada' }
const RENAMED = [
  { name: 'firstName', before: 'Ada', after: 'Augusta' },
  { name: 'groups', before: ['one'], after: [] },
]

function write(on: TestDirectory, details: Partial<AuditDetails>): Promise<void> {
  return runUnit(on.dir, on.operator, { operation: 'CreateOrganization', target: 'ada' }, (unit) =>
    unit.audit({ outcome: 'updated', ...details }),
  )
}

async function readChanges(on: TestDirectory): Promise<unknown> {
  return (await listAudit(on.dir, on.operator, { limit: 1 }))[0]?.changes
}

/** Everything that the database holds about the newest entry and about the keys of persons, as text. */
async function readStored({ dir }: TestDirectory): Promise<string> {
  return dir.store.read(async (tx) => {
    const entries = await tx.query((db) =>
      db.selectFrom('audit_entries').selectAll().orderBy('pk', 'desc').limit(1),
    )
    return JSON.stringify([entries, await tx.query((db) => db.selectFrom('person_keys').selectAll())])
  })
}

/** The values of changed members in the audit log. */
export function auditChangesSuite(open: OpenStore): void {
  describe('changes in the audit log', () => {
    sealingTests(open)
    keyTests(open)
  })
}

function sealingTests(open: OpenStore): void {
  test('personal values are sealed, other values are not, and the list opens them', async () => {
    const on = await newTestDirectory(open)
    await write(on, { changes: RENAMED, person: ADA })
    const [entry] = await readAudit(on.dir, 1)
    assert.deepEqual(entry?.changedFields, ['firstName', 'groups'])
    assert.deepEqual(entry?.changes?.[1], RENAMED[1])
    assert.doesNotMatch(await readStored(on), /Augusta|"Ada"/)
    assert.deepEqual(await readChanges(on), RENAMED)
  })

  test('a change of personal values without the person is an error, and writes nothing', async () => {
    const on = await newTestDirectory(open)
    const [before] = await readAudit(on.dir, 1)
    await assert.rejects(write(on, { changes: RENAMED }), /firstName/)
    assert.deepEqual((await readAudit(on.dir, 1))[0], before)
  })

  test('without a change of personal values no key is made', async () => {
    const on = await newTestDirectory(open)
    await write(on, { changes: RENAMED.slice(1), person: ADA })
    await write(on, { changes: [], person: ADA })
    assert.deepEqual((await checkSecrets(on.dir)).checked, 1)
  })

  test('a sealed value that was copied to another entry does not open there', async () => {
    const on = await newTestDirectory(open)
    await write(on, { changes: RENAMED, person: ADA })
    const [from] = await readAudit(on.dir, 1)
    await write(on, { changes: RENAMED, person: ADA })
    const [to] = await readAudit(on.dir, 1)
    await on.dir.store.sealAudit()
    await on.dir.store.write((tx) =>
      tx.query((db) =>
        db
          .updateTable('audit_entries')
          .set({ changes: JSON.stringify(from?.changes) })
          .where('id', '=', to?.id ?? ''),
      ),
    )
    const hidden = { name: 'firstName', before: null, after: null, erased: true }
    assert.deepEqual(await readChanges(on), [hidden, RENAMED[1]])
    assert.notEqual((await verifyAudit(on.dir, on.operator)).faultCount, 0)
  })

  test('the difference has the members that changed, and only those that were given', () => {
    const user = { firstName: 'Ada', lastName: null, active: true, groups: ['a'] }
    assert.deepEqual(diff(user, { firstName: 'Ada', lastName: 'L', groups: ['a'] }), [
      { name: 'lastName', before: null, after: 'L' },
    ])
    assert.deepEqual(diff(user, { firstName: 'B', active: false }, ['active']), [
      { name: 'active', before: true, after: false },
    ])
  })
}

function keyTests(open: OpenStore): void {
  test('20 first changes of a person at once make one key, and all of them open', async () => {
    const on = await newTestDirectory(open)
    await Promise.all(Array.from({ length: 20 }, () => write(on, { changes: RENAMED, person: ADA })))
    const entries = await listAudit(on.dir, on.operator, { limit: 20 })
    for (const { changes } of entries) assert.deepEqual(changes, RENAMED)
    assert.equal((await checkSecrets(on.dir)).checked, 2)
  })

  test('after the key was destroyed, the values are lost, later ones are not kept, and the log is intact', async () => {
    const on = await newTestDirectory(open)
    await write(on, { changes: RENAMED, person: ADA })
    await write(on, { changes: RENAMED, person: { id: 'grace' } })
    const destroy = () => on.dir.store.write((tx) => destroyPersonKey(tx, 'ada', on.clock.now.toISOString()))
    assert.deepEqual([await destroy(), await destroy()], [true, false])
    assert.deepEqual(await readChanges(on), RENAMED)
    await write(on, { changes: RENAMED, person: ADA })
    const lost = { name: 'firstName', before: null, after: null, erased: true }
    for (const { changes } of (await listAudit(on.dir, on.operator, { limit: 3 })).filter((_, i) => i !== 1))
      assert.deepEqual(changes, [lost, RENAMED[1]])
    assert.equal((await verifyAudit(on.dir, on.operator)).faultCount, 0)
  })

  test('a rotation of the master key seals the keys of persons again', async () => {
    const on = await newTestDirectory(open)
    await write(on, { changes: RENAMED, person: ADA })
    await on.dir.store.write((tx) => destroyPersonKey(tx, 'grace', on.clock.now.toISOString()))
    const key = randomBytes(32)
    const { checked, unopened } = await resealSecrets(on.dir, on.operator, [key, TEST_MASTER_KEY])
    assert.deepEqual([checked, unopened], [2, []])
    const rotated = { ...on, dir: { ...on.dir, sealer: newSealer([key]) } }
    const [, renamed] = await listAudit(rotated.dir, on.operator, { limit: 2 })
    assert.deepEqual(renamed?.changes, RENAMED)
  })
}
