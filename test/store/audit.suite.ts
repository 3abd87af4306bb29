import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { GENESIS_HASH, toBlockRow } from '../../src/store/audit/block-rows.ts'
import { hashEntry } from '../../src/store/audit/entry-rows.ts'
import { rounds } from '../../testing/full-length.ts'
import { newEntry, putEntries } from '../support/rows.ts'
import { type OpenTampered, TEST_AUDIT_KEY } from '../support/stores.ts'
import { FIELDS, type Log, names, openLog, pkOf } from './audit-log.ts'

/** Tests that every manipulation of the audit log is found. */
export function auditSuite(open: OpenTampered): void {
  describe('the audit log', () => {
    test('an empty log and an unchanged log have no faults', async () => {
      const { store } = await open()
      const empty = await store.verifyAudit()
      assert.deepEqual(empty, {
        entries: 0,
        blocks: 0,
        unsealed: 0,
        head: { block: 0, hash: GENESIS_HASH },
        keyedFrom: 1,
        faultCount: 0,
        faults: [],
      })
      const verdict = await (await openLog(open)).verify()
      assert.deepEqual([verdict.entries, verdict.unsealed, verdict.faults], [11, 0, []])
      assert.equal(verdict.head.block, verdict.blocks)
    })

    test('the log has no faults, however its entries are distributed over commits', async () => {
      const { store } = await open()
      const sizes = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 8 })
      let written = 0
      await fc.assert(
        fc.asyncProperty(sizes, async (list) => {
          await Promise.all(
            list.map((size) => putEntries(store, ...Array.from({ length: size }, () => newEntry()))),
          )
          written += list.reduce((sum, size) => sum + size, 0)
          await store.sealAudit()
          const { entries, unsealed, faults } = await store.verifyAudit()
          assert.deepEqual([entries, unsealed, faults], [written, 0, []])
        }),
        { numRuns: rounds(8, 20) },
      )
    })

    changeTests(open)
    removalTests(open)
    orderTests(open)
  })
}

function changeTests(open: OpenTampered): void {
  for (const field of FIELDS) {
    test(`an entry whose ${field} was changed is found and named`, async () => {
      const log = await openLog(open)
      await log.tamper(`UPDATE audit_entries SET ${field} = '["forged"]' WHERE id = 'c2'`)
      const faults = await log.faults()
      const name = field === 'id' ? '["forged"]' : 'c2'
      assert.ok(
        faults.some(({ entry, fault, block }) => entry === name && fault === 'changed' && block === 3),
      )
    })
  }

  for (const field of ['portal', 'organization', 'target', 'address']) {
    test(`an entry whose ${field} was deleted is found and named`, async () => {
      const log = await openLog(open)
      await log.tamper(`UPDATE audit_entries SET ${field} = NULL WHERE id = 'e2'`)
      assert.ok((await log.faults()).some(({ entry, fault }) => entry === 'e2' && fault === 'changed'))
    })
  }

  test('an entry that was changed together with its hash is found by its block', async () => {
    const log = await openLog(open)
    const hash = hashEntry(newEntry({ id: 'c2' }), 'forged', { block: 3, position: 2 })
    await log.tamper("UPDATE audit_entries SET caller = 'forged', hash = ? WHERE id = 'c2'", hash)
    assert.ok((await log.faults()).some(({ block }) => block === 3))
  })

  test('an entry that was changed together with its block is found by the block after', async () => {
    const log = await openLog(open)
    const before = await log.verify()
    const forged = newEntry({ id: 'd0', target: 'forged' })
    const hash = hashEntry(forged, 'client', { block: 4, position: 0 })
    const { id, correlationId, target } = forged
    const content = 'target = ?, correlation_id = ?, hash = ?'
    await log.tamper(`UPDATE audit_entries SET ${content} WHERE id = ?`, target, correlationId, hash, id)
    const [previous] = await readBlock(log, 4)
    const block = { number: 4, previousHash: previous ?? '', hashes: [hash] }
    const { seal } = toBlockRow({ block, first: 0, last: 0 }, TEST_AUDIT_KEY)
    await log.tamper('UPDATE audit_blocks SET seal = ? WHERE number = 4', seal)
    assert.deepEqual(await log.faults(), [{ block: 5, position: null, entry: null, fault: 'block_changed' }])
    assert.deepEqual((await log.verify()).head, before.head)
  })
}

