import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { startChild } from '../../testing/children.ts'
import { serveHere } from '../../testing/target.ts'
import {
  getToken,
  type Init,
  initialise,
  newDataDir,
  runUsher,
  serve,
  serveNew,
  usherJson,
} from '../../testing/usher.ts'

type World = Awaited<ReturnType<typeof serveNew>>

/** A new directory that is served, and a folder for backups. */
async function newWorld(t: TestContext): Promise<World & { backups: string }> {
  const usher = await serveNew()
  const backups = newDataDir()
  t.after(async () => {
    await usher.end()
    backups.remove()
  })
  return { ...usher, backups: backups.path }
}

/** A new directory that no server serves, and a folder for backups. */
async function newDirectory(t: TestContext): Promise<{ dataDir: string; init: Init; backups: string }> {
  const [{ path: dataDir, remove }, backups] = [newDataDir(), newDataDir()]
  t.after(() => {
    remove()
    backups.remove()
  })
  return { dataDir, init: await initialise(dataDir), backups: backups.path }
}

/** Creates a user through a server; the response says that the user is on disk. */
async function createUser({ url, init }: { url: string; init: Init }, email: string): Promise<void> {
  const token = await getToken(url, init.clients.administrator)
  const response = await fetch(`${url}/v1/customer/${init.customer.id}/users`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'x-tenant': init.portal,
    },
    body: JSON.stringify({ firstName: null, lastName: null, email, groups: [] }),
  })
  assert.equal(response.status, 201)
}

/** Lists the e-mail addresses of the example customer. */
async function listEmails(dataDir: string, { customer }: Init): Promise<string[]> {
  const users = await usherJson<{ email: string }[]>(dataDir, ['user', 'list', '--organization', customer.id])
  return users.map(({ email }) => email).sort()
}

/** Copies a store with SQLite's own backup, as the tool `sqlite3` does with `.backup`. */
async function backUpWithSqlite(store: string, copy: string): Promise<void> {
  const db = new DatabaseSync(store, { readOnly: true })
  await backup(db, copy)
  db.close()
}

/** Writes the whole log into the file, as SQLite does when the log is full. */
function checkpoint(store: string): void {
  const db = new DatabaseSync(store)
  db.exec('PRAGMA wal_checkpoint(PASSIVE)')
  db.close()
}

function readFiles(dataDir: string): Map<string, string> {
  const names = readdirSync(dataDir).filter((name) => /^usher\.db(-wal)?$/.test(name))
  return new Map(names.map((name) => [name, readFileSync(join(dataDir, name)).toString('base64')]))
}

async function assertStarts(dataDir: string, init: Init, emails: readonly string[]): Promise<void> {
  const served = await serveHere(dataDir)
  try {
    assert.equal((await fetch(`${served.url}/readyz`)).status, 200)
    await createUser({ url: served.url, init }, 'after@example.com')
  } finally {
    assert.equal(await served.stop(), 0)
  }
  assert.deepEqual(await listEmails(dataDir, init), ['after@example.com', ...emails].sort())
  assert.equal((await runUsher(dataDir, ['audit', 'verify'])).code, 0)
}

for (const between of ['no checkpoint', 'a checkpoint'] as const)
  test(`a backup copied over a crashed store next to its old log is refused, and restored whole, with ${between}`, async (t) => {
    const usher = await newWorld(t)
    const { dataDir, init } = usher
    const [store, copy] = [join(dataDir, 'usher.db'), join(usher.backups, 'copy.db')]
    await createUser(usher, 'before@example.com')
    await backUpWithSqlite(store, copy)
    await createUser(usher, 'later@example.com')
    if (between === 'a checkpoint') checkpoint(store)
    for (let i = 0; i < 5; i++) await createUser(usher, `later${i}@example.com`)
    await usher.stop('SIGKILL')
    copyFileSync(copy, store)
    const files = readFiles(dataDir)
    for (const args of [
      ['serve'],
      ['user', 'list', '--organization', init.customer.id],
      ['init'],
      ['migrate'],
    ]) {
      const { code, stdout, stderr } = await runUsher(dataDir, args)
      assert.deepEqual([code, stdout], [1, ''], args.join(' '))
      assert.match(stderr, /^usher: .*usher\.db-wal is not the log of .*usher restore FILE.*\n$/)
    }
    assert.deepEqual(readFiles(dataDir), files, 'a refused start must not touch what could be rescued')
    const restored = await usherJson<{ kept: string }>(dataDir, ['restore', copy])
    assert.ok(existsSync(`${restored.kept}-wal`))
    await assertStarts(dataDir, init, ['before@example.com'])
  })

