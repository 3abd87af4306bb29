import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { programEnvironment } from '../../testing/environment.ts'
import { FULL_LENGTH } from '../../testing/full-length.ts'
import { type Init, initialise, newDataDir, runUsher, usherJson } from '../../testing/usher.ts'

const MAIN = join(import.meta.dirname, '../../src/main.js')
/** Only Linux has a device that is always full, and says that a descriptor was closed. */
const skip = existsSync('/dev/full') && existsSync('/proc/self/fdinfo') ? false : 'needs /dev/full and /proc'

const set = newDataDir()
let init: Init
before(async () => {
  init = await initialise(set.path)
})
after(set.remove)

/** Runs a command line in a shell: `usher` stands for the program, with what follows it as in a terminal. */
async function shell(
  dataDir: string,
  line: string,
): Promise<{ code: number | null; out: string; err: string }> {
  const script = `usher() { "${process.execPath}" "${MAIN}" "$@"; }; ${line}`
  const env = await programEnvironment(dataDir, {})
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script], {
    env,
    encoding: 'utf8',
    timeout: 60_000,
  })
  return { code: status, out: stdout, err: stderr }
}

function assertPlain(text: string, message: RegExp): void {
  assert.match(text, message)
  for (const line of text.trimEnd().split('\n'))
    assert.match(line, /^usher: [^\n]+$/, 'this is a stack trace')
}

const ADD = 'usher client add --organization ORG --permission viewer --name Lost'

for (const [where, rest] of [
  ['a full disk', '> /dev/full'],
  ['a full disk, as JSON', '--json > /dev/full'],
  ['a closed output', '>&-'],
  ['a reader that has gone', `| true; exit \${PIPESTATUS[0]}`],
] as const) {
  test(`a client whose secret goes to ${where} is not left behind, and the command fails`, {
    skip,
  }, async () => {
    const clients = async (): Promise<string[]> =>
      (await usherJson<{ client_id: string }[]>(set.path, ['client', 'list'])).map((one) => one.client_id)
    const kept = await clients()
    const { code, out, err } = await shell(set.path, `${ADD.replace('ORG', init.provider.id)} ${rest}`)
    assert.deepEqual([code, out], [1, ''])
    assertPlain(err, /^usher: standard output cannot be written: /)
    assert.deepEqual(await clients(), kept)
  })
}

test('a client without a secret needs no output that keeps one', { skip }, async () => {
  const { code } = await shell(set.path, 'usher client list >&-')
  assert.equal(code, 0)
})

test('a set-up whose secrets go to a full disk leaves no client, and says what to do', {
  skip,
}, async (t) => {
  const { path, remove } = newDataDir()
  t.after(remove)
  const { code, err } = await shell(path, 'usher init > /dev/full')
  assert.equal(code, 1)
  assertPlain(err, /its two clients were removed again.*usher status.*usher client add/)
  assert.deepEqual(await usherJson(path, ['client', 'list']), [])
  const [provider] = await usherJson<{ id: string }[]>(path, ['organization', 'list'])
  const words = [
    'client',
    'add',
    '--organization',
    provider?.id ?? '',
    '--permission',
    'administrator',
    '--name',
    'A',
  ]
  assert.equal((await runUsher(path, words)).code, 0)
})

test('init sets nothing up if its output is closed', { skip }, async (t) => {
  const { path, remove } = newDataDir()
  t.after(remove)
  const { code, err } = await shell(path, 'usher init >&-')
  assert.equal(code, 1)
  assertPlain(err, /standard output cannot be written: it is closed/)
  assert.equal((await runUsher(path, ['init'])).code, 0)
})

test('a first start whose secrets go to a full disk ends with 1, and leaves no client', {
  skip,
}, async (t) => {
  const { path, remove } = newDataDir()
  t.after(remove)
  const { code, err } = await shell(path, 'USHER_PORT=0 USHER_LOG_LEVEL=error usher serve > /dev/full')
  assert.equal(code, 1)
  assertPlain(err, /its two clients were removed again/)
  assert.deepEqual(await usherJson(path, ['client', 'list']), [])
})

/** What writes its output in ways of its own: a command, and commander. */
const WRITERS = ['usher organization list', 'usher --help']

for (const line of FULL_LENGTH ? [...WRITERS, 'usher help user add', 'usher --version'] : WRITERS) {
  test(`${line} to a full disk fails with one line`, { skip }, async () => {
    const { code, err } = await shell(set.path, `${line} > /dev/full`)
    assert.equal(code, 1)
    assertPlain(err, /^usher: standard output cannot be written: ENOSPC/)
  })

  test(`${line} for a reader that has enough is no failure`, async () => {
    const { code, err } = await shell(set.path, `${line} | true; exit \${PIPESTATUS[0]}`)
    assert.deepEqual([code, err], [0, ''])
  })

  test(`${line} without an output is no failure`, { skip }, async () => {
    const { code, err } = await shell(set.path, `${line} >&-`)
    assert.deepEqual([code, err], [0, ''])
  })
}

