import assert from 'node:assert/strict'
import { mkdirSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startTarget } from '../../testing/target.ts'
import { type Init, newDataDir, runUsher, serve, serveNew, usherJson } from '../../testing/usher.ts'

test('a second server on the same file is refused, while commands work next to the first', async (t) => {
  const usher = await startTarget()
  t.after(() => usher.end())
  const second = await runUsher(usher.dataDir, ['serve'])
  assert.equal(second.code, 1)
  assert.match(second.stderr, /another Usher already serves /)
  assert.equal((await runUsher(usher.dataDir, ['client', 'list'])).code, 0)
})

test('a server that was killed leaves no lock behind', async (t) => {
  const usher = await serveNew()
  t.after(() => usher.end())
  await usher.stop('SIGKILL')
  assert.equal((await runUsher(usher.dataDir, ['audit', 'verify'])).code, 0)
  const next = await serve(usher.dataDir)
  assert.equal(await next.stop(), 0)
})

test('the files in the data directory are for their owner alone', async (t) => {
  const { path, remove } = newDataDir()
  const usher = await serve(path)
  t.after(async () => {
    await usher.stop()
    remove()
  })
  for (const name of ['usher.db', 'usher.db-wal', 'master.key'])
    assert.equal(statSync(join(path, name)).mode & 0o077, 0, name)
})

test('a store behind a symbolic link is written to like any other', async (t) => {
  const { path, remove } = newDataDir()
  t.after(remove)
  mkdirSync(join(path, 'elsewhere'))
  const settings = { USHER_DATABASE_URL: `sqlite:${join(path, 'link.db')}` }
  symlinkSync(join(path, 'elsewhere/real.db'), join(path, 'link.db'))
  const { customer } = await usherJson<Init>(path, ['init'], settings)
  const words = ['user', 'add', '--organization', customer.id, '--email', 'ada@example.com']
  assert.equal((await runUsher(path, words, settings)).code, 0)
})

test('a second server on the same file is refused under another name of the file', async (t) => {
  const usher = await startTarget()
  t.after(() => usher.end())
  const link = join(usher.dataDir, 'link.db')
  symlinkSync(join(usher.dataDir, 'usher.db'), link)
  const { code, stderr } = await runUsher(usher.dataDir, ['serve'], { USHER_DATABASE_URL: `sqlite:${link}` })
  assert.equal(code, 1)
  assert.match(stderr, /another Usher already serves /)
})
