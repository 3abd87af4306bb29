import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { openStore } from '../../src/store/open.ts'
import { type Child, type ChildOptions, startChild, startServing } from '../../testing/children.ts'
import { type Creates, newCreates, prepareCreates } from '../../testing/creates.ts'
import { type Init, newDataDir, runUsher, usherJson } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'
import { auditKeysOf } from '../support/stored.ts'
import { failCalls, findNoStrace } from '../support/strace.ts'

const SETTINGS = { USHER_PUBLIC_URL: 'http://usher.example' }
const NOBODY = 65534
const isRoot = process.getuid?.() === 0

/** Runs work with a new directory, and deletes it. */
async function inNewDir(work: (path: string) => Promise<void>): Promise<void> {
  const { path, remove } = newDataDir()
  try {
    await work(path)
  } finally {
    remove()
  }
}

/** Asserts that a command fails: exit code 1, nothing on standard output, and one plain line without a stack. */
async function failsToStart(path: string, message: RegExp, args = ['serve']): Promise<void> {
  assertFailed(await runUsher(path, args), message)
}

/** Asserts as `failsToStart` does, with a process of a user who has no access. */
async function failsToStartAsNobody(path: string, message: RegExp): Promise<void> {
  assertFailed(await (await startChild(path, { uid: NOBODY })).ended, message)
}

function assertFailed({ code, stdout, stderr }: Awaited<Child['ended']>, message: RegExp): void {
  assert.deepEqual([code, stdout], [1, ''], stderr)
  const said = stderr.split('\n').filter((line) => line.startsWith('usher: '))
  assert.equal(said.length, 1, stderr)
  assert.match(said[0] ?? '', message)
  assert.doesNotMatch(stderr, /\n\s+at /, 'a stack trace is no clear message')
}

interface Serving {
  readonly at: string
  readonly file: string
  readonly init: Init
  readonly creates: Creates
  status(path: string): Promise<number>
}

/** Runs work while a process serves a new directory. */
async function whileServing(
  work: (serving: Serving) => Promise<void>,
  options: ChildOptions = {},
): Promise<void> {
  await inNewDir(async (path) => {
    const init = await usherJson<Init>(path, ['init'])
    const served = await startServing(path, { settings: SETTINGS, limitMs: 60_000, ...options })
    const { at } = served
    try {
      const creates = newCreates(at, { init, ...(await prepareCreates(at, init)) })
      const status = async (url: string): Promise<number> => (await fetch(`${at}${url}`)).status
      await work({ at, file: join(path, 'usher.db'), init, creates, status })
    } finally {
      served.process.kill('SIGKILL')
      await served.ended
    }
  })
}

/** Asserts that the file is consistent. Returns the e-mail addresses in it. */
async function readWhole(file: string): Promise<string[]> {
  const db = new DatabaseSync(file, { readOnly: true })
  const users = db.prepare('SELECT id, email FROM users ORDER BY id').all()
  const created = db
    .prepare(
      "SELECT target FROM audit_entries WHERE outcome = 'created' AND operation IN ('CreateUser', 'CreateAccount') ORDER BY target",
    )
    .all()
  db.close()
  assert.deepEqual(
    created.map((row) => row.target),
    users.map((row) => row.id),
  )
  const store = await openStore(`sqlite:${file}`, { auditKeys: auditKeysOf(dirname(file)) })
  const { faults } = await store.verifyAudit()
  await store.close()
  assert.deepEqual(faults, [])
  return users.map((row) => String(row.email))
}