test('messages that cannot be written change no exit code', { skip }, async () => {
  for (const rest of ['2> /dev/full', '2>&-']) {
    assert.equal((await shell(set.path, `usher user show ${rest}`)).code, 2)
    assert.equal((await shell(set.path, `usher user remove nobody ${rest}`)).code, 1)
    assert.equal((await shell(set.path, `usher organization list ${rest}`)).code, 0)
  }
})

/** The number of users in the long list. */
const COUNT = 50

test('a list of more than a pipe holds arrives whole', async (t) => {
  const { path, remove } = newDataDir()
  t.after(remove)
  const { customer } = await initialise(path)
  // The output has 6 bytes for each of these characters. A pipe holds 64 KiB.
  const name = '\u202e'.repeat(255)
  for (let i = 0; i < COUNT; i++) {
    const words = ['user', 'add', '--organization', customer.id, '--email', `${i}@example.com`]
    assert.equal((await runUsher(path, [...words, '--first-name', name, '--last-name', name])).code, 0)
  }
  const list = ['user', 'list', '--organization', customer.id, '--json']
  const env = await programEnvironment(path, {})
  const out = execFileSync(process.execPath, [MAIN, ...list], { env, encoding: 'utf8', maxBuffer: 1e8 })
  assert.ok(out.length > 2 * 65_536)
  assert.equal(JSON.parse(out).length, COUNT)
})

/** What a person can choose as a name: it clears the screen, and adds a row to a list. */
const FORGED = '\u001b[2JEve\n01900000-0000-7000-8000-000000000000  admin@example.com\u202e\u009b31m'

test('what people typed reaches the terminal escaped, in lists and in messages', async () => {
  const words = ['organization', 'add', '--kind', 'customer', '--name', FORGED]
  const added = await runUsher(set.path, words)
  const list = await runUsher(set.path, ['organization', 'list'])
  const user = ['user', 'add', '--organization', init.customer.id, '--email', 'eve@example.com']
  const created = await runUsher(set.path, [...user, '--first-name', FORGED])
  const users = await runUsher(set.path, ['user', 'list', '--organization', init.customer.id])
  const wrong = await runUsher(set.path, [FORGED])
  const missing = await runUsher(set.path, ['user', 'remove', FORGED])
  const option = await runUsher(set.path, ['user', 'list', `--${FORGED}`])
  const group = await runUsher(set.path, [...user, '--group', FORGED])
  const audit = await runUsher(set.path, ['audit', 'list'])
  for (const { stdout, stderr } of [added, list, created, users, wrong, missing, option, group, audit]) {
    assert.doesNotMatch((stdout + stderr).replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u)
    assert.doesNotMatch(stdout + stderr, /^01900000-0000-7000-8000-000000000000/m)
  }
  assert.equal([wrong, option, group].map(({ code }) => code).join(), '2,2,2')
})

test('a user whose name would forge a row takes one row', async () => {
  const { path, remove } = newDataDir()
  const { customer } = await initialise(path)
  const add = [
    'user',
    'add',
    '--organization',
    customer.id,
    '--email',
    'eve@example.com',
    '--first-name',
    FORGED,
  ]
  const { code } = await runUsher(path, add)
  const { stdout } = await runUsher(path, ['user', 'list', '--organization', customer.id])
  const json = await runUsher(path, ['user', 'list', '--organization', customer.id, '--json'])
  remove()
  assert.equal(code, 0)
  assert.equal(stdout.trimEnd().split('\n').length, 2)
  assert.ok(stdout.includes(String.raw`\u001b[2JEve\n01900000`))
  assert.equal(JSON.parse(json.stdout)[0].firstName, FORGED)
  assert.match(json.stdout, /^[\n -~]*$/)
})

test('a list that ends early says so on standard error, and how to go on', async (t) => {
  const { path, remove } = newDataDir()
  t.after(remove)
  const { customer } = await initialise(path)
  for (const name of ['a', 'b', `c'$(x)`, 'd']) {
    const email = `${name}@example.com`
    await runUsher(path, ['user', 'add', '--organization', customer.id, '--email', email])
  }
  const users = ['user', 'list', '--organization', customer.id]
  const page = await runUsher(path, [...users, '--limit', '2', '--json'])
  assert.equal(JSON.parse(page.stdout).length, 2)
  const after = 'add --page 2 for the next page, or raise --limit'
  assert.equal(page.stderr, `usher: the list ends after 2 entries, and there are more: ${after}\n`)
  const rest = await runUsher(path, [...users, '--limit', '2', '--page', '2'])
  assert.deepEqual([rest.code, rest.stderr], [0, ''])
  for (const words of ['organization list', 'audit list']) {
    const { code, stderr } = await runUsher(path, [...words.split(' '), '--limit', '1'])
    assert.equal(code, 0)
    assert.match(stderr, /^usher: the list ends after 1 entry, and there are more: .*raise --limit\n$/)
  }
  assert.equal((await runUsher(path, ['tenant', 'list', '--limit', '1'])).stderr, '')
})
