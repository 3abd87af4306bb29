import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { engine } from '../../testing/environment.ts'
import type { Row } from '../../testing/query.ts'
import { initialise, newDataDir, runUsher, serve, usherJson } from '../../testing/usher.ts'
import { queryStore, sealStore } from '../support/stored.ts'

/** Runs work with a directory that is set up, with a sealed audit log, and deletes it. */
async function inDirectory(work: (path: string) => Promise<void>): Promise<void> {
  const { path, remove } = newDataDir()
  try {
    await initialise(path)
    await usherJson(path, ['organization', 'add', '--kind', 'customer', '--name', 'First'])
    await sealStore(path)
    await usherJson(path, ['organization', 'add', '--kind', 'customer', '--name', 'Second'])
    await sealStore(path)
    await work(path)
  } finally {
    remove()
  }
}

/** Asserts that `audit verify` ends with 1 and says what is wrong. */
async function assertDamaged(path: string, message: RegExp, ...options: string[]): Promise<void> {
  const { code, stdout, stderr } = await runUsher(path, ['audit', 'verify', ...options])
  assert.match(stdout, message)
  assert.deepEqual([code, stderr], [1, ''])
}

function randomKey(): string {
  return randomBytes(32).toString('base64')
}

/** The name of the column with the hash of a block: an attacker finds it in the schema. */
async function sealColumn(path: string): Promise<string> {
  const [block = {}] = await queryStore(path, 'SELECT * FROM audit_blocks WHERE number = 1')
  return Object.keys(block).find((name) => name === 'seal') ?? 'hash'
}

/** Computes all hashes again with SHA-256, as anyone can who can write the database. */
async function computeAgain(path: string): Promise<void> {
  const column = await sealColumn(path)
  let previous = hash('sha256', 'usher audit log', 'base64url')
  for (const { number } of await queryStore(path, 'SELECT number FROM audit_blocks ORDER BY number')) {
    const rows = await queryStore(
      path,
      'SELECT * FROM audit_entries WHERE block = ? ORDER BY position',
      number ?? 0,
    )
    const hashes: string[] = []
    for (const row of rows) hashes.push(await hashAgain(path, row))
    const block = hash('sha256', JSON.stringify([number, previous, ...hashes]), 'base64url')
    const set = `UPDATE audit_blocks SET previous_hash = ?, ${column} = ? WHERE number = ?`
    await queryStore(path, set, previous, block, number ?? 0)
    previous = block
  }
}

async function hashAgain(path: string, row: Row): Promise<string> {
  const names = [
    'block',
    'position',
    'id',
    'at',
    'operation',
    'status',
    'outcome',
    'caller',
    'portal',
    'organization',
  ]
  const content = [...names, 'target', 'correlation_id'].map((name) => row[name])
  const fields = JSON.parse(String(row.changed_fields))
  const changes = row.changes === null ? [] : [JSON.parse(String(row.changes))]
  const own = hash('sha256', JSON.stringify([...content, fields, ...changes]), 'base64url')
  await queryStore(path, 'UPDATE audit_entries SET hash = ? WHERE pk = ?', own, row.pk ?? 0)
  return own
}

test('an edited entry is found, although the whole chain was computed again', async () => {
  await inDirectory(async (path) => {
    await queryStore(path, "UPDATE audit_entries SET target = 'forged' WHERE pk = 2")
    await computeAgain(path)
    await assertDamaged(path, /^block 1: does not match its seal$/m)
  })
})

test('a log that was cut off does not have the block that was noted', async () => {
  await inDirectory(async (path) => {
    const { head } = await usherJson<{ head: { block: number; hash: string } }>(path, ['audit', 'verify'])
    const noted = `${head.block}:${head.hash}`
    const intact = await runUsher(path, ['audit', 'verify', '--expect', noted])
    assert.equal(intact.code, 0)
    assert.match(
      intact.stdout,
      new RegExp(`is intact: .*; hashes are HMACs from block 1 on; .* is ${noted}\\.\n$`),
    )
    await queryStore(path, 'DELETE FROM audit_entries WHERE block = ?', head.block)
    await queryStore(path, 'DELETE FROM audit_blocks WHERE number = ?', head.block)
    const message = new RegExp(
      `^block ${head.block}: is missing or has another hash than the expected one$`,
      'm',
    )
    await assertDamaged(path, message, '--expect', noted)
  })
})

