import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, test } from 'node:test'
import type { AuditFaultKind } from '../../src/model/audit-faults.ts'
import { GENESIS_HASH } from '../../src/store/audit/block-rows.ts'
import { toEntry } from '../../src/store/audit/entries.ts'
import { hashEntry } from '../../src/store/audit/entry-rows.ts'
import { newAuditKey } from '../../src/store/audit/keys.ts'
import { type AuditHead, type Store, StoreError } from '../../src/store/port.ts'
import { newEntry, putEntries } from '../support/rows.ts'
import { type OpenTampered, TEST_AUDIT_KEYS } from '../support/stores.ts'
import { type Log, openLog } from './audit-log.ts'

/** Tests that the log cannot be rewritten without the audit key. */
export function auditKeySuite(open: OpenTampered): void {
  describe('the key of the audit log', () => {
    rewriteTests(open)
    keyTests(open)
    expectTests(open)
    sizeTests(open)
  })
}

/** Computes the chain again with plain hashes from a block on, as an attacker can who has no key. */
async function rewrite(log: Log, from: number): Promise<AuditHead> {
  const { blocks, entries } = await log.store.read(async (tx) => ({
    blocks: await tx.query((db) => db.selectFrom('audit_blocks').selectAll().orderBy('number')),
    entries: await tx.query((db) => db.selectFrom('audit_entries').selectAll().orderBy('pk')),
  }))
  let head = { block: 0, hash: GENESIS_HASH }
  for (const { number, previous_hash: kept, seal } of blocks) {
    const own = entries.filter(({ block }) => block === number)
    const hashes: string[] = []
    for (const row of own) {
      const place = { block: number, position: row.position ?? 0 }
      hashes.push(hashEntry(toEntry(row), row.caller, place))
      await log.tamper('UPDATE audit_entries SET hash = ? WHERE pk = ?', hashes.at(-1) ?? '', row.pk)
    }
    const previous = number < from ? kept : head.hash
    const plain = hash('sha256', JSON.stringify([number, previous, ...hashes]), 'base64url')
    head = { block: number, hash: number < from ? seal : plain }
    const set = 'UPDATE audit_blocks SET previous_hash = ?, seal = ? WHERE number = ?'
    await log.tamper(set, previous, head.hash, number)
  }
  return head
}

/** Opens a log as Usher 0.1 wrote it, with plain hashes, that has got an audit key since. */
async function openOldLog(open: OpenTampered): Promise<Log> {
  const log = await openLog(open)
  const key = newAuditKey(await rewrite(log, 1))
  await log.tamper('UPDATE audit_keys SET id = ?, sealed = ?', key.id, TEST_AUDIT_KEYS.seal(key))
  return log
}

async function kindsOf(log: Log): Promise<readonly (readonly [number, AuditFaultKind])[]> {
  return (await log.faults()).map(({ block, fault }) => [block, fault])
}

function rewriteTests(open: OpenTampered): void {
  for (const from of [1, 3, 5]) {
    test(`an entry that was edited, with the chain computed again from block ${from} on, is found`, async () => {
      const log = await openLog(open)
      await log.tamper("UPDATE audit_entries SET target = 'forged' WHERE block = ?", from)
      await rewrite(log, from)
      const places = await kindsOf(log)
      assert.deepEqual(
        places,
        [1, 2, 3, 4, 5].slice(from - 1).map((block) => [block, 'block_changed']),
      )
    })
  }

  test('a log with plain hashes verifies as before; the next block has an HMAC', async () => {
    const log = await openOldLog(open)
    assert.deepEqual([(await log.verify()).keyedFrom, await log.faults()], [6, []])
    await append(await log.reopen())
    const verdict = await log.verify()
    assert.deepEqual([verdict.head.block, verdict.keyedFrom, verdict.faults], [6, 6, []])
  })

  test('the plain hashes of an old log cannot be computed again', async () => {
    const log = await openOldLog(open)
    await log.tamper("UPDATE audit_entries SET target = 'forged' WHERE id = 'b1'")
    await rewrite(log, 2)
    assert.deepEqual(await kindsOf(log), [[5, 'block_changed']])
  })

  test('the last block with a plain hash cannot be cut off', async () => {
    const log = await openOldLog(open)
    await append(await log.reopen())
    await log.tamper('DELETE FROM audit_entries WHERE block = 5')
    await log.tamper('DELETE FROM audit_blocks WHERE number = 5')
    assert.deepEqual(await kindsOf(log), [[5, 'block_removed']])
  })
}

/** Writes one more block. A store keeps the audit key that it has used, so a test that changes the key reopens it. */
async function append(store: Store, count = 1): Promise<void> {
  await putEntries(store, ...Array.from({ length: count }, () => newEntry()))
  await store.sealAudit()
}

