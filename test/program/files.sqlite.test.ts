import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { type ChildOptions, startChild, startServing } from '../../testing/children.ts'
import { serveHere } from '../../testing/target.ts'
import { newDataDir, runUsher, type Settings, usherJson } from '../../testing/usher.ts'

const SERVICE = 65533
const OTHER = 65534
const isRoot = process.getuid?.() === 0

const original = newDataDir()
after(original.remove)

// As the program does: only the owner may read the files that Usher makes.
process.umask(0o077)

/** Compiled code for the service, which may not read that of the other tests. */
const compiled = newDataDir()
chownSync(compiled.path, isRoot ? SERVICE : -1, -1)
after(compiled.remove)
before(async () => {
  const { code, stderr } = await (await startChild(original.path, { args: ['init'] })).ended
  assert.equal(code, 0, stderr)
})

/** Makes a directory that was set up by a process of its own: copies it, with the modes of its files. */
async function newDirectory(t: TestContext): Promise<string> {
  const { path, remove } = newDataDir()
  t.after(remove)
  cpSync(original.path, path, { recursive: true })
  return path
}

/** Lists the warnings in the log of a start. */
function listWarnings(log: string): string[] {
  const lines = log.split('\n').filter((line) => line.startsWith('{'))
  const parsed = lines.map((line) => JSON.parse(line) as { level: number; msg: string })
  return parsed.filter(({ level }) => level === 40).map(({ msg }) => msg)
}

/** Starts a server, in this process unless another user runs it; stops it, and returns its warnings. */
async function startAndStop(path: string, who: 'root' | 'service' = 'root'): Promise<string[]> {
  if (who === 'service') return listWarnings(await serveAsService(path))
  const served = await serveHere(path)
  assert.equal(await served.stop(), 0)
  return listWarnings(served.log())
}

/** How the service runs a program. */
function asService(settings: Settings = {}): ChildOptions {
  return { uid: SERVICE, settings: { NODE_COMPILE_CACHE: compiled.path, ...settings } }
}

/** Starts a server as the service, stops it, and returns its log. */
async function serveAsService(path: string, settings: Settings = {}): Promise<string> {
  const served = await startServing(path, asService(settings))
  served.process.kill()
  const { code, stderr } = await served.ended
  assert.equal(code, 0, stderr)
  return stderr
}

test('a start says which folder and files are open to other users, and how to close them', async (t) => {
  const path = await newDirectory(t)
  assert.deepEqual(await startAndStop(path), [])
  chmodSync(path, 0o755)
  chmodSync(join(path, 'usher.db'), 0o640)
  const [folder, store, ...others] = await startAndStop(path)
  assert.match(folder ?? '', new RegExp(`are open to other users\\. .* chmod 700 ${path}$`))
  assert.match(store ?? '', new RegExp(`are open to other users\\. .* chmod 600 .*${path}/usher\\.db`))
  assert.deepEqual(others, [])
  const link = `${path}-link`
  symlinkSync(path, link)
  t.after(() => rmSync(link))
  const [once] = await startAndStop(link)
  assert.match(once ?? '', new RegExp(` chmod 700 ${path}$`))
})

test('a key that others may read is refused, with the command that closes it', async (t) => {
  const path = await newDirectory(t)
  chmodSync(join(path, 'master.key'), 0o644)
  const { code, stderr } = await runUsher(path, ['serve'])
  assert.equal(code, 1)
  assert.match(stderr, new RegExp(`may be read by others; .* chmod 600 ${path}/master\\.key\n$`))
})

test('a start says which files belong to another user', { skip: !isRoot && 'needs root' }, async (t) => {
  const path = await newDirectory(t)
  for (const name of ['', 'usher.db', 'master.key']) chownSync(join(path, name), SERVICE, SERVICE)
  assert.deepEqual(await startAndStop(path, 'service'), [])
  assert.deepEqual(await startAndStop(path), [], 'root may use the files of a service')
  for (const name of readdirSync(path).filter((name) => name.startsWith('usher.db'))) {
    chownSync(join(path, name), OTHER, SERVICE)
    chmodSync(join(path, name), 0o660)
  }
  const warnings = await startAndStop(path, 'service')
  assert.match(
    warnings[0] ?? '',
    new RegExp(`belong to another user.* chown ${SERVICE} .*${path}/usher\\.db`),
  )
})

test('a key that root hands out to the group of a service is taken, as LoadCredential and Kubernetes do it', {
  skip: !isRoot && 'needs root',
}, async (t) => {
  const path = await newDirectory(t)
  for (const name of ['', 'usher.db']) chownSync(join(path, name), SERVICE, SERVICE)
  const credentials = newDataDir()
  t.after(credentials.remove)
  chmodSync(credentials.path, 0o755)
  const key = join(credentials.path, 'master.key')
  renameSync(join(path, 'master.key'), key)
  chownSync(key, 0, SERVICE)
  chmodSync(key, 0o440)
  const settings = { USHER_MASTER_KEY_FILE: key }
  await serveAsService(path, settings)
  chmodSync(key, 0o444)
  const refused = await (await startChild(path, asService(settings))).ended
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /may be read by others/)
  chmodSync(key, 0o440)
  chmodSync(key, 0o640)
  assert.equal((await runUsher(path, ['key', 'list'], settings)).code, 1, 'root needs no group')
})

