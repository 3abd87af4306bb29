import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { selectAuditEntries } from '../../src/store/audit/entries.ts'
import { rounds } from '../../testing/full-length.ts'
import { NOW } from '../support/rows.ts'
import type { OpenTampered } from '../support/stores.ts'
import { ENTRIES, FIELDS, openLog, pkOf } from './audit-log.ts'

/** Random changes of the log, and lists of entries. */
export function auditListSuite(open: OpenTampered): void {
  describe('the audit log, at random and in lists', () => {
    randomTests(open)
    listTests(open)
  })
}

function randomTests(open: OpenTampered): void {
  const text = fc.string({ unit: 'grapheme', maxLength: 30 }).map((value) => `forged ${value}`)
  const key = fc.integer({ min: 1_000, max: 9_000 })
  const block = fc.integer({ min: 1, max: 5 })
  const inEntries = fc.record({
    table: fc.constant('audit_entries'),
    row: fc.constantFrom(...ENTRIES).map((id) => `id = '${id}'`),
    change: fc.oneof(
      fc.tuple(fc.constantFrom(...FIELDS), text),
      fc.tuple(fc.constantFrom('block', 'position', 'pk'), key),
      fc.tuple(fc.constantFrom('block', 'position', 'hash'), fc.constant(null)),
    ),
  })
  const inBlocks = fc.record({
    table: fc.constant('audit_blocks'),
    row: block.map((number) => `number = ${number}`),
    change: fc.oneof(
      fc.tuple(fc.constantFrom('previous_hash', 'seal'), text),
      fc.tuple(fc.constantFrom('number', 'entries', 'first_pk'), key),
      fc.tuple(fc.constant('last_pk'), fc.integer({ min: -9, max: 0 })),
    ),
  })

  test('every change of any field of any row is found', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(inEntries, inBlocks), async ({ table, row, change: [column, value] }) => {
        const log = await openLog(open)
        const before = await log.verify()
        await log.tamper(`UPDATE ${table} SET ${column} = ? WHERE ${row}`, value)
        const { faults, head } = await log.verify()
        await log.release()
        // A new hash of the newest block shows only in comparison with the hash that was noted.
        assert.ok(faults.length > 0 || head.hash !== before.head.hash)
      }),
      { numRuns: rounds(12, 40) },
    )
  })
}

function listTests(open: OpenTampered): void {
  test('entries are listed newest first, in pages, with their content', async () => {
    const log = await openLog(open)
    const list = (filter: object): Promise<string[]> =>
      log.store.read(async (tx) =>
        (await selectAuditEntries(tx, { limit: 4, ...filter })).map((entry) => entry.id),
      )
    assert.deepEqual(await list({}), ['e2', 'e1', 'e0', 'd0'])
    assert.deepEqual(await list({ before: await pkOf(log, 'd0') }), ['c3', 'c2', 'c1', 'c0'])
    assert.deepEqual(await list({ target: 't-b1' }), ['b1'])
    for (const filter of ['operation', 'status', 'caller', 'organization', 'correlationId'])
      assert.deepEqual(await list({ [filter]: 'none' }), [])
    assert.equal((await list({ since: NOW })).length, 4)
    assert.deepEqual(await list({ since: '2026-11-22T08:00:00.001Z' }), [])
  })

  test('a log with a damaged list of fields can still be listed', async () => {
    const log = await openLog(open)
    await log.tamper("UPDATE audit_entries SET changed_fields = 'forged' WHERE id = 'c2'")
    const [entry] = await log.store.read((tx) => selectAuditEntries(tx, { target: 't-c2', limit: 1 }))
    assert.deepEqual(entry?.changedFields, ['forged'])
  })
}
