import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newDataDir, runUsher, serve } from '../../testing/usher.ts'

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

test('a start with a wrong portal ends with 1 and the reason', async (t) => {
  const { path, remove } = newDataDir()
  t.after(remove)
  const { code, stderr } = await runUsher(path, ['serve', '--portal', 'bad domain!'])
  assert.deepEqual([code, stderr], [1, 'usher: --portal must be a DNS name\n'])
})

test('a start with a host that does not exist ends with 1 and a plain line', async (t) => {
  const { path, remove } = newDataDir()
  t.after(remove)
  const { code, stderr } = await runUsher(path, ['serve'], { USHER_HOST: 'nonsense.invalid' })
  assert.equal(code, 1)
  assert.match(stderr, /^usher: cannot listen on USHER_HOST and USHER_PORT: /)
})
