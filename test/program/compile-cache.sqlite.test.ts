import assert from 'node:assert/strict'
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startChild } from '../../testing/children.ts'
import { findUrl, newDataDir } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'

/** The user that owns nothing. */
const NOBODY = 65534
const skip = process.getuid?.() !== 0 && 'only root can run a program as another user'

/** Node then logs what it reads from the compile cache. The folder of the test run is not for these processes. */
const DEBUG = {
  NODE_DEBUG_NATIVE: 'COMPILE_CACHE',
  NODE_COMPILE_CACHE: '',
  HOME: '/nonexistent',
  XDG_CACHE_HOME: '',
}

/** A data directory of NOBODY. Its cache is the only one that NOBODY can have. */
function newOwned(t: TestContext): { data: string; cache: string } {
  const { path, remove } = newDataDir()
  t.after(remove)
  chownSync(path, NOBODY, NOBODY)
  return { data: path, cache: join(path, 'compile-cache') }
}

/** Runs one command as NOBODY. Returns how many files came from the cache. */
async function runAsService(data: string, settings: Readonly<Record<string, string>> = {}): Promise<number> {
  const child = await startChild(data, {
    args: ['--version'],
    uid: NOBODY,
    settings: { ...DEBUG, ...settings },
  })
  const { code, stderr } = await child.ended
  assert.equal(code, 0, stderr)
  return stderr.match(/ was accepted/g)?.length ?? 0
}

const countFiles = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length

test('a service user has a warm cache in its data directory, as the owner has beside the packages', {
  skip,
}, async (t) => {
  const { data, cache } = newOwned(t)
  assert.equal(await runAsService(data), 0)
  assert.equal(statSync(cache).mode & 0o777, 0o700)
  const files = countFiles(cache)
  assert.ok(files > 0)
  assert.ok((await runAsService(data)) > 0)
  assert.equal(countFiles(cache), files)
})

/**
 * Starts a server to its first response, and stops it. Returns the log of its cache. A file takes the log, because Node
 * drops lines when a pipe is full.
 */
async function serveOnce(data: string, uid?: number): Promise<string> {
  const { path, remove } = newDataDir()
  const file = join(path, 'log')
  const shell = `exec 2> ${file}`
  if (uid !== undefined) chownSync(path, uid, uid)
  const child = await startChild(data, { settings: DEBUG, shell, ...(uid !== undefined && { uid }) })
  const read = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '')
  await waitUntil(async () => findUrl(read()) !== undefined, 20_000)
  assert.equal((await fetch(`${findUrl(read())}/healthz`)).status, 200)
  child.process.kill('SIGTERM')
  await child.ended
  const log = read()
  remove()
  return log
}

/** The modules that came from the cache. */
const listAccepted = (log: string): string[] =>
  [...log.matchAll(/for (?:ESM|CommonJS) (\S+) was accepted/g)].map(([, file = '']) => file).sort()

test('a server of a service user loads as much from its cache as one of the owner', { skip }, async (t) => {
  const { data } = newOwned(t)
  const own = newDataDir()
  t.after(own.remove)
  for (let i = 0; i < 2; i++) {
    await serveOnce(data, NOBODY)
    await serveOnce(own.path)
  }
  const ofService = listAccepted(await serveOnce(data, NOBODY))
  assert.ok(ofService.length > 300)
  assert.deepEqual(ofService, listAccepted(await serveOnce(own.path)))
})

test('a cache folder of the user comes before the data directory', { skip }, async (t) => {
  const { data, cache } = newOwned(t)
  const home = newOwned(t)
  await runAsService(data, { HOME: home.data })
  assert.ok((await runAsService(data, { HOME: home.data })) > 0)
  assert.ok(existsSync(join(home.data, '.cache/usher')))
  await runAsService(data, { XDG_CACHE_HOME: home.data })
  assert.ok(existsSync(join(home.data, 'usher')))
  assert.equal(existsSync(cache), false)
})

test('a cache that others can write is neither read nor written', { skip }, async (t) => {
  const { data, cache } = newOwned(t)
  await runAsService(data)
  const files = countFiles(cache)
  for (const mode of [0o777, 0o770]) {
    chmodSync(cache, mode)
    assert.equal(await runAsService(data), 0, mode.toString(8))
  }
  chmodSync(cache, 0o700)
  assert.ok((await runAsService(data)) > 0)
  chmodSync(data, 0o777)
  assert.equal(await runAsService(data), 0, 'others can replace the folder')
  chmodSync(data, 0o700)
  chownSync(cache, 0, 0)
  chmodSync(cache, 0o755)
  assert.equal(await runAsService(data), 0, 'the folder belongs to another user')
  assert.equal(countFiles(cache), files)
})

test('a data directory that does not exist is not made for a cache', { skip }, async (t) => {
  const { data } = newOwned(t)
  const missing = join(data, 'none')
  assert.equal(await runAsService(missing), 0)
  assert.equal(existsSync(missing), false)
})

test('NODE_COMPILE_CACHE names the folder', { skip }, async (t) => {
  const { data, cache } = newOwned(t)
  const other = join(data, 'other')
  mkdirSync(other)
  chownSync(other, NOBODY, NOBODY)
  await runAsService(data, { NODE_COMPILE_CACHE: other })
  assert.ok((await runAsService(data, { NODE_COMPILE_CACHE: other })) > 0)
  assert.deepEqual(readdirSync(data), ['other'])
  assert.equal(existsSync(cache), false)
})

test('a start loads only what it needs', async (t) => {
  const { path, remove } = newDataDir()
  t.after(remove)
  const read = [
    ...(await serveOnce(path)).matchAll(/reading cache from \S+ for (?:ESM|CommonJS) (\S+?)\.\.\./g),
  ]
  const modules = read.map(([, file = '']) => file)
  assert.ok(modules.some((file) => file.includes('/node_modules/fastify/')))
  // The documents' generator and page, builders of schemas, readable logs, and what belongs to other settings.
  const later =
    /\/node_modules\/(typebox|@fastify\/(swagger|static|ajv-compiler)|yaml|pino-pretty|pg|undici)[/-]/
  assert.deepEqual(
    modules.filter((file) => later.test(file)),
    [],
  )
  assert.ok(modules.length < 1_100, `a start loads ${modules.length} modules`)
})