describe('a store that cannot be opened ends the start', { concurrency: 2 }, () => {
  test('in a directory that cannot be created', () =>
    inNewDir(async (path) => {
      writeFileSync(join(path, 'file'), '')
      await failsToStart(join(path, 'file', 'data'), /file\/data cannot be created/)
    }))

  test('at a path that is a directory', () =>
    inNewDir(async (path) => {
      mkdirSync(join(path, 'usher.db'))
      await failsToStart(path, /usher\.db cannot be opened/)
    }))

  test('in a file that is not SQLite, which stays as it was', () =>
    inNewDir(async (path) => {
      const text = 'This is a letter to my aunt. '.repeat(500)
      writeFileSync(join(path, 'usher.db'), text)
      await failsToStart(path, /usher\.db is not a SQLite file/)
      assert.equal(readFileSync(join(path, 'usher.db'), 'utf8'), text)
    }))

  test('in a file that was cut short', () =>
    inNewDir(async (path) => {
      await usherJson(path, ['init'])
      const file = join(path, 'usher.db')
      writeFileSync(file, readFileSync(file).subarray(0, 6_000))
      await failsToStart(path, /usher: /)
    }))

  for (const mode of ['IMMEDIATE', 'EXCLUSIVE']) {
    test(`in a file that another process has locked (${mode}), within 10 s`, () =>
      inNewDir(async (path) => {
        await usherJson(path, ['init'])
        const db = new DatabaseSync(join(path, 'usher.db'))
        db.exec(`BEGIN ${mode}`)
        const begun = Date.now()
        await failsToStart(path, /locked by another process/)
        assert.ok(Date.now() - begun < 10_000)
        db.exec('ROLLBACK')
        db.close()
      }))
  }

  test('of a newer version', () =>
    inNewDir(async (path) => {
      await usherJson(path, ['init'])
      const db = new DatabaseSync(join(path, 'usher.db'))
      db.exec("INSERT INTO migrations (version, name, applied_at) VALUES (999, 'later', '2030-01-01')")
      db.close()
      const newer = /schema version 999.*use a newer Usher/
      await failsToStart(path, newer)
      await failsToStart(path, newer, ['migrate'])
      await failsToStart(path, newer, ['user', 'list', '--organization', 'x'])
    }))

  test('that is read-only', { skip: isRoot ? false : 'only root can run Usher as another user' }, () =>
    inNewDir(async (path) => {
      chmodSync(path, 0o755)
      const data = join(path, 'data')
      mkdirSync(data)
      chownSync(data, NOBODY, NOBODY)
      const init = await (await startChild(data, { args: ['init', '--json'], uid: NOBODY })).ended
      assert.equal(init.code, 0, init.stderr)
      chmodSync(join(data, 'usher.db'), 0o444)
      chmodSync(data, 0o555)
      const before = statSync(join(data, 'usher.db')).mtimeMs
      await failsToStartAsNobody(data, /usher\.db|read-only/)
      assert.equal(statSync(join(data, 'usher.db')).mtimeMs, before)
    }),
  )

  test(
    'in a directory of another user',
    { skip: isRoot ? false : 'only root can run Usher as another user' },
    () =>
      inNewDir(async (path) => {
        chmodSync(path, 0o755)
        await failsToStartAsNobody(join(path, 'data'), /data cannot be created: EACCES/)
      }),
  )
})

describe('a store that fails while it is served', { concurrency: true }, () => {
  test('locked by another process: 503 with nothing half-written, and all is well when the lock is gone', () =>
    whileServing(async ({ file, creates, status }) => {
      assert.equal((await creates.portal('a@example.com')).status, 201)
      const db = new DatabaseSync(file, { timeout: 1_000 })
      db.exec('BEGIN IMMEDIATE')
      const refused = await Promise.all([
        creates.portal('b@example.com'),
        creates.osis('b'),
        status('/readyz'),
      ])
      db.exec('ROLLBACK')
      db.close()
      const [portal, osis, ready] = refused
      assert.deepEqual([portal.status, osis.status, ready], [503, 503, 503])
      assert.equal((portal.body as { type: string }).type, 'Unavailable')
      assert.doesNotMatch(JSON.stringify([portal.body, osis.body]), /lock|sqlite|usher\.db/i)
      assert.deepEqual(await readWhole(file), ['a@example.com'])
      assert.equal(await status('/readyz'), 200)
      assert.equal((await creates.portal('b@example.com')).status, 201)
      assert.equal((await creates.portal('a@example.com')).status, 200)
    }))

  test('locked for a moment: creates wait', () =>
    whileServing(async ({ file, creates }) => {
      // A background loop may hold the lock.
      const db = new DatabaseSync(file, { timeout: 5_000 })
      db.exec('BEGIN IMMEDIATE')
      const waiting = creates.portal('a@example.com')
      setTimeout(() => db.exec('ROLLBACK'), 500)
      assert.equal((await waiting).status, 201)
      db.close()
    }))

  test('removed: 503, and the process stays', () =>
    whileServing(async ({ file, creates, status }) => {
      assert.equal((await creates.portal('a@example.com')).status, 201)
      for (const end of ['', '-wal', '-shm']) renameSync(`${file}${end}`, `${file}.gone${end}`)
      const [portal, osis] = [await creates.portal('b@example.com'), await creates.osis('b')]
      assert.deepEqual([portal.status, osis.status], [503, 503])
      assert.equal(await status('/readyz'), 503)
      assert.equal(await status('/healthz'), 200)
      // The user with a response is in the file that was moved away.
      for (const end of ['', '-wal', '-shm']) renameSync(`${file}.gone${end}`, `${file}${end}`)
      assert.equal((await creates.portal('b@example.com')).status, 201)
      assert.deepEqual((await readWhole(file)).sort(), ['a@example.com', 'b@example.com'])
    }))

  test('on a disk that is full: 503 with nothing half-written, and a start with room goes on', async () => {
    await inNewDir(async (path) => {
      const init = await usherJson<Init>(path, ['init'])
      // The shell counts in blocks of 512 or 1,024 bytes. Writes past the limit fail.
      const shell = "trap '' XFSZ; ulimit -f 2000"
      const confirmed = await fillUp(path, init, shell)
      const file = join(path, 'usher.db')
      assert.deepEqual((await readWhole(file)).filter((email) => email !== 'null').sort(), confirmed.sort())
      const served = await startServing(path, { settings: SETTINGS })
      const creates = newCreates(served.at, { init, ...(await prepareCreates(served.at, init)) })
      assert.equal((await creates.portal(confirmed[0] ?? '')).status, 200)
      assert.equal((await creates.portal('after@example.com')).status, 201)
      served.process.kill('SIGKILL')
      await served.ended
    })
  })
})