test('the store that a restore replaces is kept with its log, and can be restored itself', async (t) => {
  const usher = await newWorld(t)
  const { dataDir, init } = usher
  const copy = join(usher.backups, 'copy.db')
  await createUser(usher, 'before@example.com')
  await usherJson(dataDir, ['backup', copy])
  await createUser(usher, 'later@example.com')
  await usher.stop('SIGKILL')
  const { kept } = await usherJson<{ kept: string }>(dataDir, ['restore', copy])
  assert.deepEqual(await listEmails(dataDir, init), ['before@example.com'])
  await usherJson(dataDir, ['restore', kept])
  await assertStarts(dataDir, init, ['before@example.com', 'later@example.com'])
})

test('a plain copy of a stopped store is refused next to a later log', async (t) => {
  const usher = await newWorld(t)
  const { dataDir, init } = usher
  const [store, copy] = [join(dataDir, 'usher.db'), join(usher.backups, 'copy.db')]
  await createUser(usher, 'before@example.com')
  await usher.stop()
  copyFileSync(store, copy)
  const again = await serve(dataDir)
  await createUser({ url: again.url, init }, 'later@example.com')
  await again.stop('SIGKILL')
  copyFileSync(copy, store)
  assert.match((await runUsher(dataDir, ['serve'])).stderr, /usher\.db-wal is not the log of/)
  await usherJson(dataDir, ['restore', copy])
  await assertStarts(dataDir, init, ['before@example.com'])
})

test('a backup copied over the store of a running server is noticed by the next write, and nothing is mixed', async (t) => {
  const usher = await newWorld(t)
  const { dataDir, init } = usher
  const [store, copy] = [join(dataDir, 'usher.db'), join(usher.backups, 'copy.db')]
  await createUser(usher, 'before@example.com')
  await backUpWithSqlite(store, copy)
  await createUser(usher, 'later@example.com')
  copyFileSync(copy, store)
  assert.equal((await fetch(`${usher.url}/readyz`)).status, 503)
  const files = readFiles(dataDir)
  assert.equal(await usher.stop(), 0)
  assert.deepEqual(readFiles(dataDir), files, 'the stop must not write the log into another file')
  assert.match((await runUsher(dataDir, ['serve'])).stderr, /usher\.db-wal is not the log of/)
  await usherJson(dataDir, ['restore', copy])
  await assertStarts(dataDir, init, ['before@example.com'])
})

test('a damaged store is reported with what to do', async (t) => {
  const usher = await newDirectory(t)
  const store = join(usher.dataDir, 'usher.db')
  const bytes = readFileSync(store)
  bytes.fill(0x55, 4096)
  writeFileSync(store, bytes)
  for (const args of [['serve'], ['client', 'list'], ['backup', join(usher.backups, 'copy.db')]]) {
    const { code, stderr } = await runUsher(usher.dataDir, args)
    assert.equal(code, 1)
    assert.match(stderr, /^usher: .*is damaged: .*\n$/)
  }
  assert.deepEqual(readdirSync(usher.backups), [])
})

test('a crashed store starts with everything, also after it was copied with its log', async (t) => {
  const usher = await newWorld(t)
  const { dataDir, init } = usher
  await createUser(usher, 'before@example.com')
  await usher.stop('SIGKILL')
  const moved = join(usher.backups, 'moved')
  cpSync(dataDir, moved, { recursive: true })
  for (const path of [moved, dataDir]) await assertStarts(path, init, ['before@example.com'])
})

