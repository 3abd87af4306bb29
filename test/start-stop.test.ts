import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newDataDir, serve, serveNew } from './support/usher.ts'

test('a first start prints every secret once, and the log holds none of them', async () => {
  const { path, remove } = newDataDir()
  const first = await serve(path)
  const secrets = [...first.stdout().matchAll(/^\w+_SECRET=(.+)$/gm)].map((match) => match[1] ?? '')
  assert.equal(secrets.length, 2)
  assert.equal(await first.stop(), 0)
  const second = await serve(path)
  assert.equal(await second.stop(), 0)
  assert.equal(second.stdout(), '')
  for (const secret of secrets) assert.ok(!`${first.log()}${second.log()}`.includes(secret))
  remove()
})

test('SIGTERM ends a start that has been serving, within 5 s and with 0', async () => {
  const usher = await serveNew()
  assert.equal((await fetch(`${usher.url}/readyz`)).status, 200)
  const begun = Date.now()
  assert.equal(await usher.stop(), 0)
  assert.ok(Date.now() - begun < 5_000)
  await usher.end()
})