test('files that root makes belong to the user of the folder', {
  skip: !isRoot && 'needs root',
}, async (t) => {
  const path = await newDirectory(t)
  for (const name of ['', 'usher.db', 'master.key']) chownSync(join(path, name), SERVICE, SERVICE)
  const backups = newDataDir()
  t.after(backups.remove)
  const copy = join(backups.path, 'copy.db')
  for (const args of [
    ['backup', copy],
    ['restore', copy],
  ])
    assert.equal((await (await startChild(path, { args })).ended).code, 0)
  for (const name of readdirSync(path)) assert.equal(statSync(join(path, name)).uid, SERVICE, name)
  assert.deepEqual(await startAndStop(path, 'service'), [])
})

/** Asserts that a start is refused in one line, and that no file was created. */
async function assertRefused(path: string, args: readonly string[], message: RegExp): Promise<void> {
  const before = existsSync(path) ? readdirSync(path) : null
  const { code, stdout, stderr } = await runUsher(path, args)
  assert.deepEqual([code, stdout], [1, ''], args.join(' '))
  assert.match(stderr, /^usher: [^\n]+\n$/)
  assert.match(stderr, message)
  assert.deepEqual(existsSync(path) ? readdirSync(path) : null, before, args.join(' '))
}

test('serve refuses a data directory that has a key and no store; init and restore still work', async (t) => {
  const path = await newDirectory(t)
  const copy = join(path, '..', `${Date.now()}-copy.db`)
  t.after(() => rmSync(copy, { force: true }))
  await usherJson(path, ['backup', copy])
  for (const name of readdirSync(path).filter((name) => name.startsWith('usher.db'))) rmSync(join(path, name))
  for (const args of [['serve'], ['serve', '--no-setup']])
    await assertRefused(
      path,
      args,
      /master\.key exists, but its store .*usher\.db does not: .* usher restore FILE .* usher init/,
    )
  const other = `${path}-other`
  t.after(() => rmSync(other, { recursive: true, force: true }))
  cpSync(path, other, { recursive: true })
  await usherJson(path, ['restore', copy])
  await usherJson(other, ['init'])
  for (const one of [path, other]) assert.equal(await (await serveHere(one)).stop(), 0)
})

test('serve refuses a data directory without a store also where it is named by a link', async (t) => {
  const path = await newDirectory(t)
  rmSync(join(path, 'usher.db'))
  const link = `${path}-link`
  symlinkSync(path, link)
  t.after(() => rmSync(link))
  const settings = { USHER_MASTER_KEY_FILE: join(path, 'master.key') }
  const { code, stderr } = await runUsher(link, ['serve'], settings)
  assert.equal(code, 1)
  assert.match(stderr, /master\.key exists, but its store .*usher\.db does not: /)
})

test('serve refuses a data directory that has a key and an empty file for a store', async (t) => {
  const path = await newDirectory(t)
  writeFileSync(join(path, 'usher.db'), '')
  await assertRefused(
    path,
    ['serve'],
    /master\.key exists, but its store .*usher\.db is empty: .* usher restore/,
  )
})

test('serve refuses a store without its key, unless the key is in the setting', async (t) => {
  const path = await newDirectory(t)
  const key = readFileSync(join(path, 'master.key'), 'utf8').trim()
  rmSync(join(path, 'master.key'))
  const { code, stderr } = await runUsher(path, ['serve'])
  assert.equal(code, 1)
  assert.match(stderr, /master\.key is missing; .*put it back from its copy/)
  assert.ok(!existsSync(join(path, 'master.key')))
  const served = await serveHere(path, { USHER_MASTER_KEY: key })
  assert.equal(await served.stop(), 0)
})

test('serve --no-setup refuses a directory that is not set up, and serves one that is', async (t) => {
  const { path, remove } = newDataDir()
  t.after(remove)
  await assertRefused(path, ['serve', '--no-setup'], /there is no store at .* that the volume is mounted/)
  await assertRefused(join(path, 'none'), ['serve', '--no-setup'], /there is no store at/)
  await usherJson(path, ['init'])
  const served = await startServing(path, { args: ['serve', '--no-setup'] })
  served.process.kill()
  assert.equal((await served.ended).code, 0)
})

test('no command but a set-up creates a directory that is not there', async (t) => {
  const { path: parent, remove } = newDataDir()
  t.after(remove)
  const empty = join(parent, 'empty')
  mkdirSync(empty)
  const file = join(parent, 'copy.db')
  const commands = [
    'migrate',
    'migrate --status',
    'status',
    'organization list',
    'portal list',
    'client list',
    'group list',
    'user list --organization x',
    'tenant list',
    'platform status',
    'platform check',
    'token list',
    'key rotate',
    'key list',
    'audit list',
    'audit verify',
    `backup ${file}`,
    'serve --no-setup',
  ]
  for (const command of commands)
    for (const path of [empty, join(parent, 'none')])
      await assertRefused(path, command.split(' '), /there is no store at/)
  const copy = [
    'store',
    'copy',
    '--from',
    `sqlite:${join(parent, 'none/usher.db')}`,
    '--to',
    `sqlite:${file}`,
  ]
  await assertRefused(empty, copy, /there is no store at/)
  assert.deepEqual(readdirSync(parent), ['empty'])
})
