import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { queryDatabase } from '../../testing/query.ts'
import { serveHere } from '../../testing/target.ts'
import { type Ended, type Init, initialise, newDataDir, runUsher, usherJson } from '../../testing/usher.ts'

const folder = newDataDir()
const dataDir = join(folder.path, 'data')
const copy = join(folder.path, 'copy.db')
let init: Init

before(async () => {
  init = await initialise(dataDir)
  // The first start makes the key that signs tokens, which the master key seals.
  await (await serveHere(dataDir)).stop()
  await usherJson(dataDir, ['backup', copy])
})
after(folder.remove)

/** Asserts that a command is refused: exit code 1, no standard output, and one plain line on standard error. */
function assertRefused({ code, stdout, stderr }: Ended, message: RegExp): void {
  assert.deepEqual([code, stdout], [1, ''], stderr)
  assert.match(stderr, /^usher: [^\n]+\n$/)
  assert.match(stderr, message)
}

/** Makes a data directory with the master key of the backup, and no store. */
function newTarget(name: string): string {
  const path = join(folder.path, name)
  mkdirSync(path)
  copyFileSync(join(dataDir, 'master.key'), join(path, 'master.key'))
  return path
}

/** Makes a copy of the backup that a statement has changed. */
async function changeBackup(name: string, sql: string): Promise<string> {
  const path = join(folder.path, name)
  copyFileSync(copy, path)
  await queryDatabase(`sqlite:${path}`, sql)
  return path
}

test('a backup is one file for its owner alone, and holds what was committed', async () => {
  assert.equal(statSync(copy).mode & 0o777, 0o600)
  const [row] = await queryDatabase(`sqlite:${copy}`, 'PRAGMA journal_mode')
  assert.equal(row?.journal_mode, 'delete')
  const [organizations] = await queryDatabase(`sqlite:${copy}`, 'SELECT count(*) AS count FROM organizations')
  assert.equal(organizations?.count, 3)
  assert.ok(!readFileSync(copy).includes(init.clients.osis.client_secret))
})

test('a backup does not overwrite a file, unless it is an older backup and --overwrite says so', async () => {
  const bytes = readFileSync(copy)
  assertRefused(await runUsher(dataDir, ['backup', copy]), /copy\.db exists: .* --overwrite$/m)
  assert.deepEqual(readFileSync(copy), bytes)
  assert.equal((await runUsher(dataDir, ['backup', copy, '--overwrite'])).code, 0)
  const notes = join(folder.path, 'notes.txt')
  writeFileSync(notes, 'mine')
  for (const file of [notes, join(dataDir, 'master.key'), join(dataDir, 'usher.db')])
    assertRefused(
      await runUsher(dataDir, ['backup', file, '--overwrite']),
      /is not a backup, so it is not overwritten/,
    )
  assert.equal(readFileSync(notes, 'utf8'), 'mine')
  assertRefused(await runUsher(dataDir, ['backup', join(folder.path, 'none/copy.db')]), /does not exist/)
  assert.deepEqual(
    readdirSync(folder.path).filter((name) => name.includes('.part')),
    [],
  )
})

test('a backup of a directory that does not exist creates nothing', async () => {
  const none = join(folder.path, 'nowhere')
  assertRefused(await runUsher(none, ['backup', join(folder.path, 'nothing.db')]), /there is no store at/)
  assert.ok(!readdirSync(folder.path).some((name) => /^no(where|thing)/.test(name)))
})

test('a backup is restored where there is no store yet, with an audit entry', async () => {
  const path = newTarget('fresh')
  const restored = await usherJson<{ kept: string | null; problems: string[] }>(path, ['restore', copy])
  assert.deepEqual([restored.kept, restored.problems], [null, []])
  assert.deepEqual(await usherJson(path, ['status']), await usherJson(dataDir, ['status']))
  const entries = await usherJson<{ operation: string; caller: string }[]>(path, [
    'audit',
    'list',
    '--limit',
    '1',
  ])
  assert.deepEqual(
    entries.map(({ operation, caller }) => [operation, caller]),
    [['RestoreDirectory', 'operator']],
  )
  assert.equal((await runUsher(path, ['audit', 'verify'])).code, 0)
  assert.deepEqual(readdirSync(path).sort(), ['master.key', 'usher.db', 'usher.db-serving'])
})

