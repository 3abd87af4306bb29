import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addJitter, growPause } from '../src/backoff.ts'

const MAX_MS = 60_000

test('a pause is 1 s, then twice as long with each failure, up to the longest one', () => {
  const before = Math.random
  Math.random = () => 0.5
  try {
    const pauses = [0, 1, 2, 3, 6, 7, 2_000].map((failures) => growPause(failures, MAX_MS))
    assert.deepEqual(pauses, [1_000, 1_000, 2_000, 4_000, 32_000, MAX_MS, MAX_MS])
  } finally {
    Math.random = before
  }
})

test('the jitter is at most 10 % either way', () => {
  const pauses = Array.from({ length: 1_000 }, () => addJitter(1_000))
  assert.ok(pauses.every((ms) => ms >= 900 && ms < 1_100))
  assert.ok(new Set(pauses).size > 900)
})