test('a crashed store whose log was removed is refused: the newest changes would be lost', async (t) => {
  const usher = await newWorld(t)
  await createUser(usher, 'before@example.com')
  await usher.stop('SIGKILL')
  rmSync(join(usher.dataDir, 'usher.db-wal'))
  const { code, stderr } = await runUsher(usher.dataDir, ['serve'])
  assert.equal(code, 1)
  assert.match(stderr, /its log .*usher\.db-wal is missing: the newest changes are in the log/)
  const copy = join(usher.backups, 'copy.db')
  copyFileSync(join(usher.dataDir, 'usher.db'), copy)
  writeFileSync(`${copy}-wal`, 'the log of something else')
  const refused = await runUsher(usher.dataDir, ['restore', copy])
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /copy\.db was copied without the log .* --force restores it without them\n$/)
  await usherJson(usher.dataDir, ['restore', copy, '--force'])
  await assertStarts(usher.dataDir, usher.init, [])
})

test('a backup while creates go on has every user that was confirmed before it began', async (t) => {
  const usher = await newWorld(t)
  const { dataDir, init } = usher
  const confirmed: string[] = []
  let going = true
  const workers = Array.from({ length: 8 }, async (_, worker) => {
    for (let i = 0; going; i++) {
      const email = `w${worker}.${i}@example.com`
      await createUser(usher, email)
      confirmed.push(email)
    }
  })
  for (let round = 0; round < 3; round++) {
    const before = [...confirmed]
    const copy = join(usher.backups, `${round}.db`)
    const { code, stderr } = await (await startChild(dataDir, { args: ['backup', copy] })).ended
    assert.deepEqual([code, stderr], [0, ''])
    assert.equal(statSync(copy).mode & 0o777, 0o600)
    const fresh = join(usher.backups, `restored-${round}`)
    mkdirSync(fresh)
    copyFileSync(join(dataDir, 'master.key'), join(fresh, 'master.key'))
    await usherJson(fresh, ['restore', copy])
    const kept = new Set(await listEmails(fresh, init))
    assert.deepEqual(
      before.filter((email) => !kept.has(email)),
      [],
    )
    assert.equal(statSync(join(fresh, 'usher.db')).mode & 0o777, 0o600)
  }
  going = false
  await Promise.all(workers)
  assert.ok(confirmed.length > 0)
  const left = readdirSync(usher.backups).filter((name) => /part|journal|wal|shm/.test(name))
  assert.deepEqual(left, [])
})