async function readBlock(log: Log, number: number): Promise<string[]> {
  const rows = await log.store.read((tx) =>
    tx.query((db) =>
      db.selectFrom('audit_blocks').select(['previous_hash', 'seal']).where('number', '=', number),
    ),
  )
  return rows.flatMap((row) => [row.previous_hash, row.seal])
}

function removalTests(open: OpenTampered): void {
  for (const entry of ['a0', 'c0', 'c1', 'c3', 'd0', 'e2']) {
    test(`the removed entry ${entry} is found and its position is named`, async () => {
      const log = await openLog(open)
      await log.tamper('DELETE FROM audit_entries WHERE id = ?', entry)
      const place = { block: 'abcde'.indexOf(entry.charAt(0)) + 1, position: Number(entry.charAt(1)) }
      assert.deepEqual(await log.faults(), [{ ...place, entry: null, fault: 'removed' }])
    })
  }

  test('if all entries of a block were removed, all are named', async () => {
    const log = await openLog(open)
    await log.tamper("DELETE FROM audit_entries WHERE id LIKE 'c%'")
    const faults = await log.faults()
    assert.equal(faults[0]?.through, 3)
    assert.deepEqual(
      faults.map(({ block, position, fault }) => [block, position, fault]),
      [[3, 0, 'removed']],
    )
  })

  test('an entry that was taken out of its block is found', async () => {
    const log = await openLog(open)
    await log.tamper("UPDATE audit_entries SET block = NULL, position = NULL, hash = NULL WHERE id = 'c1'")
    assert.ok(names(await log.faults(), { block: 3, position: 1, entry: 'c1' }))
  })

  test('a log whose end was cut off is found by its head', async () => {
    const log = await openLog(open)
    const before = await log.verify()
    await log.tamper('DELETE FROM audit_entries WHERE block = 5')
    await log.tamper('DELETE FROM audit_blocks WHERE number = 5')
    const after = await log.verify()
    assert.deepEqual(after.faults, [])
    assert.deepEqual([before.head.block, after.head.block], [5, 4])
    assert.notEqual(after.head.hash, before.head.hash)
    await putEntries(log.store, newEntry())
    await log.store.sealAudit()
    const grown = await log.verify()
    assert.equal(grown.head.block, 5)
    assert.notEqual(grown.head.hash, before.head.hash)
  })
}

function orderTests(open: OpenTampered): void {
  for (const [one, other] of [
    ['c0', 'c3'],
    ['b1', 'c0'],
    ['a0', 'd0'],
  ] as const) {
    test(`swapped contents of ${one} and ${other} are found, and both are named`, async () => {
      const log = await openLog(open)
      await swapContents(log, FIELDS, one, other)
      const faults = await log.faults()
      for (const id of [one, other]) assert.ok(faults.some((fault) => fault.entry === id))
    })

    test(`swapped positions of ${one} and ${other} are found`, async () => {
      const log = await openLog(open)
      await swapContents(log, ['block', 'position'], one, other)
      assert.ok((await log.faults()).length > 0)
    })

    test(`a swapped order of ${one} and ${other} is found`, async () => {
      const log = await openLog(open)
      const [first, second] = [await pkOf(log, one), await pkOf(log, other)]
      await log.tamper('UPDATE audit_entries SET pk = -1 WHERE id = ?', one)
      await log.tamper('UPDATE audit_entries SET pk = ? WHERE id = ?', first, other)
      await log.tamper('UPDATE audit_entries SET pk = ? WHERE id = ?', second, one)
      assert.ok((await log.faults()).length > 0)
    })
  }
}

type Row = Record<string, string | number | null>

async function swapContents(log: Log, columns: readonly string[], one: string, other: string): Promise<void> {
  const [first, second] = [await pkOf(log, one), await pkOf(log, other)]
  const rows = await log.store.read((tx) => tx.query((db) => db.selectFrom('audit_entries').selectAll()))
  const set = columns.map((column) => `${column} = ?`).join(', ')
  for (const [from, to] of [
    [first, second],
    [second, first],
  ] as const) {
    const row = rows.find(({ pk }) => pk === from) as Row | undefined
    const values = columns.map((column) => row?.[column] ?? null)
    await log.tamper(`UPDATE audit_entries SET ${set} WHERE pk = ?`, ...values, to)
  }
}
