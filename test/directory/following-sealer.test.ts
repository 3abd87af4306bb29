import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { Sealer } from '../../src/directory/directory.ts'
import { CACHE_TTL_MS } from '../../src/directory/directory.ts'
import {
  KeysUnreadableError,
  LONGEST_SEALING_MS,
  newFollowingSealer,
  newSealer,
  sealMark,
  UnknownKeyError,
} from '../../src/directory/sealing/sealer.ts'

const [OLD, NEW, OTHER] = [randomBytes(32), randomBytes(32), randomBytes(32)]
const IDENTITY = 'credential:AK'

/** A sealer whose keys and clock a test can change. */
interface Following {
  readonly sealer: Sealer
  /** The keys that are read from now on; null makes reading fail. */
  keys: readonly Buffer[] | null
  now: number
  reads: number
}

function follow(): Following {
  const following = { keys: [OLD] as readonly Buffer[] | null, now: 1_000_000, reads: 0 }
  const readKeys = (): readonly Buffer[] => {
    following.reads++
    if (!following.keys) throw new Error('the file is gone')
    return following.keys
  }
  return Object.assign(following, { sealer: newFollowingSealer([OLD], readKeys, () => following.now) })
}

function assertSealsUnder(key: Buffer, { sealer }: Following): void {
  assert.ok(sealer.seal('secret', IDENTITY).startsWith(sealMark(key)))
}

test('a new first key seals once the keys have been cached long enough, and not before', () => {
  const on = follow()
  on.keys = [NEW, OLD]
  on.now += CACHE_TTL_MS - 1
  assertSealsUnder(OLD, on)
  assert.equal(on.reads, 0)
  on.now += 1
  assertSealsUnder(NEW, on)
  assertSealsUnder(NEW, on)
  assert.equal(on.reads, 1)
})

test('a secret under a new key opens at once, and secrets under the old key still open', () => {
  const on = follow()
  const old = on.sealer.seal('old', IDENTITY)
  on.keys = [NEW, OLD]
  assert.equal(on.sealer.open(newSealer([NEW]).seal('new', IDENTITY), IDENTITY), 'new')
  assert.equal(on.sealer.open(old, IDENTITY), 'old')
  assert.equal(on.reads, 1)
})

test('a secret that was read before its key was removed still opens', () => {
  const on = follow()
  const old = on.sealer.seal('old', IDENTITY)
  for (const keys of [[NEW, OLD], [NEW], [OTHER, NEW], [OTHER]]) {
    on.keys = keys
    on.now += CACHE_TTL_MS
    on.sealer.seal('secret', IDENTITY)
  }
  assert.equal(on.sealer.open(old, IDENTITY), 'old')
  assertSealsUnder(OTHER, on)
})

test('when the keys cannot be read, the sealer seals for as long as a rotation waits, and no longer', () => {
  const on = follow()
  on.keys = null
  on.now += LONGEST_SEALING_MS - 1
  assertSealsUnder(OLD, on)
  const old = on.sealer.seal('old', IDENTITY)
  on.now += 1
  assert.throws(() => on.sealer.seal('secret', IDENTITY), KeysUnreadableError)
  assert.equal(on.sealer.open(old, IDENTITY), 'old', 'opening needs no new keys')
  on.keys = [NEW, OLD]
  assertSealsUnder(NEW, on)
})

test('a clock that is set back does not make a key last longer', () => {
  const on = follow()
  on.keys = [NEW, OLD]
  on.now -= 3_600_000
  assertSealsUnder(NEW, on)
})

test('a secret under an unknown key does not open, whether or not the keys can be read', () => {
  const on = follow()
  const foreign = newSealer([OTHER]).seal('secret', IDENTITY)
  assert.throws(() => on.sealer.open(foreign, IDENTITY), UnknownKeyError)
  on.keys = null
  assert.throws(() => on.sealer.open(foreign, IDENTITY), UnknownKeyError)
})

test('a damaged secret does not make the sealer read the keys', () => {
  const on = follow()
  assert.throws(() => on.sealer.open(`${sealMark(OLD)}AAAA`, IDENTITY))
  assert.equal(on.reads, 0)
})