test('restore refuses while the store is served or another program has it open, and changes nothing', async (t) => {
  const usher = await newWorld(t)
  const { dataDir } = usher
  const copy = join(usher.backups, 'copy.db')
  await usherJson(dataDir, ['backup', copy])
  const served = await runUsher(dataDir, ['restore', copy])
  assert.equal(served.code, 1)
  assert.match(served.stderr, /^usher: Usher serves .*usher\.db: stop it/)
  await usher.stop()
  const script = `const db = new (require('node:sqlite').DatabaseSync)(process.argv[1]);
    db.prepare('SELECT * FROM migrations').get(); console.log('open'); process.stdin.resume()`
  const other = spawn(process.execPath, ['-e', script, join(dataDir, 'usher.db')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(other.stdout, 'data')
  const open = await runUsher(dataDir, ['restore', copy])
  other.stdin.end()
  await once(other, 'exit')
  assert.equal(open.code, 1)
  assert.match(open.stderr, /^usher: another program uses .*usher\.db: end it/)
  assert.deepEqual(
    readdirSync(dataDir).filter((name) => /restoring|replaced|locked/.test(name)),
    [],
  )
  assert.equal((await runUsher(dataDir, ['restore', copy])).code, 0)
})

test('Ctrl-C ends a backup in order, and leaves no half file', async (t) => {
  const usher = await newDirectory(t)
  const store = join(usher.dataDir, 'usher.db')
  const db = new DatabaseSync(store)
  // Large enough for several steps of the copy.
  db.exec('CREATE TABLE ballast (b)')
  db.exec(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120) INSERT INTO ballast SELECT zeroblob(1000000) FROM n`,
  )
  db.close()
  const copy = join(usher.backups, 'copy.db')
  const child = await startChild(usher.dataDir, { args: ['backup', copy] })
  while (!existsSync(`${copy}.part`) || statSync(`${copy}.part`).size === 0) {
    assert.equal(child.process.exitCode, null, 'the backup ended before it was stopped')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  child.process.kill('SIGINT')
  child.process.kill('SIGINT')
  const { code, stderr } = await child.ended
  assert.deepEqual([code, stderr], [1, `usher: stopped: ${copy} was not written\n`])
  assert.deepEqual(readdirSync(usher.backups), [])
})

test('a directory behind a file that is no backup stays as it is', async (t) => {
  const usher = await newDirectory(t)
  const text = join(usher.backups, 'notes.txt')
  writeFileSync(text, 'not a database')
  const other = join(usher.backups, 'other.db')
  const db = new DatabaseSync(other)
  db.exec('CREATE TABLE songs (title)')
  db.close()
  const damaged = join(usher.backups, 'damaged.db')
  await usherJson(usher.dataDir, ['backup', damaged])
  const bytes = readFileSync(damaged)
  bytes.fill(0x55, 5 * 4096, 9 * 4096)
  writeFileSync(damaged, bytes)
  const files = readFiles(usher.dataDir)
  const cases: [string, RegExp][] = [
    [text, /notes\.txt is not a backup/],
    [usher.backups, /is not a backup/],
    [other, /other\.db is not a backup of Usher/],
    [damaged, /damaged\.db is damaged/],
    [join(usher.backups, 'none.db'), /there is no file/],
    [join(usher.dataDir, 'usher.db'), /is the store itself/],
  ]
  for (const [file, message] of cases) {
    const { code, stdout, stderr } = await runUsher(usher.dataDir, ['restore', file])
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, message)
    assert.doesNotMatch(stderr, /restoring|\n\s+at /)
  }
  assert.deepEqual(readFiles(usher.dataDir), files)
})

test('a restore follows a link to a store that is gone, and refuses if the folder is gone too', async (t) => {
  const usher = await newDirectory(t)
  const copy = join(usher.backups, 'copy.db')
  await usherJson(usher.dataDir, ['backup', copy])
  const volume = join(usher.backups, 'volume')
  const link = join(usher.dataDir, 'usher.db')
  rmSync(link)
  symlinkSync(join(volume, 'real.db'), link)
  const { code, stderr } = await runUsher(usher.dataDir, ['restore', copy])
  assert.equal(code, 1)
  assert.match(stderr, /^usher: .*usher\.db points to .*real\.db, .* check that its volume is mounted\n$/)
  assert.ok(!existsSync(volume))
  mkdirSync(volume)
  await usherJson(usher.dataDir, ['restore', copy])
  assert.ok(lstatSync(link).isSymbolicLink())
  assert.ok(existsSync(join(volume, 'real.db')))
  assert.equal((await runUsher(usher.dataDir, ['audit', 'verify'])).code, 0)
})

test('a journal that another program left beside the store is kept apart from the restored one', async (t) => {
  const usher = await newDirectory(t)
  const copy = join(usher.backups, 'copy.db')
  await usherJson(usher.dataDir, ['backup', copy])
  const killed = join(usher.backups, 'killed.db')
  copyFileSync(copy, killed)
  const db = new DatabaseSync(killed)
  db.exec('PRAGMA cache_size = 1; BEGIN; UPDATE audit_entries SET outcome = outcome || 1')
  db.exec('CREATE TABLE ballast AS SELECT zeroblob(500000) AS b')
  const journal = join(usher.dataDir, 'usher.db-journal')
  copyFileSync(`${killed}-journal`, journal)
  db.close()
  await usherJson(usher.dataDir, ['restore', copy])
  assert.ok(!existsSync(journal))
  assert.ok(readdirSync(usher.dataDir).some((name) => /replaced-\w+-journal$/.test(name)))
  await assertStarts(usher.dataDir, usher.init, [])
})
