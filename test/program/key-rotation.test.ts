import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { sealMark } from '../../src/directory/sealing/sealer.ts'
import { startChild } from '../../testing/children.ts'
import { engine, storeUrl } from '../../testing/environment.ts'
import { type ProcessTarget, startProcess } from '../../testing/target.ts'
import { runUsher, serve, usherJson } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'
import { openWith, type Watch, watchSecrets } from '../support/secrets.ts'
import { queryStore } from '../support/stored.ts'

/** Where units do not wait for each other, a rotation waits for them. */
const LIMIT_MS = 60_000
const ROUNDS = engine() === 'sqlite' ? 6 : 2

interface Resealed {
  readonly key: string
  readonly resealed: number
  readonly checked: number
  readonly unopened: readonly string[]
}

function readKeys({ dataDir }: ProcessTarget): string[] {
  return readFileSync(join(dataDir, 'master.key'), 'utf8').trim().split('\n')
}

/** A server with credentials in its directory, and what is done with it until the watch ends. */
async function startWatched(
  t: TestContext,
  { credentials, what }: { credentials: number; what: Parameters<Watch['begin']>[0] },
): Promise<{ target: ProcessTarget; watch: Watch; old: string }> {
  const target = await startProcess()
  t.after(() => target.end())
  const watch = await watchSecrets([target])
  await watch.add(credentials)
  watch.begin(what)
  const [old = ''] = readKeys(target)
  return { target, watch, old }
}

/** Asserts that nothing was lost, that one new key alone opens everything, and that the old one opens nothing. */
async function assertRotated(target: ProcessTarget, watch: Watch, old: string): Promise<void> {
  const [key = '', ...others] = readKeys(target)
  assert.deepEqual(others, [])
  assert.notEqual(key, old)
  await watch.check(target)
  await target.stop()
  const url = await storeUrl(target.dataDir)
  const { checked, unopened } = await openWith(url, key)
  assert.deepEqual(unopened, [])
  assert.ok(checked > watch.size, 'the signing key is missing')
  assert.equal((await openWith(url, old)).unopened.length, checked, 'the old key still opens something')
  const refused = await runUsher(target.dataDir, ['serve'], { USHER_MASTER_KEY: old })
  assert.deepEqual([refused.code, refused.stdout], [1, ''])
  const again = await serve(target.dataDir)
  await watch.check({ ...target, url: again.url })
  await again.stop()
  assert.equal((await usherJson<{ whole: boolean }>(target.dataDir, ['audit', 'verify'])).whole, true)
}

/** Kills a rotation when the first secrets have been re-sealed, or earlier at random. */
async function rotateAndKill(target: ProcessTarget, round: number): Promise<void> {
  const child = await startChild(target.dataDir, { args: ['key', 'rotate'], limitMs: LIMIT_MS })
  const killed = round % 2 === 0 ? pause(200 + Math.random() * 2_000) : untilResealing(target, child.ended)
  await killed
  child.process.kill('SIGKILL')
  await child.ended
}

async function untilResealing(target: ProcessTarget, ended: Promise<unknown>): Promise<void> {
  await waitUntil(async () => readKeys(target).length > 1, 10_000)
  const old = sealMark(Buffer.from(readKeys(target).at(-1) ?? '', 'base64'))
  const count = async (): Promise<unknown> => {
    const left = `SELECT count(*) AS left FROM credentials WHERE substr(sealed_secret, 1, length(?)) = ?`
    return (await queryStore(target.dataDir, left, old, old))[0]?.left
  }
  let over = false
  ended.then(() => {
    over = true
  })
  const all = await count()
  // Servers seal under the new key by now; what was under the old one becomes less only by the re-sealing.
  await waitUntil(async () => over || Number(await count()) < Number(all), LIMIT_MS)
}

describe('rotating the master key while Usher serves', { concurrency: true }, () => {
  for (const what of ['both', 'creates', 'reads'] as const) {
    test(`every call is answered and no secret changes (${what})`, async (t) => {
      const { target, watch, old } = await startWatched(t, { credentials: 50, what })
      const before = watch.size
      const rotating = target.cli<Resealed>('key', 'rotate')
      await Promise.race([rotating, waitUntil(async () => !readKeys(target).includes(old), LIMIT_MS)])
      // A server that had not learned of the new key in time would now seal something under the old one.
      await watch.end()
      const { resealed, checked, unopened } = await rotating
      assert.deepEqual(unopened, [])
      assert.ok(resealed > before && checked >= resealed)
      assert.equal(watch.size > before, what !== 'reads')
      await assertRotated(target, watch, old)
      assert.ok(!target.log().includes('"level":50'), target.log())
    })
  }

  test(`${ROUNDS} times killed on its way and run again, it loses nothing`, async (t) => {
    // More than are re-sealed in one unit.
    const { target, watch, old } = await startWatched(t, { credentials: 250, what: 'both' })
    for (let round = 0; round < ROUNDS; round++) {
      await rotateAndKill(target, round)
      const { unopened } = await openWith(await storeUrl(target.dataDir), ...readKeys(target))
      assert.deepEqual(unopened, [], 'a secret opens under no key of the file')
    }
    await target.cli('key', 'rotate')
    await watch.end()
    await assertRotated(target, watch, old)
  })
})

test('keys in the setting are rotated by giving every node both, re-sealing, and taking the old one away', async (t) => {
  const [old, next] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')]
  const target = await startProcess({ USHER_MASTER_KEY: old })
  t.after(() => target.end())
  const watch = await watchSecrets([target])
  await watch.add(10)
  await target.stop()
  const both = await serve(target.dataDir, { settings: { USHER_MASTER_KEY: `${next},${old}` } })
  await watch.check({ ...target, url: both.url })
  const reseal = (): Promise<Resealed> =>
    usherJson(target.dataDir, ['key', 'rotate', '--reseal-only'], { USHER_MASTER_KEY: `${next},${old}` })
  const { resealed, unopened } = await reseal()
  assert.deepEqual([resealed, unopened], [11, []])
  await both.stop()
  const alone = await serve(target.dataDir, { settings: { USHER_MASTER_KEY: next } })
  await watch.check({ ...target, url: alone.url })
  await alone.stop()
})