for (const wrong of ['12', 'x:y', '1:short', `0:${'a'.repeat(43)}`, `0x1:${'a'.repeat(43)}`]) {
  test(`--expect ${wrong} is wrong usage`, async () => {
    await inDirectory(async (path) => {
      const { code, stderr } = await runUsher(path, ['audit', 'verify', '--expect', wrong])
      assert.equal(code, 2)
      assert.match(stderr, /number and the hash of a block/)
    })
  })
}

test('a removed first block is a fault', async () => {
  await inDirectory(async (path) => {
    await queryStore(path, 'DELETE FROM audit_entries WHERE block = 1')
    await queryStore(path, 'DELETE FROM audit_blocks WHERE number = 1')
    await assertDamaged(path, /^block 1: is missing$/m)
  })
})

test('an empty log in a directory that is set up is a fault, also after new entries', async () => {
  await inDirectory(async (path) => {
    await queryStore(path, 'DELETE FROM audit_entries')
    await queryStore(path, 'DELETE FROM audit_blocks')
    await assertDamaged(path, /^the log is empty, although the directory is set up$/m)
    await usherJson(path, ['organization', 'add', '--kind', 'customer', '--name', 'Third'])
    await sealStore(path)
    await assertDamaged(path, /^the log does not begin with the set-up of the directory$/m)
  })
})

test('with another master key the log does not verify, and the message says why', async () => {
  await inDirectory(async (path) => {
    const { code, stdout } = await runUsher(path, ['audit', 'verify'], { USHER_MASTER_KEY: randomKey() })
    assert.equal(code, 1)
    assert.match(
      stdout,
      /^the master key does not open the audit key, so the hashes of blocks cannot be checked$/m,
    )
    assert.match(stdout, /damaged: .*; the hashes of blocks were not checked;/)
  })
})

test('without its audit key the log does not verify, nothing is added to it, and a server does not start', async () => {
  await inDirectory(async (path) => {
    await queryStore(path, 'DELETE FROM audit_keys')
    await assertDamaged(path, /^the audit key is missing, so the hashes of blocks cannot be checked$/m)
    const words = ['organization', 'add', '--kind', 'customer', '--name', 'Third']
    // PostgreSQL seals entries after their commit, so only the server refuses there.
    if (engine() === 'sqlite') assert.equal((await runUsher(path, words)).code, 1)
    const served = await runUsher(path, ['serve'])
    assert.equal(served.code, 1)
    assert.match(served.stderr, /^usher: the audit key is missing from the database, .*restore a backup$/m)
    assert.deepEqual(await queryStore(path, 'SELECT id FROM audit_keys'), [])
  })
})

for (const edit of [
  'UPDATE audit_blocks SET number = 9007199254740991 WHERE number = 2',
  'UPDATE audit_entries SET block = 9007199254740991 WHERE block = 2',
]) {
  test(`one edited row costs no memory and no time: ${edit}`, { timeout: 20_000 }, async () => {
    await inDirectory(async (path) => {
      await queryStore(path, edit)
      const { code, stdout } = await runUsher(path, ['audit', 'verify', '--json'])
      assert.equal(code, 1)
      const { faultCount, faults } = JSON.parse(stdout) as { faultCount: number; faults: unknown[] }
      assert.ok(faultCount < 20 && faultCount === faults.length, stdout)
    })
  })
}

// The columns of PostgreSQL do not take such values.
for (const edit of [
  'UPDATE audit_entries SET position = 9223372036854775807 WHERE block = 1',
  'UPDATE audit_entries SET pk = 9223372036854775807 WHERE pk = 1',
  "UPDATE audit_entries SET caller = x'00ff', target = x'00ff' WHERE block = 1",
  "UPDATE audit_entries SET changed_fields = '5' WHERE block = 1",
]) {
  test(`a value that no column should hold is a fault: ${edit}`, {
    skip: engine() !== 'sqlite',
  }, async () => {
    await inDirectory(async (path) => {
      await queryStore(path, edit)
      await assertDamaged(path, /^block 1, position /m)
      const { code, stderr } = await runUsher(path, ['audit', 'list'])
      assert.deepEqual([code, stderr], [0, ''])
    })
  })
}

test('a server logs the head of the log when it starts', async () => {
  await inDirectory(async (path) => {
    const { head } = await usherJson<{ head: { block: number; hash: string } }>(path, ['audit', 'verify'])
    const served = await serve(path, { settings: { USHER_LOG_LEVEL: 'info' } })
    await served.stop()
    const lines = served.log().trim().split('\n')
    const logged = lines.map((line): Record<string, unknown> => JSON.parse(line))
    const { block, hash: own } = logged.find(({ msg }) => msg === 'head of the audit log') ?? {}
    assert.deepEqual({ block, hash: own }, head)
  })
})
