import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { sealMark } from '../../src/directory/sealing/sealer.ts'
import type { Store } from '../../src/store/port.ts'
import { startChild } from '../../testing/children.ts'
import { storeUrl } from '../../testing/environment.ts'
import { type ProcessTarget, serveHere, startProcess, startTarget } from '../../testing/target.ts'
import { runUsher, usherJson } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'
import { assertNoErrors, type Calls, openWith, type Watch, watchSecrets } from '../support/secrets.ts'
import { withStore } from '../support/stored.ts'

/** On PostgreSQL a rotation waits 20 s for units that are still open. */
const LIMIT_MS = 60_000

interface Resealed {
  readonly key: string
  readonly resealed: number
  readonly checked: number
  readonly unopened: readonly string[]
}

function readKeys({ dataDir }: ProcessTarget): string[] {
  return readFileSync(join(dataDir, 'master.key'), 'utf8').trim().split('\n')
}

/** Starts a server with credentials in its directory, and calls it until the watch ends. */
async function startWatched(
  t: TestContext,
  { credentials, what }: { credentials: number; what: Calls },
): Promise<{ target: ProcessTarget; watch: Watch; old: string }> {
  const target = await startProcess()
  t.after(() => target.end())
  const watch = await watchSecrets([target])
  await watch.add(credentials)
  watch.begin(what)
  const [old = ''] = readKeys(target)
  return { target, watch, old }
}

/** Asserts that no secret was lost, that the new key alone opens all of them, and that the old key opens none. */
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
  const again = await serveHere(target.dataDir)
  await watch.check({ ...target, url: again.url })
  await again.stop()
  assert.equal((await usherJson<{ whole: boolean }>(target.dataDir, ['audit', 'verify'])).whole, true)
}

/** Kills a rotation when the first secrets have been re-sealed, or earlier at random. */
async function rotateAndKill(target: ProcessTarget, round: number): Promise<void> {
  const child = await startChild(target.dataDir, { args: ['key', 'rotate'], limitMs: 2 * LIMIT_MS })
  const killed = round % 2 === 0 ? pause(200 + Math.random() * 2_000) : untilResealing(target, child.ended)
  await killed
  child.process.kill('SIGKILL')
  await child.ended
}

/** Waits until a rotation has sealed the first secrets again, or has ended. */
async function untilResealing(target: ProcessTarget, ended: Promise<unknown>): Promise<void> {
  await waitUntil(async () => readKeys(target).length > 1, LIMIT_MS)
  const old = sealMark(Buffer.from(readKeys(target).at(-1) ?? '', 'base64'))
  let over = false
  void ended.then(() => {
    over = true
  })
  await withStore(target.dataDir, async (store) => {
    const all = await countSealed(store, old)
    // The server seals under the new key by now, so that only the rotation makes this count smaller.
    await waitUntil(async () => over || (await countSealed(store, old)) < all, LIMIT_MS)
  })
}

/** Returns how many credentials are sealed under the key with this mark. */
async function countSealed(store: Store, mark: string): Promise<number> {
  const [row] = await store.read((tx) =>
    tx.query((db) =>
      db
        .selectFrom('credentials')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        // The tilde sorts after every character of a sealed secret.
        .where('sealed_secret', '>=', mark)
        .where('sealed_secret', '<', `${mark}~`),
    ),
  )
  return row?.count ?? 0
}

/**
 * Tests of rotations under calls, each on a server of its own. Most of their time is waiting, so run them concurrently.
 * @param kinds what the callers do meanwhile
 */
export function rotationSuite(kinds: readonly Calls[]): void {
  for (const what of kinds) {
    test(`every call gets a response and no secret changes (${what})`, async (t) => {
      const { target, watch, old } = await startWatched(t, { credentials: 50, what })
      const before = watch.size
      const rotating = target.cli<Resealed>('key', 'rotate')
      await Promise.race([rotating, waitUntil(async () => !readKeys(target).includes(old), LIMIT_MS)])
      // If the server had not read the new key in time, it would now seal a secret under the old one.
      await watch.end()
      const { resealed, checked, unopened } = await rotating
      assert.deepEqual(unopened, [])
      assert.ok(resealed > before && checked >= resealed)
      assert.equal(watch.size > before, what !== 'reads')
      await assertRotated(target, watch, old)
      assertNoErrors(target.log())
    })
  }
}

/**
 * A test of rotations that are killed, one after the other: the first at a random moment, the second during the
 * re-sealing, and so on in turn.
 */
export function killedRotationSuite(times: number): void {
  test(`${times} times killed on its way and run again, it loses nothing`, async (t) => {
    // More than one unit seals again.
    const { target, watch, old } = await startWatched(t, { credentials: 250, what: 'both' })
    for (let round = 0; round < times; round++) {
      await rotateAndKill(target, round)
      const { unopened } = await openWith(await storeUrl(target.dataDir), ...readKeys(target))
      assert.deepEqual(unopened, [], 'a secret opens under no key of the file')
    }
    await target.cli('key', 'rotate')
    await watch.end()
    await assertRotated(target, watch, old)
  })
}

/** A test of keys that are in the setting, which no command can change. */
export function settingRotationSuite(): void {
  test('keys in the setting are rotated by giving every node both, re-sealing, and taking the old one away', async (t) => {
    const [old, next] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')]
    const target = await startTarget({ USHER_MASTER_KEY: old })
    t.after(() => target.end())
    const watch = await watchSecrets([target])
    await watch.add(10)
    await target.stop()
    const both = await serveHere(target.dataDir, { USHER_MASTER_KEY: `${next},${old}` })
    await watch.check({ ...target, url: both.url })
    const reseal = (): Promise<Resealed> =>
      usherJson(target.dataDir, ['key', 'rotate', '--reseal-only'], { USHER_MASTER_KEY: `${next},${old}` })
    const { resealed, unopened } = await reseal()
    assert.deepEqual([resealed, unopened], [12, []])
    await both.stop()
    const alone = await serveHere(target.dataDir, { USHER_MASTER_KEY: next })
    await watch.check({ ...target, url: alone.url })
    await alone.stop()
  })
}
