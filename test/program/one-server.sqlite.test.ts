import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { runUsher, serve, serveNew } from '../../testing/usher.ts'

test('a second server on the same file is refused, while commands work beside the first', async (t) => {
  const usher = await serveNew()
  t.after(() => usher.end())
  const second = await runUsher(usher.dataDir, ['serve'])
  assert.equal(second.code, 1)
  assert.match(second.stderr, /is served by another Usher already/)
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
  const usher = await serveNew()
  t.after(() => usher.end())
  for (const name of ['usher.db', 'usher.db-wal', 'master.key']) {
    assert.equal(statSync(join(usher.dataDir, name)).mode & 0o077, 0, name)
  }
})
