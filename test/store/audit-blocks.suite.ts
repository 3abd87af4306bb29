import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { hashEntry } from '../../src/store/audit/entry-rows.ts'
import { NOW, newEntry } from '../support/rows.ts'
import type { OpenTampered } from '../support/stores.ts'
import { type Log, names, openLog, pkOf } from './audit-log.ts'

/** Tests that entries which were added later are found, and so are changes of blocks. */
export function auditBlocksSuite(open: OpenTampered): void {
  describe('the blocks of the audit log', () => {
    insertionTests(open)
    blockTests(open)
  })
}

const COLUMNS =
  'id, at, operation, status, outcome, caller, portal, organization, target, correlation_id, changed_fields'

function insertionTests(open: OpenTampered): void {
  const insert = (log: Log, pk: number | null, place: readonly (string | number | null)[]): Promise<void> =>
    log.tamper(
      `INSERT INTO audit_entries (pk, ${COLUMNS}, block, position, hash)
       VALUES (?, 'forged', '${NOW}', 'CreateUser', 'Succeeded', 'created', 'c', NULL, NULL, NULL, 'x', '[]', ?, ?, ?)`,
      pk,
      ...place,
    )
  const hashAt = (block: number, position: number): string =>
    hashEntry(
      {
        ...newEntry({ id: 'forged', address: null, portal: null, organization: null, target: null }),
        correlationId: 'x',
        changedFields: [],
      },
      'c',
      { block, position },
    )

  for (const [block, position] of [
    [3, 1],
    [3, 4],
    [5, 3],
    [6, 0],
  ] as const) {
    test(`an entry that was added later at position ${position} of block ${block}, with the right hash, is found`, async () => {
      const log = await openLog(open)
      await insert(log, 1_000, [block, position, hashAt(block, position)])
      assert.ok(names(await log.faults(), { block, position, entry: 'forged' }))
    })
  }

  test('an entry that was added between the keys of a block is found', async () => {
    const log = await openLog(open)
    const pk = await pkOf(log, 'c1')
    await log.tamper('UPDATE audit_entries SET pk = 1000 WHERE pk = ?', pk)
    await insert(log, pk, [3, 1, hashAt(3, 1)])
    assert.ok((await log.faults()).length > 0)
  })

  test('an entry that was added without a block is not taken for a sealed one', async () => {
    const log = await openLog(open)
    await insert(log, 1_000, [null, null, null])
    const { faults, unsealed } = await log.verify()
    assert.ok(faults.length > 0 || unsealed === 1)
  })
}

function blockTests(open: OpenTampered): void {
  for (const block of [1, 3, 5]) {
    test(`block ${block}, removed without its entries, is found and named`, async () => {
      const log = await openLog(open)
      await log.tamper('DELETE FROM audit_blocks WHERE number = ?', block)
      assert.ok((await log.faults()).some((fault) => fault.block === block))
    })
  }

  for (const block of [1, 3]) {
    test(`block ${block}, removed with its entries, is found and named`, async () => {
      const log = await openLog(open)
      await log.tamper('DELETE FROM audit_entries WHERE block = ?', block)
      await log.tamper('DELETE FROM audit_blocks WHERE number = ?', block)
      assert.deepEqual(await log.faults(), [{ block, position: null, entry: null, fault: 'block_removed' }])
    })
  }

  for (const [change, where] of [
    ["seal = 'forged'", 3],
    ["seal = 'forged'", 5],
    ["previous_hash = 'forged'", 3],
    ["previous_hash = 'forged'", 1],
    ['entries = entries + 1', 3],
    ['entries = entries - 1', 3],
    ['number = 9', 3],
    ['first_pk = first_pk + 1', 3],
    ['last_pk = last_pk - 1', 3],
  ] as const) {
    test(`block ${where} with ${change} is found and named`, async () => {
      const log = await openLog(open)
      await log.tamper(`UPDATE audit_blocks SET ${change} WHERE number = ?`, where)
      assert.ok((await log.faults()).some((fault) => fault.block === where))
    })
  }

  test('a block that claims a million entries is found, without a crash', async () => {
    const log = await openLog(open)
    await log.tamper('UPDATE audit_blocks SET entries = 1000000 WHERE number = 3')
    assert.ok((await log.faults()).some((fault) => fault.block === 3))
  })

  for (const change of ['first_pk = first_pk - 1', 'last_pk = last_pk + 1']) {
    test(`a block that claims more keys than it has entries (${change}) is found`, async () => {
      const log = await openLog(open)
      await log.tamper(`UPDATE audit_blocks SET ${change} WHERE number = 3`)
      assert.ok((await log.faults()).some((fault) => fault.block === 3))
    })
  }
}