function keyTests(open: OpenTampered): void {
  test('a removed audit key is a fault, and no other key is made', async () => {
    const log = await openLog(open)
    await log.tamper('DELETE FROM audit_keys')
    const verdict = await log.verify()
    assert.deepEqual([verdict.keyedFrom, await kindsOf(log)], [null, [[0, 'key_missing']]])
    const store = await log.reopen()
    await assert.rejects(
      append(store),
      (error) => error instanceof StoreError && /key is missing/.test(error.message),
    )
    assert.deepEqual(await store.read((tx) => tx.query((db) => db.selectFrom('audit_keys').selectAll())), [])
  })

  test('an audit key that the master key does not open is a fault', async () => {
    const log = await openLog(open)
    const { id } = newAuditKey()
    await log.tamper('UPDATE audit_keys SET id = ?', id)
    assert.deepEqual(await kindsOf(log), [[0, 'key_unreadable']])
  })

  test('a second audit key is refused by the database', async () => {
    const log = await openLog(open)
    const second = "INSERT INTO audit_keys (pk, id, sealed, created_at) VALUES (2, 'x', 'x', 'x')"
    await assert.rejects(log.tamper(second))
  })
}

function expectTests(open: OpenTampered): void {
  test('a log that has the expected block verifies, also after it has grown', async () => {
    const log = await openLog(open)
    const { head } = await log.verify()
    await append(log.store)
    assert.deepEqual((await log.store.verifyAudit(head)).faults, [])
  })

  test('a log whose end was cut off does not have the expected block, also after it has grown', async () => {
    const log = await openLog(open)
    const { head } = await log.verify()
    await log.tamper('DELETE FROM audit_entries WHERE block = 5')
    await log.tamper('DELETE FROM audit_blocks WHERE number = 5')
    const fault = { block: 5, position: null, entry: null, fault: 'not_expected' }
    assert.deepEqual((await log.store.verifyAudit(head)).faults, [fault])
    await append(log.store)
    assert.deepEqual((await log.store.verifyAudit(head)).faults, [fault])
  })
}

/** The greatest value of a column of 64 bits, as SQL. Only SQLite's columns of fewer bits take it too. */
const GREATEST = '9223372036854775807'

function sizeTests(open: OpenTampered): void {
  for (const [change, count] of [
    ['UPDATE audit_blocks SET number = 9007199254740991 WHERE number = 3', 7],
    [`UPDATE audit_blocks SET number = ${GREATEST} WHERE number = 3`, 6],
    [`UPDATE audit_blocks SET number = -${GREATEST} WHERE number = 3`, 6],
    ['UPDATE audit_blocks SET entries = 2147483647, last_pk = 9007199254740991 WHERE number = 3', 1],
    [`UPDATE audit_blocks SET last_pk = ${GREATEST} WHERE number = 3`, 5],
    ["UPDATE audit_entries SET block = 9007199254740991 WHERE id = 'c1'", 2],
    [`UPDATE audit_entries SET block = ${GREATEST} WHERE id = 'c1'`, 2],
    ["UPDATE audit_entries SET position = 2147483647 WHERE id = 'c1'", 3],
  ] as const) {
    test(`one edited row makes a few faults: ${change}`, async () => {
      const log = await openLog(open)
      await log.tamper(change)
      const { faultCount, faults } = await log.verify()
      assert.equal(faultCount, faults.length)
      assert.ok(faultCount > 0 && faultCount <= count, JSON.stringify(faults))
    })
  }

  test('more faults than the list holds are counted', async () => {
    const log = await openLog(open)
    const before = await log.verify()
    await append(log.store, 999)
    await append(log.store, 501)
    await log.tamper("UPDATE audit_entries SET outcome = 'forged' WHERE block > ?", before.head.block)
    const { faultCount, faults } = await log.verify()
    assert.deepEqual([faultCount, faults.length], [1500, 1000])
  })

  test('a block of more entries than one page is intact, and a gap in it is one range', async () => {
    const log = await openLog(open)
    await append(log.store, 700)
    assert.deepEqual(await log.faults(), [])
    await log.tamper('DELETE FROM audit_entries WHERE block = 6 AND position BETWEEN 450 AND 550')
    const gap = { block: 6, position: 450, through: 550, entry: null, fault: 'removed' }
    assert.deepEqual(await log.faults(), [gap])
  })

  test('a missing range of blocks is one fault', async () => {
    const log = await openLog(open)
    await log.tamper('DELETE FROM audit_entries WHERE block BETWEEN 2 AND 4')
    await log.tamper('DELETE FROM audit_blocks WHERE number BETWEEN 2 AND 4')
    const gap = { block: 2, through: 4, position: null, entry: null, fault: 'block_removed' }
    assert.deepEqual(await log.faults(), [gap])
  })
}