test('a restore without a master key says so, and creates nothing', async () => {
  const path = join(folder.path, 'keyless')
  assertRefused(await runUsher(path, ['restore', copy]), /master\.key is missing/)
  assert.ok(!readdirSync(folder.path).includes('keyless'))
})

test('a backup that the master key does not open is refused, whatever the options', async () => {
  const path = newTarget('other-key')
  writeFileSync(join(path, 'master.key'), `${randomBytes(32).toString('base64')}\n`)
  for (const args of [
    ['restore', copy],
    ['restore', copy, '--force'],
  ]) {
    const { code, stdout } = await runUsher(path, args)
    assert.equal(code, 1)
    assert.match(stdout, /the master key does not open the secret of signing-key:.* and 1 more/)
    assert.match(stdout, /\nNothing was changed\.\n$/)
    assert.deepEqual(readdirSync(path).sort(), ['master.key', 'usher.db-serving'])
  }
  const both =
    readFileSync(join(dataDir, 'master.key'), 'utf8') + readFileSync(join(path, 'master.key'), 'utf8')
  writeFileSync(join(path, 'master.key'), both)
  assert.equal((await runUsher(path, ['restore', copy])).code, 0)
})

test('a backup with a secret that no key opens is refused, unless it is forced', async () => {
  const path = newTarget('one-secret')
  const damaged = await changeBackup('one-secret.db', "UPDATE signing_keys SET sealed_private = '2.x.y'")
  const { code, stdout } = await runUsher(path, ['restore', damaged])
  assert.equal(code, 1)
  assert.match(
    stdout,
    /the master key does not open the secret of signing-key:.*\n.*Nothing was changed\. --force/,
  )
  const forced = await runUsher(path, ['restore', damaged, '--force'])
  assert.equal(forced.code, 0)
  assert.match(forced.stdout, /^Restored in spite of this: the master key does not open/)
})

test('a backup whose audit log was changed is refused, unless it is forced', async () => {
  const path = newTarget('forged')
  const forged = await changeBackup('forged.db', "UPDATE audit_entries SET outcome = 'forged' WHERE pk = 1")
  const { code, stdout } = await runUsher(path, ['restore', forged])
  assert.equal(code, 1)
  assert.match(stdout, /forged\.db: its audit log has faults/)
  assert.equal((await runUsher(path, ['restore', forged, '--force'])).code, 0)
  assert.equal((await runUsher(path, ['audit', 'verify'])).code, 1)
})

test('a backup of a newer Usher is refused', async () => {
  const newer = await changeBackup('newer.db', "INSERT INTO migrations VALUES (9999, 'later', '2030-01-01')")
  assertRefused(await runUsher(newTarget('newer'), ['restore', newer, '--force']), /use a newer Usher/)
})

test('a backup that others may read is restored for the owner alone', async () => {
  const open = await changeBackup('open.db', 'SELECT 1')
  chmodSync(open, 0o644)
  const path = newTarget('closed')
  await usherJson(path, ['restore', open])
  assert.equal(statSync(join(path, 'usher.db')).mode & 0o777, 0o600)
})

test('on PostgreSQL both commands name its own tools, and no password', async () => {
  const settings = { USHER_DATABASE_URL: 'postgres://usher:hush@db.example:5433/usher?sslmode=require' }
  const backup = await runUsher(dataDir, ['backup', join(folder.path, 'pg.db')], settings)
  assertRefused(backup, /pg_dump --format=custom --file=FILE --dbname=postgres:\/\/db\.example:5433\/usher/)
  assertRefused(
    await runUsher(dataDir, ['restore', copy], settings),
    /pg_restore .*--dbname=postgres:\/\/db\.example:5433\/usher/,
  )
  assert.doesNotMatch(backup.stderr, /hush/)
  const others = [
    ['postgres://usher:hush@/usher?host=/run/postgresql', 'postgres:///usher?host=/run/postgresql'],
    ['postgres://usher:hush@[::1]:5433/usher', 'postgres://[::1]:5433/usher'],
  ] as const
  for (const [url, shown] of others) {
    const file = ['backup', join(folder.path, 'pg.db')]
    const { stderr } = await runUsher(dataDir, file, { USHER_DATABASE_URL: url })
    assert.ok(stderr.includes(`--dbname=${shown}.`), stderr)
  }
})