describe('a disk that fails while Usher serves', { concurrency: 2, skip: findNoStrace() ?? false }, () => {
  test('a full disk that has room again: Usher goes on by itself', () =>
    inNewDir(async (path) => {
      const init = await usherJson<Init>(path, ['init'])
      // Some writes of pages fail as on a full disk, and later ones do not.
      const shell = failCalls('pwrite64:error=ENOSPC:when=400..420')
      const served = await startServing(path, { settings: SETTINGS, shell, limitMs: 60_000 })
      try {
        const creates = newCreates(served.at, { init, ...(await prepareCreates(served.at, init)) })
        const confirmed = await createUntilRefused(creates, 'a')
        await waitUntil(async () => (await creates.portal('room@example.com')).status === 201, 20_000)
        await waitUntil(async () => (await fetch(`${served.at}/readyz`)).status === 200, 20_000)
        // Each thread of the program has its own count of calls that fail.
        for (const email of confirmed)
          await waitUntil(async () => (await creates.portal(email)).status === 200, 20_000)
        const found = await readWhole(join(path, 'usher.db'))
        const all = [...confirmed, 'room@example.com'].sort()
        assert.deepEqual(found.filter((email) => email !== 'null').sort(), all)
      } finally {
        served.process.kill('SIGKILL')
        await served.ended
      }
    }))

  test('a sync that fails: 503 for every write until a restart, and nothing confirmed is lost', () =>
    inNewDir(async (path) => {
      const init = await usherJson<Init>(path, ['init'])
      const shell = failCalls('fdatasync:error=EIO:when=40')
      const served = await startServing(path, { settings: SETTINGS, shell, limitMs: 60_000 })
      let confirmed: string[]
      try {
        const creates = newCreates(served.at, { init, ...(await prepareCreates(served.at, init)) })
        confirmed = await createUntilRefused(creates, 'a')
        // Later syncs would succeed, without what the failed one should have written.
        for (const email of ['b@example.com', confirmed[0] ?? ''])
          assert.equal((await creates.portal(email)).status, 503)
        assert.equal((await creates.osis('b')).status, 503)
        const status = async (of: string): Promise<number> => (await fetch(`${served.at}${of}`)).status
        assert.deepEqual([await status('/readyz'), await status('/healthz')], [503, 200])
      } finally {
        served.process.kill('SIGTERM')
        await served.ended
      }
      const again = await startServing(path, { settings: SETTINGS })
      const creates = newCreates(again.at, { init, ...(await prepareCreates(again.at, init)) })
      for (const email of confirmed) assert.equal((await creates.portal(email)).status, 200)
      assert.equal((await creates.portal('b@example.com')).status, 201)
      again.process.kill('SIGKILL')
      await again.ended
      const found = await readWhole(join(path, 'usher.db'))
      for (const email of confirmed) assert.equal(found.filter((one) => one === email).length, 1)
    }))
})

/** Creates users until one is refused, which must be a 503. Returns the e-mail addresses of those before. */
async function createUntilRefused(creates: Creates, name: string): Promise<string[]> {
  const confirmed: string[] = []
  for (let i = 0; i < 2_000; i++) {
    const email = `${name}.${i}@example.com`
    const { status, body } = await creates.portal(email)
    if (status === 201) confirmed.push(email)
    else {
      assert.deepEqual([status, (body as { type: string }).type], [503, 'Unavailable'])
      assert.ok(i > 0, 'the disk failed before the first create')
      return confirmed
    }
  }
  throw new Error('the disk did not fail')
}

/**
 * Creates users until the disk is full, and tries some more. Returns the e-mail addresses of the responses with 201.
 */
async function fillUp(path: string, init: Init, shell: string): Promise<string[]> {
  const served = await startServing(path, { settings: SETTINGS, shell, limitMs: 60_000 })
  const confirmed: string[] = []
  try {
    const creates = newCreates(served.at, { init, ...(await prepareCreates(served.at, init)) })
    let refusals = 0
    for (let i = 0; refusals < 10 && i < 5_000; i++) {
      const email = `${i}@example.com`
      const { status } = await creates.portal(email)
      assert.ok(status === 201 || status === 503, `the response was ${status}`)
      if (status === 201) confirmed.push(email)
      else refusals++
    }
    assert.equal(refusals, 10, 'the disk did not fill up')
    assert.equal((await creates.osis('late')).status, 503)
    assert.equal(await useUpRest(served.at), 503)
    assert.equal((await fetch(`${served.at}/healthz`)).status, 200)
  } finally {
    served.process.kill('SIGKILL')
    await served.ended
  }
  return confirmed
}

/**
 * Reads `/readyz` until it fails. A page or two may still fit where a create does not, so that the first reads can
 * succeed; a result is cached for a second.
 */
async function useUpRest(at: string): Promise<number> {
  const limit = Date.now() + 10_000
  for (;;) {
    const { status } = await fetch(`${at}/readyz`)
    if (status !== 200 || Date.now() > limit) return status
  }
}
